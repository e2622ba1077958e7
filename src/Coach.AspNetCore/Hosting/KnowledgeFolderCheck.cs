using Coach.Rag;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Hosting;

/// <summary>
/// Fails the start when the folder of documents is not there. Once the host runs, a folder that goes away is another
/// matter: its documents stay, and the health row says so.
/// </summary>
internal sealed class KnowledgeFolderCheck(IOptions<CoachRagOptions> options) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Knowledge is { Length: > 0 } folder && !Directory.Exists(folder))
        {
            throw new OptionsValidationException(
                Options.DefaultName,
                typeof(CoachRagOptions),
                [
                    $"Coach:Rag:Knowledge is {CoachEnvironment.Shown(folder)}; there is no such folder. Make it, or "
                    + "name another one.",
                ]);
        }

        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
