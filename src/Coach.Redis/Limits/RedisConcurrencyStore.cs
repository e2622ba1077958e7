using Coach.Abstractions;
using Coach.Redis.Connections;
using StackExchange.Redis;

namespace Coach.Redis.Limits;

/// <summary>
/// Places in Redis: a sorted set of who holds one, by the end of its lease on the server's clock. One script a
/// decision.
/// </summary>
internal sealed class RedisConcurrencyStore(RedisConnection redis) : IConcurrencyStore
{
    private const int MaxPartition = 500;
    private const int MaxId = 100;
    private const int MaxLimit = 1_000_000;

    // KEYS: places. ARGV: clock offset, id, lease, limit (0: whoever holds a place goes on holding it).
    private const string HoldScript = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(ARGV[1])
        local lease = tonumber(ARGV[3])
        local limit = tonumber(ARGV[4])
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
        if limit > 0 and not redis.call('ZSCORE', KEYS[1], ARGV[2])
          and redis.call('ZCARD', KEYS[1]) >= limit then
          return 0
        end
        redis.call('ZADD', KEYS[1], string.format('%.0f', now + lease), ARGV[2])
        local left = redis.call('PTTL', KEYS[1])
        redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(left, lease)))
        return 1
        """;

    private const string LeaveScript = "return redis.call('ZREM', KEYS[1], ARGV[2])";

    public async ValueTask<bool> TryEnterAsync(
        string partition, string id, int limit, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        Check(partition, id);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MaxLimit);
        CheckLease(lease);
        RedisResult answer = await redis.EvaluateAsync(
            "count what runs", HoldScript, [redis.Keys.Places(partition)],
            [id, (long)lease.TotalMilliseconds, limit], cancellationToken).ConfigureAwait(false);
        return (int)answer == 1;
    }

    public async ValueTask RenewAsync(
        string partition, string id, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        Check(partition, id);
        CheckLease(lease);
        await redis.EvaluateAsync(
            "count what runs", HoldScript, [redis.Keys.Places(partition)],
            [id, (long)lease.TotalMilliseconds, 0], cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask LeaveAsync(string partition, string id, CancellationToken cancellationToken = default)
    {
        Check(partition, id);
        await redis.EvaluateAsync(
            "count what runs", LeaveScript, [redis.Keys.Places(partition)], [id], cancellationToken)
            .ConfigureAwait(false);
    }

    private static void Check(string partition, string id)
    {
        ArgumentException.ThrowIfNullOrEmpty(partition);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(partition.Length, MaxPartition, nameof(partition));
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(id.Length, MaxId, nameof(id));
    }

    private static void CheckLease(TimeSpan lease)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lease, TimeSpan.FromSeconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lease, TimeSpan.FromDays(1));
    }
}
