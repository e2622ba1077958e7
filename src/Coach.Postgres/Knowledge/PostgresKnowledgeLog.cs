using Coach.Abstractions;
using Coach.Postgres.Connections;
using Coach.Postgres.Knowledge;
using Coach.Rag;
using Npgsql;

namespace Coach.Postgres;

/// <summary>
/// The log of documents in PostgreSQL, from which every replica makes its own index file
/// (<see cref="CoachPostgresRagBuilderExtensions.UsePostgres"/>).
/// </summary>
public sealed class PostgresKnowledgeLog
{
    private const int MaxName = 200;
    private const int MaxId = 1_024;

    private readonly PostgresDatabase _database;

    internal PostgresKnowledgeLog(PostgresDatabase database) => _database = database;

    /// <summary>Keeps a document; the same id again replaces it, and the same content again changes nothing.</summary>
    /// <param name="knowledgeBase">Which one; 1 to 200 characters.</param>
    /// <param name="document">The document, with its text.</param>
    /// <param name="cancellationToken">Ends the wait; it may have been kept.</param>
    /// <returns>Whether something changed. Replicas then know of it within about a second.</returns>
    /// <exception cref="ArgumentException">A name is out of its range, or the document is a file that was not
    /// read.</exception>
    /// <exception cref="StoreException">The database is away.</exception>
    public async ValueTask<bool> PutAsync(
        string knowledgeBase, KnowledgeDocument document, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(document);
        Check(knowledgeBase, document.Id);
        if (document.File is not null)
        {
            throw new ArgumentException("The document is a file; read it before it is kept.", nameof(document));
        }

        (byte[] body, string hash) = StoredText.Write(document);
        return await WriteAsync(
            "keep a document",
            """
            INSERT INTO {schema}.knowledge_document AS d (base, id, sequence, hash, body) VALUES ($2, $3, $4, $5, $6)
            ON CONFLICT (base, id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash, body = excluded.body
            WHERE d.hash <> excluded.hash
            """,
            knowledgeBase, document.Id, [hash, body], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes a document; replicas then remove it, too.</summary>
    /// <param name="knowledgeBase">Which one.</param>
    /// <param name="id">The document.</param>
    /// <param name="cancellationToken">Ends the wait; it may have been removed.</param>
    /// <returns>Whether it was there.</returns>
    /// <exception cref="ArgumentException">A name is out of its range.</exception>
    /// <exception cref="StoreException">The database is away.</exception>
    public async ValueTask<bool> RemoveAsync(
        string knowledgeBase, string id, CancellationToken cancellationToken = default)
    {
        Check(knowledgeBase, id);
        return await WriteAsync(
            "remove a document",
            """
            UPDATE {schema}.knowledge_document SET sequence = $4, hash = '', body = NULL
            WHERE base = $2 AND id = $3 AND body IS NOT NULL
            """,
            knowledgeBase, id, [], cancellationToken).ConfigureAwait(false);
    }

    private ValueTask<bool> WriteAsync(
        string doing, string sql, string knowledgeBase, string id, object[] values,
        CancellationToken cancellationToken) => _database.CallAsync(
        doing,
        async (connection, token) =>
        {
            NpgsqlTransaction open = await connection.BeginTransactionAsync(token).ConfigureAwait(false);
            await using (open.ConfigureAwait(false))
            {
                List<long> next = await _database.ReadAsync(
                    connection,
                    """
                    INSERT INTO {schema}.knowledge_base AS b (name, sequence) VALUES ($2, 1)
                    ON CONFLICT (name) DO UPDATE SET sequence = b.sequence + 1 RETURNING sequence
                    """,
                    [Sql.Bytes(knowledgeBase)], static row => row.GetInt64(0), token).ConfigureAwait(false);
                NpgsqlCommand command = _database.Command(
                    connection, sql, [Sql.Bytes(knowledgeBase), Sql.Bytes(id), next[0], .. values]);
                await using (command.ConfigureAwait(false))
                {
                    if (await command.ExecuteNonQueryAsync(token).ConfigureAwait(false) == 0)
                    {
                        return false;
                    }
                }

                // Told when the transaction ends, and to nobody if it does not.
                NpgsqlCommand hint = _database.Command(
                    connection, "SELECT pg_notify($2, $3)",
                    [KnowledgeHints.Channel, KnowledgeHints.HintOf(_database.Schema, knowledgeBase)]);
                await using (hint.ConfigureAwait(false))
                {
                    await hint.ExecuteNonQueryAsync(token).ConfigureAwait(false);
                }

                await open.CommitAsync(token).ConfigureAwait(false);
                return true;
            }
        },
        cancellationToken);

    private static void Check(string knowledgeBase, string id)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(knowledgeBase);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(knowledgeBase.Length, MaxName, nameof(knowledgeBase));
        ArgumentException.ThrowIfNullOrWhiteSpace(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(id.Length, MaxId, nameof(id));
    }
}
