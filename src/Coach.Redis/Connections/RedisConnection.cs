using System.Diagnostics.Metrics;
using Coach.Abstractions;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace Coach.Redis.Connections;

/// <summary>
/// The one connection of this process, made at the first call and kept until its server turns out not to be the primary
/// any more; every call goes through its guard.
/// </summary>
internal sealed class RedisConnection : IAsyncDisposable, IDisposable
{
    // Writes what all else writes too, in the way in which all else does: a server that only reads, is full, or lets
    // its user run no scripts is not there for us, although it answers.
    private const string ProbeScript = "return redis.call('SET', KEYS[1], '1', 'PX', 60000)";

    private readonly ConfigurationOptions _configuration;
    private readonly TimeProvider _time;
    private readonly TimeSpan _betweenRenewals;
    private readonly Lock _gate = new();
    private Task<IConnectionMultiplexer>? _connecting;
    private Task _closing = Task.CompletedTask;
    private long? _renewedAt;
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
        (_time, _betweenRenewals) = (time, options.BreakDuration);
        Keys = new RedisKeys(options.KeyPrefix);
        Guard = new StoreGuard(
            "redis",
            new StoreLimits(options.TimeLimit, options.FailuresBeforeBreak, options.BreakDuration),
            async _ => await RunAsync(ProbeScript, [Keys.Probe], []).ConfigureAwait(false),
            time, logger, meters, Explain);
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
            async _ => await RunAsync(script, keys, all).ConfigureAwait(false),
            cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (End() is { } connecting)
        {
            await (await connecting.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }

        await _closing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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

    // A server that was restarted, or whose scripts were flushed, is told the script anew.
    private async Task<RedisResult> RunAsync(string script, RedisKey[] keys, RedisValue[] values)
    {
        IDatabase database = await DatabaseAsync().ConfigureAwait(false);
        try
        {
            return await database.ScriptEvaluateAsync(script, keys, values).ConfigureAwait(false);
        }
        catch (RedisServerException exception) when (RedisFailures.IsNoScript(exception))
        {
            return await database.ScriptEvaluateAsync(script, keys, values, CommandFlags.NoScriptCache)
                .ConfigureAwait(false);
        }
    }

    // Told of each failure: after a failover the name may lead to another server, and only a new connection asks it.
    private string? Explain(Exception exception)
    {
        if (RedisFailures.IsOfFailover(exception))
        {
            Renew();
        }

        return RedisFailures.Explain(exception);
    }

    private void Renew()
    {
        lock (_gate)
        {
            if (_isDisposed || _connecting is not { IsCompletedSuccessfully: true } connected
                || (_renewedAt is { } at && _time.GetElapsedTime(at) < _betweenRenewals))
            {
                return;
            }

            _renewedAt = _time.GetTimestamp();
            _connecting = null;
            _closing = CloseAsync(_closing, connected.Result);
        }
    }

    // Calls that are under way on it end first.
    private static async Task CloseAsync(Task before, IConnectionMultiplexer connection)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.SuppressThrowing);
        await connection.CloseAsync(allowCommandsToComplete: true).ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
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
