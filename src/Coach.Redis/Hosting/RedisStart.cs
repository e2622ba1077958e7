using Coach.Abstractions;
using Coach.Redis.Connections;
using Microsoft.Extensions.Hosting;

namespace Coach.Redis.Hosting;

/// <summary>
/// Connects while the host starts, so that the first request does not wait for it. A server that is away does not keep
/// the host from starting.
/// </summary>
internal sealed class RedisStart(RedisConnection redis) : IHostedService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await redis.ConnectAsync().WaitAsync(Patience, cancellationToken).ConfigureAwait(false);
            await redis.Guard.CheckAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or StackExchange.Redis.RedisException)
        {
            // The guard says so at the first call.
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
