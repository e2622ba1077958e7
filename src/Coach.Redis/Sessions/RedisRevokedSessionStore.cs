using Coach.Abstractions;
using Coach.Redis.Connections;
using StackExchange.Redis;

namespace Coach.Redis.Sessions;

/// <summary>Ended sessions in Redis, by the server's clock; each end is told to all replicas.</summary>
internal sealed class RedisRevokedSessionStore(RedisConnection redis) : IRevokedSessionStore
{
    // No browser keeps a cookie longer than that.
    private static readonly TimeSpan LongestMark = TimeSpan.FromDays(3_650);

    private const string Now = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(ARGV[1])

        """;

    private const string RevokeScript = Now + """
        local known = redis.call('GET', KEYS[1])
        local left = math.min(tonumber(ARGV[2]) - now, tonumber(ARGV[3]))
        if left > 0 and (not known or tonumber(known) < now + left) then
          redis.call('SET', KEYS[1], string.format('%.0f', now + left), 'PX', string.format('%.0f', left))
        end
        return 1
        """;

    private const string AskScript = Now + """
        local known = redis.call('GET', KEYS[1])
        if known and tonumber(known) > now then return 1 end
        return 0
        """;

    public async ValueTask RevokeAsync(
        SessionId session, DateTimeOffset until, CancellationToken cancellationToken = default)
    {
        await redis.EvaluateAsync(
            "end a session",
            RevokeScript,
            [redis.Keys.Ended(session.Value)],
            [until.ToUnixTimeMilliseconds(), (long)LongestMark.TotalMilliseconds],
            cancellationToken).ConfigureAwait(false);
        await redis.Guard.CallAsync(
            "tell of an ended session",
            async _ => await (await redis.DatabaseAsync().ConfigureAwait(false))
                .PublishAsync(RedisChannel.Literal(redis.Keys.EndedChannel), session.Value).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<bool> IsRevokedAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        RedisResult answer = await redis.EvaluateAsync(
            "say whether a session was ended",
            AskScript,
            [redis.Keys.Ended(session.Value)],
            [],
            cancellationToken).ConfigureAwait(false);
        return (int)answer == 1;
    }
}
