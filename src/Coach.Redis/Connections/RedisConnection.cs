using System.Diagnostics.Metrics;
using Coach.Abstractions;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Coach.Redis.Connections;

/// <summary>
/// The one connection of this process, made at the first call and kept; every call goes through its guard.
/// </summary>
internal sealed class RedisConnection : IAsyncDisposable, IDisposable
{
    private readonly ConfigurationOptions _configuration;
    private readonly Lock _gate = new();
    private Task<IConnectionMultiplexer>? _connecting;
    private bool _isDisposed;

    public RedisConnection(
        CoachRedisOptions options, TimeProvider time, ILogger<StoreGuard> logger, IMeterFactory? meters)
    {
        _configuration = ConfigurationOptions.Parse(options.ConnectionString);

        // A server that is away is connected to when it is back; until then calls fail at once instead of piling up.
        _configuration.AbortOnConnectFail = false;
        _configuration.BacklogPolicy = BacklogPolicy.FailFast;
        _configuration.ReconnectRetryPolicy = new LinearRetry(500);
        _configuration.ClientName ??= "coach";
        Keys = new RedisKeys(options.KeyPrefix);
        Guard = new StoreGuard(
            "redis",
            new StoreLimits(options.TimeLimit, options.FailuresBeforeBreak, options.BreakDuration),
            async _ => await (await DatabaseAsync().ConfigureAwait(false)).PingAsync().ConfigureAwait(false),
            time, logger, meters);
    }

    public RedisKeys Keys { get; }

    public StoreGuard Guard { get; }

    /// <summary>What a test lets the server's clock be ahead.</summary>
    internal TimeSpan ClockOffset { get; set; }

    public Task<IConnectionMultiplexer> ConnectAsync()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _connecting is null or { IsFaulted: true } ? _connecting = OpenAsync() : _connecting;
        }
    }

    public async Task<IDatabase> DatabaseAsync() => (await ConnectAsync().ConfigureAwait(false)).GetDatabase();

    /// <summary>Runs a script; its first argument is added: how far the clock is ahead, in milliseconds.</summary>
    public ValueTask<RedisResult> EvaluateAsync(
        string doing, string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken)
    {
        RedisValue[] all = [(long)ClockOffset.TotalMilliseconds, .. values];
        return Guard.CallAsync(
            doing,
            async _ =>
            {
                IDatabase database = await DatabaseAsync().ConfigureAwait(false);
                return await database.ScriptEvaluateAsync(script, keys, all).ConfigureAwait(false);
            },
            cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (End() is { } connecting)
        {
            await (await connecting.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }

        Guard.Dispose();
    }

    public void Dispose()
    {
        if (End() is { IsCompletedSuccessfully: true } connected)
        {
            connected.Result.Dispose();
        }

        Guard.Dispose();
    }

    private async Task<IConnectionMultiplexer> OpenAsync() =>
        await ConnectionMultiplexer.ConnectAsync(_configuration).ConfigureAwait(false);

    private Task<IConnectionMultiplexer>? End()
    {
        lock (_gate)
        {
            _isDisposed = true;
            Task<IConnectionMultiplexer>? connecting = _connecting;
            _connecting = null;
            return connecting;
        }
    }
}
