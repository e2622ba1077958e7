namespace Coach.Redis.Usage;

/// <summary>
/// The decisions of <see cref="RedisBudgetStore"/>. A counter is a hash (<c>s</c> settled, <c>r</c> reserved, an amount
/// a reservation) and a sorted set of the leases on it; a reservation is a text (state, end of its lease, charges) and
/// stands in one sorted set of all. Every key that a script touches is among its <c>KEYS</c>.
/// </summary>
internal static class BudgetScripts
{
    // KEYS: reservation, open ones, then counter and leases in turn. ARGV: clock offset, id, …
    private const string Begin = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(ARGV[1])
        local id = ARGV[2]
        local day = 86400000
        local count = (#KEYS - 2) / 2
        local function text(number) return string.format('%.0f', number) end
        local function counter(i) return KEYS[1 + 2 * i] end
        local function leases(i) return KEYS[2 + 2 * i] end
        local function take(i, who)
          local amount = redis.call('HGET', counter(i), 'a:' .. who)
          if amount then
            if amount ~= '0' then redis.call('HINCRBY', counter(i), 'r', '-' .. amount) end
            redis.call('HDEL', counter(i), 'a:' .. who)
          end
          redis.call('ZREM', leases(i), who)
        end
        local function expire(i)
          local ends = redis.call('HGET', counter(i), 'e')
          if ends and tonumber(ends) + day <= now then redis.call('DEL', counter(i), leases(i)) end
          local over = redis.call('ZRANGEBYSCORE', leases(i), '-inf', text(now))
          for k = 1, #over do take(i, over[k]) end
        end
        local function amounts(i)
          return redis.call('HGET', counter(i), 's'), redis.call('HGET', counter(i), 'r') or '0'
        end
        local function raise(i, total)
          local known = redis.call('HGET', counter(i), 's')
          if not known or #total > #known or (#total == #known and total > known) then
            redis.call('HSET', counter(i), 's', total)
          end
          redis.call('PEXPIRE', counter(i), text(2 * day))
        end
        local function over(i, at)
          if at ~= '' then redis.call('HSET', counter(i), 'e', at) end
        end
        local function due()
          local known = redis.call('GET', KEYS[1])
          if known and string.sub(known, 1, 1) == 'O' then
            return tonumber(string.match(known, '^O|(%d+)|'))
          end
          return nil
        end

        """;

    /// <summary>
    /// ARGV: …, lease, charges as text, then of each amount, limit and end of its period (empty for none). Gives -2 and
    /// the counters that are not known, else the refused one or -1, and each counter's settled and reserved amount.
    /// </summary>
    public const string Reserve = Begin + """
        local missing = {-2}
        for i = 1, count do
          expire(i)
          if redis.call('HEXISTS', counter(i), 's') == 0 then missing[#missing + 1] = i - 1 end
        end
        if #missing > 1 then return missing end
        local open = due()
        local refused = -1
        if not open or open <= now then
          for i = 1, count do
            local settled, reserved = amounts(i)
            local sum = tonumber(settled) + tonumber(reserved) + tonumber(ARGV[2 + 3 * i])
            if refused < 0 and sum > tonumber(ARGV[3 + 3 * i]) then refused = i - 1 end
          end
          if refused < 0 then
            local ends = text(now + tonumber(ARGV[3]))
            for i = 1, count do
              redis.call('HINCRBY', counter(i), 'r', ARGV[2 + 3 * i])
              redis.call('HSET', counter(i), 'a:' .. id, ARGV[2 + 3 * i])
              over(i, ARGV[4 + 3 * i])
              redis.call('ZADD', leases(i), ends, id)
              redis.call('PEXPIRE', counter(i), text(2 * day))
              redis.call('PEXPIRE', leases(i), text(2 * day))
            end
            redis.call('SET', KEYS[1], 'O|' .. ends .. '|' .. ARGV[4], 'PX', text(tonumber(ARGV[3]) + day))
            redis.call('ZADD', KEYS[2], ends, id)
            redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now - day))
          end
        end
        local answer = {refused}
        for i = 1, count do
          local settled, reserved = amounts(i)
          answer[#answer + 1] = settled
          answer[#answer + 1] = reserved
        end
        return answer
        """;

    /// <summary>ARGV: …, the state that the reservation ends in, then of the first counters the total in the store
    /// that lasts and the end of its period (empty for none). Gives whether the reservation was open.</summary>
    public const string End = Begin + """
        local open = due()
        for i = 1, count do
          expire(i)
          take(i, id)
          if ARGV[2 + 2 * i] then
            raise(i, ARGV[2 + 2 * i])
            over(i, ARGV[3 + 2 * i])
          end
        end
        redis.call('SET', KEYS[1], ARGV[3], 'PX', text(day))
        redis.call('ZREM', KEYS[2], id)
        if open and open > now then return 1 end
        return 0
        """;

    /// <summary>ARGV: …, lease. Gives whether the reservation was open.</summary>
    public const string Renew = Begin + """
        local open = due()
        if not open or open <= now then return 0 end
        local ends = text(now + tonumber(ARGV[3]))
        local charges = string.match(redis.call('GET', KEYS[1]), '^O|%d+|(.*)$')
        for i = 1, count do
          if redis.call('HEXISTS', counter(i), 'a:' .. id) == 1 then
            redis.call('ZADD', leases(i), ends, id)
            redis.call('PEXPIRE', leases(i), text(2 * day))
            redis.call('PEXPIRE', counter(i), text(2 * day))
          end
        end
        redis.call('SET', KEYS[1], 'O|' .. ends .. '|' .. charges, 'PX', text(tonumber(ARGV[3]) + day))
        redis.call('ZADD', KEYS[2], ends, id)
        return 1
        """;

    /// <summary>ARGV: …, each counter's total in the store that lasts. The first two keys are not used.</summary>
    public const string Load = Begin + """
        for i = 1, count do raise(i, ARGV[2 + i]) end
        return 1
        """;

    /// <summary>Gives -2 and the counters that are not known, else -1 and each counter's amounts. The first two keys
    /// are not used.</summary>
    public const string Read = Begin + """
        local missing = {-2}
        local answer = {-1}
        for i = 1, count do
          expire(i)
          local settled, reserved = amounts(i)
          if not settled then missing[#missing + 1] = i - 1 end
          answer[#answer + 1] = settled or '0'
          answer[#answer + 1] = reserved
        end
        if #missing > 1 then return missing end
        return answer
        """;

    /// <summary>KEYS: a text, the open ones. ARGV: …, how many at most. Gives the ids whose lease ended.</summary>
    public const string Expired = Begin + """
        return redis.call('ZRANGEBYSCORE', KEYS[2], text(now - day), text(now), 'LIMIT', 0, tonumber(ARGV[3]))
        """;
}
