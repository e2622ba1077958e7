using Coach.Llm.Keys;
using Coach.Llm.Sessions;
using Microsoft.Extensions.Hosting;

namespace Coach.Llm.Hosting;

/// <summary>Makes the instruments exist from the host's start, so that gauges show before the first session.</summary>
internal sealed class LlmStartup(SessionMetrics sessions, KeyMetrics keys, ModelWatch models) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        GC.KeepAlive(sessions);
        GC.KeepAlive(keys);
        GC.KeepAlive(models);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
