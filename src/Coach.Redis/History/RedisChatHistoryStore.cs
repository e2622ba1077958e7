using System.Globalization;
using System.Text;
using Coach.Abstractions;
using Coach.Llm;
using Coach.Redis.Connections;
using Microsoft.Extensions.AI;
using StackExchange.Redis;

namespace Coach.Redis.History;

/// <summary>
/// Conversations in Redis, sealed message by message. A conversation is two lists, of messages and of their sizes, and
/// a title; a sorted set a caller holds its conversations by their last use. One script each reads, adds, trims, so
/// that what comes at the same time from several replicas keeps its order.
/// </summary>
internal sealed class RedisChatHistoryStore(
    RedisConnection redis, SealedMessages messages, ChatHistoryOptions options) : IChatHistoryStore
{
    private const int MaxListed = 1_000;

    // KEYS: messages, sizes, about, index. ARGV: clock offset, lifetime, id, …
    private const string Begin = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + tonumber(ARGV[1])
        local life = tonumber(ARGV[2])
        local used = redis.call('ZSCORE', KEYS[4], ARGV[3])
        local alive = used and tonumber(used) + life > now
        local function touch()
          redis.call('ZADD', KEYS[4], string.format('%.0f', now), ARGV[3])
          for i = 1, 4 do redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
        end

        """;

    private const string AppendScript = Begin + """
        if not alive then redis.call('DEL', KEYS[1], KEYS[2], KEYS[3]) end
        local most, longest, ofCaller = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
        if ARGV[7] ~= '' then redis.call('HSETNX', KEYS[3], 'title', ARGV[7]) end
        redis.call('HSET', KEYS[3], 'updated', string.format('%.0f', now))
        for i = 8, #ARGV, 2 do
          redis.call('RPUSH', KEYS[2], ARGV[i])
          redis.call('RPUSH', KEYS[1], ARGV[i + 1])
        end
        local sizes = redis.call('LRANGE', KEYS[2], 0, -1)
        local first, total = 1, 0
        for i = 1, #sizes do total = total + tonumber(string.sub(sizes[i], 2)) end
        while #sizes - first + 1 > most or total > longest do
          local next = #sizes + 1
          for i = first + 1, #sizes do
            if string.sub(sizes[i], 1, 1) == 'Q' then
              next = i
              break
            end
          end
          for i = first, next - 1 do total = total - tonumber(string.sub(sizes[i], 2)) end
          first = next
        end
        if first > 1 then
          redis.call('LTRIM', KEYS[1], first - 1, -1)
          redis.call('LTRIM', KEYS[2], first - 1, -1)
        end
        touch()
        redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', string.format('%.0f', now - life))
        local over = redis.call('ZCARD', KEYS[4]) - ofCaller
        if over <= 0 then return {} end
        return redis.call('ZRANGE', KEYS[4], 0, over - 1)
        """;

    private const string LoadScript = Begin + """
        if not alive then return {} end
        touch()
        return redis.call('LRANGE', KEYS[1], 0, -1)
        """;

    private const string TruncateScript = Begin + """
        local count = tonumber(ARGV[4])
        if not alive or redis.call('LLEN', KEYS[1]) <= count then return 0 end
        if count == 0 then
          redis.call('DEL', KEYS[1], KEYS[2])
        else
          redis.call('LTRIM', KEYS[1], 0, count - 1)
          redis.call('LTRIM', KEYS[2], 0, count - 1)
        end
        touch()
        return 1
        """;

    private const string RemoveScript = Begin + """
        redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
        redis.call('ZREM', KEYS[4], ARGV[3])
        if alive then return 1 end
        return 0
        """;

    private const string RenameScript = Begin + """
        if not alive then return 0 end
        redis.call('HSET', KEYS[3], 'title', ARGV[4])
        touch()
        return 1
        """;

    private const string AboutScript = Begin + """
        if not alive then return {} end
        return {redis.call('HGET', KEYS[3], 'title'), redis.call('HGET', KEYS[3], 'updated'),
          redis.call('LLEN', KEYS[1])}
        """;

    public async Task<IReadOnlyList<ChatMessage>> LoadAsync(
        CallerContext caller, string conversationId, CancellationToken cancellationToken = default)
    {
        RedisKey[] keys = Keys(caller, conversationId);
        RedisResult bodies = await EvaluateAsync(
            "read a conversation", LoadScript, keys, conversationId, [], cancellationToken).ConfigureAwait(false);
        return messages.Open(caller, conversationId, ((RedisValue[]?)bodies ?? []).Select(body => (byte[])body!));
    }

    public async Task AppendAsync(
        CallerContext caller, string conversationId, IReadOnlyList<ChatMessage> messages,
        CancellationToken cancellationToken = default)
    {
        RedisKey[] keys = Keys(caller, conversationId);
        SealedMessage[] turn = Seal(caller, conversationId, messages, out byte[]? title);
        RedisResult tooMany = await EvaluateAsync(
            "keep a turn of a conversation",
            AppendScript,
            keys,
            conversationId,
            [
                options.MaxMessages, options.MaxLength, options.MaxConversationsPerCaller, title ?? [],
                .. turn.SelectMany(message => new RedisValue[] { Size(message), message.Body }),
            ],
            cancellationToken).ConfigureAwait(false);
        foreach (RedisValue id in (RedisValue[]?)tooMany ?? [])
        {
            await RemoveAsync(caller, id.ToString(), cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task<bool> TruncateAsync(
        CallerContext caller, string conversationId, int count, CancellationToken cancellationToken = default)
    {
        RedisKey[] keys = Keys(caller, conversationId);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        RedisResult answer = await EvaluateAsync(
            "shorten a conversation", TruncateScript, keys, conversationId, [count], cancellationToken)
            .ConfigureAwait(false);
        return (int)answer == 1;
    }

    public async Task<IReadOnlyList<ConversationInfo>> ListAsync(
        CallerContext caller, CancellationToken cancellationToken = default)
    {
        string[] ids = await IdsAsync(caller, cancellationToken).ConfigureAwait(false);
        ConversationInfo?[] found = await Task.WhenAll(
            ids.Select(id => AboutAsync(caller, id, cancellationToken))).ConfigureAwait(false);
        return [.. found.OfType<ConversationInfo>().OrderByDescending(info => info.UpdatedAt).Take(MaxListed)];
    }

    public async Task<bool> RenameAsync(
        CallerContext caller, string conversationId, string title, CancellationToken cancellationToken = default)
    {
        RedisKey[] keys = Keys(caller, conversationId);
        byte[] sealedTitle = messages.SealTitle(caller, conversationId, title);
        RedisResult answer = await EvaluateAsync(
            "rename a conversation", RenameScript, keys, conversationId, [sealedTitle], cancellationToken)
            .ConfigureAwait(false);
        return (int)answer == 1;
    }

    public async Task<bool> RemoveAsync(
        CallerContext caller, string conversationId, CancellationToken cancellationToken = default)
    {
        RedisKey[] keys = Keys(caller, conversationId);
        RedisResult answer = await EvaluateAsync(
            "forget a conversation", RemoveScript, keys, conversationId, [], cancellationToken).ConfigureAwait(false);
        return (int)answer == 1;
    }

    public async Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default)
    {
        int erased = 0;
        foreach (string id in await IdsAsync(caller, cancellationToken).ConfigureAwait(false))
        {
            erased += await RemoveAsync(caller, id, cancellationToken).ConfigureAwait(false) ? 1 : 0;
        }

        return erased;
    }

    private static string Size(SealedMessage message) =>
        (message.IsQuestion ? "Q" : "A") + message.Length.ToString(CultureInfo.InvariantCulture);

    private SealedMessage[] Seal(
        CallerContext caller, string conversationId, IReadOnlyList<ChatMessage> turn, out byte[]? title)
    {
        SealedMessage[] sealedTurn = messages.Seal(caller, conversationId, turn);
        title = messages.SealTitle(caller, conversationId, turn);
        return sealedTurn;
    }

    private async Task<ConversationInfo?> AboutAsync(
        CallerContext caller, string id, CancellationToken cancellationToken)
    {
        RedisResult answer = await EvaluateAsync(
            "list conversations", AboutScript, Keys(caller, id), id, [], cancellationToken).ConfigureAwait(false);
        return answer.Length == 0
            ? null
            : new ConversationInfo(
                id,
                messages.OpenTitle(caller, id, (byte[]?)answer[0]),
                (int)answer[2],
                DateTimeOffset.FromUnixTimeMilliseconds((long)answer[1]));
    }

    private async Task<string[]> IdsAsync(CallerContext caller, CancellationToken cancellationToken)
    {
        RedisKey index = redis.Keys.Conversations(SealedMessages.CallerName(caller));
        RedisValue[] ids = await redis.Guard.CallAsync(
            "list conversations",
            async _ => await (await redis.DatabaseAsync().ConfigureAwait(false))
                .SortedSetRangeByRankAsync(index, 0, -1).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
        return [.. ids.Select(id => id.ToString())];
    }

    private RedisKey[] Keys(CallerContext caller, string conversationId)
    {
        string name = SealedMessages.CallerName(caller, conversationId);
        return
        [
            redis.Keys.Conversation(name, "messages", conversationId),
            redis.Keys.Conversation(name, "sizes", conversationId),
            redis.Keys.Conversation(name, "about", conversationId),
            redis.Keys.Conversations(name),
        ];
    }

    private ValueTask<RedisResult> EvaluateAsync(
        string doing, string script, RedisKey[] keys, string conversationId, RedisValue[] values,
        CancellationToken cancellationToken) =>
        redis.EvaluateAsync(
            doing, script, keys, [(long)options.Lifetime.TotalMilliseconds, conversationId, .. values],
            cancellationToken);
}
