using System.Security.Cryptography;
using System.Text;
using Coach.Abstractions;
using Coach.Redis.Connections;
using Microsoft.AspNetCore.DataProtection;
using StackExchange.Redis;

namespace Coach.Redis.Sessions;

/// <summary>
/// Places of sessions in Redis: one sorted set of sessions by their last use, and a hash for each address and key of
/// the sessions that count there. One script decides. A session that loses its place stays in those hashes until they
/// are next looked at: its number is then not the one it has now.
/// </summary>
internal sealed class RedisSessionPlaceStore(RedisConnection redis, IDataProtectionProvider protection)
    : ISessionPlaceStore
{
    // No session lives longer (Coach:Llm:Sessions:AbsoluteExpiration).
    private static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    private readonly IDataProtector _seal = protection.CreateProtector("Coach.Redis.SessionPlaces");

    private const string Now = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(ARGV[1])
        local session = ARGV[2]

        """;

    // KEYS: used, who, of the address, of the key.
    // ARGV: clock offset, session, its sealed id, places, share, idle, lifetime, how long keys are kept.
    private const string EnterScript = Now + """
        local places, share = tonumber(ARGV[4]), tonumber(ARGV[5])
        local idle, life = tonumber(ARGV[6]), tonumber(ARGV[7])
        local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - life))
        for i = 1, #gone do
          redis.call('ZREM', KEYS[1], gone[i])
          redis.call('HDEL', KEYS[2], gone[i])
        end
        local function number(of)
          local who = redis.call('HGET', KEYS[2], of)
          return who and string.match(who, '^(%d+)')
        end
        local function others(key)
          local all, found = redis.call('HGETALL', key), {}
          for i = 1, #all, 2 do
            if number(all[i]) ~= all[i + 1] then
              redis.call('HDEL', key, all[i])
            elseif all[i] ~= session then
              found[#found + 1] = all[i]
            end
          end
          return found
        end
        local mine = number(session)
        local full = others(KEYS[4])
        if #full < share then
          full = nil
          if not mine then
            local here = others(KEYS[3])
            if #here >= share then
              full = here
            elseif redis.call('ZCARD', KEYS[1]) >= places then
              full = redis.call('ZRANGE', KEYS[1], 0, 0)
            end
          end
        end
        local leaving = ''
        if full then
          local oldest, at = nil, nil
          for i = 1, #full do
            local used = tonumber(redis.call('ZSCORE', KEYS[1], full[i]))
            if not at or used < at then oldest, at = full[i], used end
          end
          if now - at < idle then return {0, ''} end
          leaving = string.match(redis.call('HGET', KEYS[2], oldest), '|(.*)$')
          redis.call('ZREM', KEYS[1], oldest)
          redis.call('HDEL', KEYS[2], oldest)
        end
        if not mine then
          mine = string.format('%.0f', redis.call('HINCRBY', KEYS[2], '#', 1))
          redis.call('HSET', KEYS[2], session, mine .. '|' .. ARGV[3])
          redis.call('HSET', KEYS[3], session, mine)
        end
        redis.call('HSET', KEYS[4], session, mine)
        redis.call('ZADD', KEYS[1], string.format('%.0f', now), session)
        for i = 1, 4 do redis.call('PEXPIRE', KEYS[i], ARGV[8]) end
        return {1, leaving}
        """;

    private const string UseScript = Now + """
        local known = redis.call('ZSCORE', KEYS[1], session)
        if known and tonumber(known) < now then
          redis.call('ZADD', KEYS[1], string.format('%.0f', now), session)
        end
        return 1
        """;

    private const string LeaveScript = """
        redis.call('ZREM', KEYS[1], ARGV[2])
        redis.call('HDEL', KEYS[2], ARGV[2])
        return 1
        """;

    public async ValueTask<SessionPlaceDecision> TryEnterAsync(
        SessionPlaceEntry entry, CancellationToken cancellationToken = default)
    {
        MemorySessionPlaceStore.Check(entry);
        string sealedId = Seal(entry.Session);
        RedisResult answer = await redis.EvaluateAsync(
            "give a session a place",
            EnterScript,
            [
                redis.Keys.SessionsUsed, redis.Keys.SessionsWho, redis.Keys.SessionsOf("network", entry.Network),
                redis.Keys.SessionsOf("key", entry.Fingerprint),
            ],
            [
                RedisKeys.Hash(entry.Session.Value), sealedId, entry.MaxSessions, entry.Share,
                (long)entry.Idle.TotalMilliseconds, (long)entry.Lifetime.TotalMilliseconds,
                (long)Longest.TotalMilliseconds,
            ],
            cancellationToken).ConfigureAwait(false);
        return new SessionPlaceDecision((int)answer[0] == 1, Open((string?)answer[1]));
    }

    public async ValueTask UseAsync(SessionId session, CancellationToken cancellationToken = default) =>
        await redis.EvaluateAsync(
            "note that a session is used", UseScript, [redis.Keys.SessionsUsed],
            [RedisKeys.Hash(session.Value)], cancellationToken).ConfigureAwait(false);

    public async ValueTask LeaveAsync(SessionId session, CancellationToken cancellationToken = default) =>
        await redis.EvaluateAsync(
            "free a session's place", LeaveScript, [redis.Keys.SessionsUsed, redis.Keys.SessionsWho],
            [RedisKeys.Hash(session.Value)], cancellationToken).ConfigureAwait(false);

    // The ring of keys may lie in the same Redis.
    private string Seal(SessionId session)
    {
        try
        {
            return Convert.ToBase64String(_seal.Protect(Encoding.UTF8.GetBytes(session.Value)));
        }
        catch (Exception exception) when (
            exception is CryptographicException or RedisException or TimeoutException)
        {
            throw new StoreException(redis.Guard.Name, "give a session a place", exception);
        }
    }

    // One whose seal was made with a ring that is gone has lost its keys with it.
    private SessionId? Open(string? sealedId)
    {
        if (string.IsNullOrEmpty(sealedId))
        {
            return null;
        }

        try
        {
            string id = Encoding.UTF8.GetString(_seal.Unprotect(Convert.FromBase64String(sealedId)));
            return SessionId.TryFrom(id, out SessionId session) ? session : null;
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException)
        {
            return null;
        }
    }
}
