using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Draining;

/// <summary>
/// Holds the server's stop back (graceful drain): the port stays open while requests go elsewhere, then new work is
/// refused, and what runs may finish until 25 s after the signal, 5 s before the host's own limit.
/// </summary>
internal sealed class DrainService(
    DrainState state, IOptions<CoachDrainOptions> options, TimeProvider time, IHostApplicationLifetime? lifetime = null)
    : IHostedLifecycleService
{
    internal static readonly TimeSpan Total = TimeSpan.FromSeconds(25);
    internal static readonly TimeSpan LastWords = TimeSpan.FromSeconds(2);

    // Before any hosted service stops, the server among them.
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // A signal has done so; whoever stops the host in code would otherwise leave it ready meanwhile.
        lifetime?.StopApplication();
        TimeSpan drain = options.Value.Drain;
        if (!await WaitAsync(Task.Delay(drain, time, cancellationToken)).ConfigureAwait(false))
        {
            return; // the host's limit is shorter
        }

        Task idle = state.CloseAsync();
        if (!await WaitAsync(idle.WaitAsync(Total - drain, time, cancellationToken)).ConfigureAwait(false))
        {
            await state.CutAsync().ConfigureAwait(false);
            await WaitAsync(idle.WaitAsync(LastWords, time, cancellationToken)).ConfigureAwait(false);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static async Task<bool> WaitAsync(Task wait)
    {
        try
        {
            await wait.ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            return false;
        }
    }
}
