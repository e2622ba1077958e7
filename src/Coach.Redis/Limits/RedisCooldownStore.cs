using Coach.Abstractions;
using Coach.Redis.Connections;
using StackExchange.Redis;

namespace Coach.Redis.Limits;

/// <summary>What rests, in Redis, by the server's clock; those of one group lie on one node.</summary>
internal sealed class RedisCooldownStore(RedisConnection redis) : ICooldownStore
{
    private const int MaxLength = 500;
    private const int MaxNames = 100;

    private const string Now = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(ARGV[1])

        """;

    private const string SetScript = Now + """
        local wait = tonumber(ARGV[2])
        local known = redis.call('GET', KEYS[1])
        if not known or tonumber(known) < now + wait then
          redis.call('SET', KEYS[1], string.format('%.0f', now + wait), 'PX', string.format('%.0f', wait))
        end
        return 1
        """;

    private const string LeftScript = Now + """
        local left = {}
        for i = 1, #KEYS do
          local known = redis.call('GET', KEYS[i])
          left[i] = 0
          if known then left[i] = math.max(0, tonumber(known) - now) end
        end
        return left
        """;

    private const string ClearScript = "return redis.call('DEL', KEYS[1])";

    public async ValueTask SetAsync(
        string group, string name, TimeSpan wait, CancellationToken cancellationToken = default)
    {
        Check(group, nameof(group));
        Check(name, nameof(name));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(wait, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(wait, TimeSpan.FromDays(1));
        await redis.EvaluateAsync(
            "note what rests", SetScript, [redis.Keys.Rest(group, name)],
            [Math.Max(1, (long)wait.TotalMilliseconds)], cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask ClearAsync(string group, string name, CancellationToken cancellationToken = default)
    {
        Check(group, nameof(group));
        Check(name, nameof(name));
        await redis.EvaluateAsync(
            "note what rests no more", ClearScript, [redis.Keys.Rest(group, name)], [], cancellationToken)
            .ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<TimeSpan>> LeftAsync(
        string group, IReadOnlyList<string> names, CancellationToken cancellationToken = default)
    {
        Check(group, nameof(group));
        ArgumentNullException.ThrowIfNull(names);
        if (names.Count is < 1 or > MaxNames)
        {
            throw new ArgumentOutOfRangeException(nameof(names), names.Count, $"Give 1 to {MaxNames}.");
        }

        RedisResult answer = await redis.EvaluateAsync(
            "say what rests", LeftScript, [.. names.Select(name => (RedisKey)redis.Keys.Rest(group, name))], [],
            cancellationToken).ConfigureAwait(false);
        return [.. ((RedisResult[])answer!).Select(left => TimeSpan.FromMilliseconds((long)left))];
    }

    private static void Check(string text, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(text, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(text.Length, MaxLength, name);
    }
}
