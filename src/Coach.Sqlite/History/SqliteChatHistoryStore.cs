using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Coach.Llm;
using Coach.Sqlite.Storage;
using Microsoft.Extensions.AI;

namespace Coach.Sqlite;

/// <summary>Conversations in a SQLite file.</summary>
/// <remarks>
/// Messages are kept as Microsoft.Extensions.AI writes them. Contents of types that it does not know, such as a
/// package's own notes on an answer, are left out.
/// </remarks>
public sealed class SqliteChatHistoryStore : IChatHistoryStore
{
    private const int MaxListed = 1_000;

    private static readonly JsonTypeInfo<ChatMessage> MessageJson =
        (JsonTypeInfo<ChatMessage>)AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(ChatMessage));

    private readonly SqliteDatabase _database;
    private readonly TimeProvider _time;

    /// <summary>Makes the store.</summary>
    /// <param name="database">The file.</param>
    /// <param name="time">The clock of its lifetimes.</param>
    public SqliteChatHistoryStore(SqliteDatabase database, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(time);
        (_database, _time) = (database, time);
    }

    private long Oldest => (_time.GetUtcNow() - _database.Options.HistoryLifetime).UtcTicks;

    /// <inheritdoc />
    public Task<IReadOnlyList<ChatMessage>> LoadAsync(
        CallerContext caller, string conversationId, CancellationToken cancellationToken = default)
    {
        Check(caller, conversationId, cancellationToken);
        return Task.FromResult(_database.Read<IReadOnlyList<ChatMessage>>(
            session => session.Query(
                "SELECT m.json FROM messages m JOIN conversations c ON c.caller = m.caller AND c.id = m.conversation "
                + "WHERE m.caller = $0 AND m.conversation = $1 AND c.updated > $2 ORDER BY m.position",
                row => JsonSerializer.Deserialize(row.GetString(0), MessageJson)!, caller.Key, conversationId, Oldest),
            "read a conversation"));
    }

    /// <inheritdoc />
    public Task AppendAsync(
        CallerContext caller, string conversationId, IReadOnlyList<ChatMessage> messages,
        CancellationToken cancellationToken = default)
    {
        Check(caller, conversationId, cancellationToken);
        ArgumentNullException.ThrowIfNull(messages);
        if (messages.Count == 0)
        {
            throw new ArgumentException("Give the messages of a turn; there are none.", nameof(messages));
        }

        string title = Title(messages.FirstOrDefault(message => message.Role == ChatRole.User)?.Text ?? "");
        (bool IsQuestion, string Json)[] rows =
        [
            .. messages.Select(message => (message.Role == ChatRole.User, Write(message))),
        ];
        return _database.WriteAsync(
            session =>
            {
                Expire(session);
                session.Execute(
                    "INSERT INTO conversations (caller, id, title, updated) VALUES ($0, $1, $2, $3) "
                    + "ON CONFLICT (caller, id) DO UPDATE SET updated = excluded.updated, "
                    + "title = CASE WHEN title = '' THEN excluded.title ELSE title END",
                    caller.Key, conversationId, title, _time.GetUtcNow().UtcTicks);
                long next = (long?)session.Scalar(
                    "SELECT max(position) FROM messages WHERE caller = $0 AND conversation = $1", caller.Key,
                    conversationId) + 1 ?? 0;
                foreach ((bool isQuestion, string json) in rows)
                {
                    // Questions stand on even places: a conversation is cut before one.
                    bool isEven = next % 2 == 0;
                    if (isEven != isQuestion)
                    {
                        next++;
                    }

                    session.Execute(
                        "INSERT INTO messages (caller, conversation, position, json) VALUES ($0, $1, $2, $3)",
                        caller.Key, conversationId, next++, json);
                }

                Trim(session, caller.Key, conversationId);
                return true;
            },
            "keep a turn", cancellationToken);
    }

    /// <inheritdoc />
    public Task<bool> TruncateAsync(
        CallerContext caller, string conversationId, int count, CancellationToken cancellationToken = default)
    {
        Check(caller, conversationId, cancellationToken);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return _database.WriteAsync(
            session => session.Execute(
                "DELETE FROM messages WHERE caller = $0 AND conversation = $1 AND position >= (SELECT position FROM "
                + "messages WHERE caller = $0 AND conversation = $1 ORDER BY position LIMIT 1 OFFSET $2)",
                caller.Key, conversationId, (long)count) > 0,
            "shorten a conversation", cancellationToken);
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<ConversationInfo>> ListAsync(
        CallerContext caller, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(caller);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(_database.Read<IReadOnlyList<ConversationInfo>>(
            session => session.Query(
                "SELECT id, title, (SELECT count(*) FROM messages m WHERE m.caller = c.caller "
                + "AND m.conversation = c.id), updated FROM conversations c WHERE caller = $0 AND updated > $1 "
                + "ORDER BY updated DESC LIMIT $2",
                row => new ConversationInfo(
                    row.GetString(0), row.GetString(1), (int)row.GetInt64(2),
                    new DateTimeOffset(row.GetInt64(3), TimeSpan.Zero)),
                caller.Key, Oldest, (long)MaxListed),
            "list conversations"));
    }

    /// <inheritdoc />
    public Task<bool> RenameAsync(
        CallerContext caller, string conversationId, string title, CancellationToken cancellationToken = default)
    {
        Check(caller, conversationId, cancellationToken);
        ArgumentException.ThrowIfNullOrWhiteSpace(title);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(title.Length, ConversationInfo.MaxTitleLength, nameof(title));
        return _database.WriteAsync(
            session => session.Execute(
                "UPDATE conversations SET title = $2 WHERE caller = $0 AND id = $1 AND updated > $3", caller.Key,
                conversationId, title, Oldest) > 0,
            "rename a conversation", cancellationToken);
    }

    /// <inheritdoc />
    public Task<bool> RemoveAsync(
        CallerContext caller, string conversationId, CancellationToken cancellationToken = default)
    {
        Check(caller, conversationId, cancellationToken);
        return _database.WriteAsync(
            session =>
            {
                session.Execute(
                    "DELETE FROM messages WHERE caller = $0 AND conversation = $1", caller.Key, conversationId);
                return session.Execute(
                    "DELETE FROM conversations WHERE caller = $0 AND id = $1", caller.Key, conversationId) > 0;
            },
            "forget a conversation", cancellationToken);
    }

    /// <inheritdoc />
    public Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return _database.WriteAsync(
            session =>
            {
                session.Execute("DELETE FROM messages WHERE caller = $0", caller.Key);
                return session.Execute("DELETE FROM conversations WHERE caller = $0", caller.Key);
            },
            "forget a caller", cancellationToken);
    }

    private static void Check(CallerContext caller, string conversationId, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(caller);
        ArgumentNullException.ThrowIfNull(conversationId);
        cancellationToken.ThrowIfCancellationRequested();
        if (!SessionId.TryFrom(conversationId, out _))
        {
            throw new ArgumentException(
                $"A conversation's id has 1 to {SessionId.MaxLength} characters from A-Z, a-z, 0-9, '-', '_', '.', ':' and '~'.",
                nameof(conversationId));
        }
    }

    private void Expire(SqliteSession session)
    {
        long oldest = Oldest;
        if (session.Scalar("SELECT 1 FROM conversations WHERE updated <= $0 LIMIT 1", oldest) is null)
        {
            return;
        }

        session.Execute(
            "DELETE FROM messages WHERE (caller, conversation) IN "
            + "(SELECT caller, id FROM conversations WHERE updated <= $0)",
            oldest);
        session.Execute("DELETE FROM conversations WHERE updated <= $0", oldest);
    }

    // A turn begins with a question: half a turn would show a model answers that nobody asked for.
    private void Trim(SqliteSession session, string caller, string conversation)
    {
        long count = (long)session.Scalar(
            "SELECT count(*) FROM messages WHERE caller = $0 AND conversation = $1", caller, conversation)!;
        long excess = count - _database.Options.MaxMessages;
        if (excess <= 0)
        {
            return;
        }

        session.Execute(
            "DELETE FROM messages WHERE caller = $0 AND conversation = $1 AND position < (SELECT position FROM messages "
            + "WHERE caller = $0 AND conversation = $1 AND position % 2 = 0 AND position >= (SELECT position FROM "
            + "messages WHERE caller = $0 AND conversation = $1 ORDER BY position LIMIT 1 OFFSET $2) "
            + "ORDER BY position LIMIT 1)",
            caller, conversation, excess);
    }

    private static string Write(ChatMessage message)
    {
        ChatMessage kept = message;
        if (message.Contents.Any(content => !IsKnown(content)))
        {
            kept = message.Clone();
            kept.Contents = [.. message.Contents.Where(IsKnown)];
        }

        return JsonSerializer.Serialize(kept, MessageJson);
    }

    private static bool IsKnown(AIContent content) => content.GetType().Assembly == typeof(AIContent).Assembly;

    private static string Title(string text)
    {
        string line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        int length = Math.Min(line.Length, ConversationInfo.MaxTitleLength);
        return length < line.Length && char.IsHighSurrogate(line[length - 1]) ? line[..(length - 1)] : line[..length];
    }
}
