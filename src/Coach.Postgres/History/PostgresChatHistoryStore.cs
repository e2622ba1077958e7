using Coach.Abstractions;
using Coach.Llm;
using Coach.Postgres.Connections;
using Microsoft.Extensions.AI;
using Npgsql;

namespace Coach.Postgres.History;

/// <summary>
/// Conversations in PostgreSQL, sealed message by message. The conversation's row is what appends of several replicas
/// queue for; messages are trimmed by their sizes, which stand beside them in the clear.
/// </summary>
internal sealed class PostgresChatHistoryStore(
    PostgresDatabase database, SealedMessages messages, ChatHistoryOptions options) : IChatHistoryStore
{
    private const int MaxListed = 1_000;

    // $2 is the caller, $3 the lifetime.
    private const string IsAlive = $"caller = $2 AND used_at > {Sql.Now} - $3";

    private const string AppendSql = $$"""
        WITH gone AS (
          DELETE FROM {schema}.conversation WHERE caller = $2 AND used_at <= {{Sql.Now}} - $3 AND id <> $4)
        INSERT INTO {schema}.conversation AS old (caller, id, title, updated_at, used_at)
        VALUES ($2, $4, $5, {{Sql.Now}}, {{Sql.Now}})
        ON CONFLICT (caller, id) DO UPDATE SET updated_at = excluded.updated_at, used_at = excluded.used_at,
          title = CASE WHEN old.used_at <= {{Sql.Now}} - $3 THEN excluded.title ELSE coalesce(old.title, excluded.title) END
        """;

    // What an expired conversation held goes before its successor begins.
    private const string ForgetSql = $$"""
        DELETE FROM {schema}.message WHERE caller = $2 AND conversation = $4 AND EXISTS (
          SELECT FROM {schema}.conversation c WHERE c.caller = $2 AND c.id = $4 AND c.used_at <= {{Sql.Now}} - $3)
        """;

    private const string AddSql = """
        WITH added AS (
          INSERT INTO {schema}.message (caller, conversation, is_question, length, body)
          SELECT $2, $3, is_question, length, body
          FROM unnest($4::boolean[], $5::integer[], $6::bytea[]) WITH ORDINALITY AS turn (is_question, length, body, n)
          ORDER BY n RETURNING seq, is_question, length)
        SELECT seq, is_question, length FROM {schema}.message WHERE caller = $2 AND conversation = $3
        UNION ALL SELECT seq, is_question, length FROM added ORDER BY seq
        """;

    public async Task<IReadOnlyList<ChatMessage>> LoadAsync(
        CallerContext caller, string conversationId, CancellationToken cancellationToken = default)
    {
        byte[] name = Name(caller, conversationId);
        List<byte[]> bodies = await database.QueryAsync(
            "read a conversation",
            $$"""
            WITH used AS (
              UPDATE {schema}.conversation SET used_at = {{Sql.Now}} WHERE {{IsAlive}} AND id = $4 RETURNING caller, id)
            SELECT body FROM used JOIN {schema}.message m ON m.caller = used.caller AND conversation = used.id
            ORDER BY seq
            """,
            [name, options.Lifetime.Ticks, Sql.Bytes(conversationId)], static row => row.GetFieldValue<byte[]>(0),
            cancellationToken).ConfigureAwait(false);
        return messages.Open(caller, conversationId, bodies);
    }

    public async Task AppendAsync(
        CallerContext caller, string conversationId, IReadOnlyList<ChatMessage> messages,
        CancellationToken cancellationToken = default)
    {
        byte[] name = Name(caller, conversationId);
        byte[] id = Sql.Bytes(conversationId);
        SealedMessage[] turn = Seal(caller, conversationId, messages, out NpgsqlParameter title);
        await database.CallAsync(
            "keep a turn of a conversation",
            async (connection, token) =>
            {
                NpgsqlTransaction transaction = await connection.BeginTransactionAsync(token).ConfigureAwait(false);
                await using (transaction.ConfigureAwait(false))
                {
                    long life = options.Lifetime.Ticks;
                    await ExecuteAsync(connection, ForgetSql, [name, life, id], token).ConfigureAwait(false);
                    await ExecuteAsync(connection, AppendSql, [name, life, id, title], token).ConfigureAwait(false);
                    List<(long Seq, bool IsQuestion, int Length)> all = await database.ReadAsync(
                        connection, AddSql,
                        [
                            name, id, turn.Select(message => message.IsQuestion).ToArray(),
                            turn.Select(message => message.Length).ToArray(),
                            turn.Select(message => message.Body).ToArray(),
                        ],
                        static row => (row.GetInt64(0), row.GetBoolean(1), row.GetInt32(2)), token)
                        .ConfigureAwait(false);
                    if (FirstToKeep(all) is { } first)
                    {
                        await ExecuteAsync(
                            connection,
                            "DELETE FROM {schema}.message WHERE caller = $2 "
                                + "AND conversation = $3 AND seq < $4",
                            [name, id, first], token).ConfigureAwait(false);
                    }

                    await ExecuteAsync(
                        connection,
                        """
                        DELETE FROM {schema}.conversation WHERE caller = $2 AND id IN (
                          SELECT id FROM {schema}.conversation WHERE caller = $2 ORDER BY used_at DESC, id OFFSET $3)
                        """,
                        [name, options.MaxConversationsPerCaller], token).ConfigureAwait(false);
                    await transaction.CommitAsync(token).ConfigureAwait(false);
                    return true;
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async Task<bool> TruncateAsync(
        CallerContext caller, string conversationId, int count, CancellationToken cancellationToken = default)
    {
        byte[] name = Name(caller, conversationId);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return await database.ExecuteAsync(
            "shorten a conversation",
            $$"""
            WITH used AS (
              UPDATE {schema}.conversation SET used_at = {{Sql.Now}} WHERE {{IsAlive}} AND id = $4 RETURNING id)
            DELETE FROM {schema}.message WHERE caller = $2 AND conversation = (SELECT id FROM used) AND seq IN (
              SELECT seq FROM {schema}.message WHERE caller = $2 AND conversation = $4 ORDER BY seq OFFSET $5)
            """,
            [name, options.Lifetime.Ticks, Sql.Bytes(conversationId), count], cancellationToken)
            .ConfigureAwait(false) > 0;
    }

    public async Task<IReadOnlyList<ConversationInfo>> ListAsync(
        CallerContext caller, CancellationToken cancellationToken = default)
    {
        List<(string Id, byte[]? Title, int Count, long UpdatedAt)> found = await database.QueryAsync(
            "list conversations",
            $$"""
            SELECT id, title, (SELECT count(*)::integer FROM {schema}.message m
              WHERE m.caller = c.caller AND conversation = c.id), updated_at
            FROM {schema}.conversation c WHERE {{IsAlive}} ORDER BY updated_at DESC LIMIT $4
            """,
            [Name(caller), options.Lifetime.Ticks, MaxListed],
            static row => (
                Sql.Text(row.GetFieldValue<byte[]>(0)), row.IsDBNull(1) ? null : row.GetFieldValue<byte[]>(1),
                row.GetInt32(2), row.GetInt64(3)),
            cancellationToken).ConfigureAwait(false);
        return
        [
            .. found.Select(row => new ConversationInfo(
                row.Id, messages.OpenTitle(caller, row.Id, row.Title), row.Count, Sql.Moment(row.UpdatedAt))),
        ];
    }

    public async Task<bool> RenameAsync(
        CallerContext caller, string conversationId, string title, CancellationToken cancellationToken = default)
    {
        byte[] name = Name(caller, conversationId);
        byte[] sealedTitle = messages.SealTitle(caller, conversationId, title);
        return await database.ExecuteAsync(
            "rename a conversation",
            $"UPDATE {{schema}}.conversation SET title = $5, used_at = {Sql.Now} WHERE {IsAlive} AND id = $4",
            [name, options.Lifetime.Ticks, Sql.Bytes(conversationId), sealedTitle], cancellationToken)
            .ConfigureAwait(false) == 1;
    }

    public async Task<bool> RemoveAsync(
        CallerContext caller, string conversationId, CancellationToken cancellationToken = default)
    {
        List<bool> removed = await database.QueryAsync(
            "forget a conversation",
            $"DELETE FROM {{schema}}.conversation WHERE caller = $2 AND id = $4 "
                + $"RETURNING used_at > {Sql.Now} - $3",
            [Name(caller, conversationId), options.Lifetime.Ticks, Sql.Bytes(conversationId)],
            static row => row.GetBoolean(0), cancellationToken).ConfigureAwait(false);
        return removed is [true];
    }

    public async Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default)
    {
        List<bool> removed = await database.QueryAsync(
            "forget conversations",
            $"DELETE FROM {{schema}}.conversation WHERE caller = $2 RETURNING used_at > {Sql.Now} - $3",
            [Name(caller), options.Lifetime.Ticks], static row => row.GetBoolean(0), cancellationToken)
            .ConfigureAwait(false);
        return removed.Count(static wasAlive => wasAlive);
    }

    private static byte[] Name(CallerContext caller, string conversationId) =>
        Convert.FromHexString(SealedMessages.CallerName(caller, conversationId));

    private static byte[] Name(CallerContext caller) => Convert.FromHexString(SealedMessages.CallerName(caller));

    private SealedMessage[] Seal(
        CallerContext caller, string conversationId, IReadOnlyList<ChatMessage> turn, out NpgsqlParameter title)
    {
        SealedMessage[] sealedTurn = messages.Seal(caller, conversationId, turn);
        title = new NpgsqlParameter
        {
            NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bytea,
            Value = (object?)messages.SealTitle(caller, conversationId, turn) ?? DBNull.Value,
        };
        return sealedTurn;
    }

    // A turn begins with a question: whole turns go, the oldest first. Null if nothing has to go.
    private long? FirstToKeep(List<(long Seq, bool IsQuestion, int Length)> all)
    {
        int first = 0;
        long length = all.Sum(static message => (long)message.Length);
        while (all.Count - first > options.MaxMessages || length > options.MaxLength)
        {
            int next = all.FindIndex(first + 1, static message => message.IsQuestion);
            next = next < 0 ? all.Count : next;
            length -= all.Skip(first).Take(next - first).Sum(static message => (long)message.Length);
            first = next;
        }

        return first == 0
            ? null
            : first < all.Count ? all[first].Seq : long.MaxValue;
    }

    private async Task ExecuteAsync(
        NpgsqlConnection connection, string sql, object?[] parameters, CancellationToken cancellationToken)
    {
        NpgsqlCommand command = database.Command(connection, sql, parameters);
        await using (command.ConfigureAwait(false))
        {
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
