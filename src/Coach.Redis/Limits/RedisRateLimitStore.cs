using Coach.Abstractions;
using Coach.Redis.Connections;
using StackExchange.Redis;

namespace Coach.Redis.Limits;

/// <summary>
/// Token buckets in Redis: one script a decision, by the server's clock, so that replicas whose clocks differ agree.
/// </summary>
internal sealed class RedisRateLimitStore(RedisConnection redis) : IRateLimitStore
{
    private const int MaxPartitionLength = 500;
    private const int MaxValue = 1_000_000;

    // A bucket is written when permits were taken, and forgotten when it is full again. A refusal changes nothing.
    // A thousandth of a permit forgives what rounding lost on the way.
    private const string Script = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000 + tonumber(ARGV[1])
        local burst = tonumber(ARGV[2])
        local perMs = tonumber(ARGV[3]) / 60000
        local permits = tonumber(ARGV[4])
        local tokens = burst
        local known = redis.call('GET', KEYS[1])
        if known then
          local at, left = string.match(known, '^(%S+) (%S+)$')
          tokens = math.min(burst, tonumber(left) + math.max(0, now - tonumber(at)) * perMs)
        end
        if tokens + 0.001 < permits then
          return {0, math.floor(tokens), math.ceil((permits - tokens) / perMs * 1000)}
        end
        tokens = math.max(0, tokens - permits)
        redis.call('SET', KEYS[1], string.format('%.3f %.6f', now, tokens),
          'PX', string.format('%.0f', math.ceil((burst - tokens) / perMs) + 1000))
        return {1, math.floor(tokens + 0.001), 0}
        """;

    // A bucket that is not known is full.
    private const string GiveBackScript = """
        local known = redis.call('GET', KEYS[1])
        if not known then return 0 end
        local at, left = string.match(known, '^(%S+) (%S+)$')
        local tokens = math.min(tonumber(ARGV[2]), tonumber(left) + tonumber(ARGV[3]))
        local ends = redis.call('PTTL', KEYS[1])
        redis.call('SET', KEYS[1], string.format('%s %.6f', at, tokens),
          'PX', string.format('%.0f', math.max(1, ends)))
        return 1
        """;

    public bool IsShared => true;

    public async ValueTask<RateLimitDecision> TryAcquireAsync(
        string partition, RateLimit limit, int permits = 1, CancellationToken cancellationToken = default)
    {
        Check(partition, limit, permits);
        RedisResult answer = await redis.EvaluateAsync(
            "decide a rate limit",
            Script,
            [redis.Keys.Bucket(partition)],
            [limit.Burst, limit.PerMinute, permits],
            cancellationToken).ConfigureAwait(false);
        return new RateLimitDecision(
            (int)answer[0] == 1, (int)answer[1], TimeSpan.FromTicks((long)answer[2] * TimeSpan.TicksPerMicrosecond));
    }

    public async ValueTask GiveBackAsync(
        string partition, RateLimit limit, int permits = 1, CancellationToken cancellationToken = default)
    {
        Check(partition, limit, permits);
        await redis.EvaluateAsync(
            "give permits back", GiveBackScript, [redis.Keys.Bucket(partition)], [limit.Burst, permits],
            cancellationToken).ConfigureAwait(false);
    }

    private static void Check(string partition, RateLimit limit, int permits)
    {
        ArgumentException.ThrowIfNullOrEmpty(partition);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(partition.Length, MaxPartitionLength, nameof(partition));
        CheckRange(limit.Burst, nameof(limit), MaxValue);
        CheckRange(limit.PerMinute, nameof(limit), MaxValue);
        CheckRange(permits, nameof(permits), limit.Burst);
    }

    private static void CheckRange(int value, string name, int maximum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, maximum, name);
    }
}
