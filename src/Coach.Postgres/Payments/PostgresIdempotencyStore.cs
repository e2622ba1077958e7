using Coach.Abstractions;
using Coach.Payments;
using Coach.Postgres.Connections;
using Npgsql;

namespace Coach.Postgres.Payments;

/// <summary>
/// Payment records in PostgreSQL, for all replicas. A claim is a compare-and-swap on the record's version, with times
/// of the server's clock; what is committed outlives the machine (<c>synchronous_commit</c> stays as the server has
/// it).
/// </summary>
internal sealed class PostgresIdempotencyStore(PostgresDatabase database) : IIdempotencyStore
{
    private const string Columns =
        "body, version, lease_token, lease_expires_at, created_at, updated_at";

    private const string FindSql =
        $"SELECT {Columns} FROM {{schema}}.payment_record WHERE tag = $2";

    private const string ClaimSql =
        $"SELECT {Sql.Now}, {Columns} FROM (SELECT $2::bytea AS wanted) asked "
        + "LEFT JOIN {schema}.payment_record ON tag = wanted";

    private const string InsertSql = """
        INSERT INTO {schema}.payment_record (tag, version, lease_token, lease_expires_at, created_at, updated_at, state,
          link_id, owner, is_open, expires_at, due_at, oldest_pending_at, has_dead, fee_unknown_at, is_forgettable, body)
        SELECT $2, $16, $3, $4, $17, $18, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
        ON CONFLICT (tag) DO NOTHING
        """;

    private const string UpdateSql = $$"""
        WITH written AS (
          UPDATE {schema}.payment_record SET version = version + 1, updated_at = {{Sql.Now}},
            lease_token = $3, lease_expires_at = $4, state = $5, link_id = $6, owner = $7, is_open = $8, expires_at = $9,
            due_at = $10, oldest_pending_at = $11, has_dead = $12, fee_unknown_at = $13, is_forgettable = $14, body = $15
          WHERE tag = $2 AND version = $16 RETURNING tag, version, updated_at),
        noted AS (
          INSERT INTO {schema}.payment_id (id, tag) SELECT id, tag FROM unnest($17::bytea[]) AS id, written
          ON CONFLICT DO NOTHING)
        SELECT version, updated_at FROM written
        """;

    public ValueTask<IdempotencyClaim> ClaimAsync(
        PaymentRecord proposed, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(proposed);
        return database.CallAsync(
            "claim a payment operation",
            async (connection, token) =>
            {
                while (true)
                {
                    List<(DateTimeOffset Now, PaymentRecord? Record)> found = await database.ReadAsync(
                        connection, ClaimSql, [Sql.Bytes(proposed.Tag)],
                        static row => (Sql.Moment(row.GetInt64(0)), row.IsDBNull(1) ? null : Read(row, 1)), token)
                        .ConfigureAwait(false);
                    (DateTimeOffset now, PaymentRecord? existing) = found[0];
                    IdempotencyClaim claim = IdempotencyClaim.Of(existing, proposed, lease, now);
                    if (claim.Outcome != ClaimOutcome.Claimed)
                    {
                        return claim;
                    }

                    // Whoever wrote in between decides: the claim is judged again by what is there now.
                    PaymentRecord? written = existing is null
                        ? await InsertAsync(connection, claim.Record, token).ConfigureAwait(false)
                        : await UpdateAsync(connection, claim.Record with { Version = existing.Version }, token)
                            .ConfigureAwait(false);
                    if (written is not null)
                    {
                        return claim with { Record = written };
                    }
                }
            },
            cancellationToken);
    }

    public ValueTask<PaymentRecord?> TryUpdateAsync(PaymentRecord record, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        return database.CallAsync(
            "write a payment record", (connection, token) => UpdateAsync(connection, record, token), cancellationToken);
    }

    public ValueTask<PaymentRecord?> FindAsync(string tag, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tag);
        return FirstAsync(FindSql, [Sql.Bytes(tag)], cancellationToken);
    }

    public ValueTask<PaymentRecord?> FindByLinkAsync(string linkId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(linkId);
        return FirstAsync(
            $"SELECT {Columns} FROM {{schema}}.payment_record WHERE link_id = $2 "
                + $"ORDER BY state = {(int)PaymentRecordState.Unmatched}, created_at DESC LIMIT 1",
            [Sql.Bytes(linkId)], cancellationToken);
    }

    public ValueTask<PaymentRecord?> FindByPaymentAsync(
        string paymentId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(paymentId);
        return FirstAsync(
            $"SELECT {Columns} FROM {{schema}}.payment_record WHERE tag IN "
                + "(SELECT tag FROM {schema}.payment_id WHERE id = $2) "
                + $"ORDER BY state = {(int)PaymentRecordState.Unmatched}, created_at DESC LIMIT 1",
            [Sql.Bytes(paymentId)], cancellationToken);
    }

    public async ValueTask<IReadOnlyList<PaymentRecord>> QueryAsync(
        PaymentRecordQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1);
        string condition = query.Filter switch
        {
            PaymentRecordFilter.Open => "is_open AND ($3::bigint IS NULL OR created_at <= $3) "
                + "AND ($5::bigint IS NULL OR (created_at, tag) > ($5, coalesce($4::bytea, ''))) ORDER BY created_at, tag",
            PaymentRecordFilter.PendingFacts => Between("due_at"),
            PaymentRecordFilter.Expiring => "is_open AND " + Between("expires_at"),
            PaymentRecordFilter.FeeUnknown => "fee_unknown_at IS NOT NULL AND ($3::bigint IS NULL OR fee_unknown_at >= $3) "
                + "ORDER BY fee_unknown_at, tag",
            PaymentRecordFilter.OfOwner => "owner = $6::bytea ORDER BY created_at DESC, tag DESC",
            PaymentRecordFilter.DeadFacts => "has_dead AND ($4::bytea IS NULL OR tag > $4) ORDER BY tag",
            _ => "($4::bytea IS NULL OR tag > $4) ORDER BY tag",
        };
        return await database.QueryAsync(
            "list payment records",
            $"SELECT {Columns} FROM {{schema}}.payment_record WHERE {condition} LIMIT $2",
            [
                query.Limit, Long(query.Before), Bytes(query.AfterTag), Long(query.AfterCreatedAt), Bytes(query.Owner),
                Long(query.LatestWait),
            ],
            static row => Read(row, 0), cancellationToken).ConfigureAwait(false);

        static string Between(string column) =>
            $"{column} IS NOT NULL AND ($3::bigint IS NULL OR {column} <= $3 OR {column} > $7::bigint) "
                + $"ORDER BY {column}, tag";
    }

    public async ValueTask<PaymentRecordCounts> CountAsync(CancellationToken cancellationToken = default)
    {
        List<PaymentRecordCounts> counts = await database.QueryAsync(
            "count payment records",
            """
            SELECT (SELECT count(*) FROM {schema}.payment_record WHERE due_at IS NOT NULL),
              (SELECT count(*) FROM {schema}.payment_record WHERE has_dead),
              (SELECT count(*) FROM {schema}.payment_record WHERE is_open),
              (SELECT min(oldest_pending_at) FROM {schema}.payment_record WHERE due_at IS NOT NULL)
           
            """,
            [],
            static row => new PaymentRecordCounts(
                (int)row.GetInt64(0), (int)row.GetInt64(1), (int)row.GetInt64(2),
                row.IsDBNull(3) ? null : Sql.Moment(row.GetInt64(3))),
            cancellationToken).ConfigureAwait(false);
        return counts[0];
    }

    public async ValueTask<IReadOnlyList<PaymentRecord>> ListUnsettledAsync(
        int limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        return await database.QueryAsync(
            "list unsettled payment records",
            $"SELECT {Columns} FROM {{schema}}.payment_record "
                + $"WHERE state = {(int)PaymentRecordState.LinkSent} ORDER BY updated_at LIMIT $2",
            [limit], static row => Read(row, 0), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<int> CountUnsettledAsync(CancellationToken cancellationToken = default)
    {
        List<int> counts = await database.QueryAsync(
            "count unsettled payment records",
            "SELECT count(*)::integer FROM {schema}.payment_record "
                + $"WHERE state = {(int)PaymentRecordState.LinkSent}",
            [], static row => row.GetInt32(0), cancellationToken).ConfigureAwait(false);
        return counts[0];
    }

    public async ValueTask<bool> TryAddEventAsync(string eventId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(eventId);
        return await database.ExecuteAsync(
            "remember a webhook's event",
            $"INSERT INTO {{schema}}.payment_event (id, seen_at) VALUES ($2, {Sql.Now}) ON CONFLICT DO NOTHING",
            [Sql.Bytes(eventId)], cancellationToken).ConfigureAwait(false) == 1;
    }

    public async ValueTask<bool> HasEventAsync(string eventId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(eventId);
        List<bool> found = await database.QueryAsync(
            "look a webhook's event up",
            "SELECT true FROM {schema}.payment_event WHERE id = $2",
            [Sql.Bytes(eventId)], static row => row.GetBoolean(0), cancellationToken).ConfigureAwait(false);
        return found.Count > 0;
    }

    public async ValueTask<int> PruneAsync(TimeSpan age, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(age, TimeSpan.Zero);
        List<int> counts = await database.QueryAsync(
            "forget old payment records",
            $$"""
            WITH records AS (
              DELETE FROM {schema}.payment_record WHERE is_forgettable AND updated_at < {{Sql.Now}} - $2
                AND (lease_expires_at IS NULL OR lease_expires_at < {{Sql.Now}} - $2) RETURNING 1),
            events AS (DELETE FROM {schema}.payment_event WHERE seen_at < {{Sql.Now}} - $2 RETURNING 1)
            SELECT ((SELECT count(*) FROM records) + (SELECT count(*) FROM events))::integer
            """,
            [age.Ticks], static row => row.GetInt32(0), cancellationToken).ConfigureAwait(false);
        return counts[0];
    }

    private async ValueTask<PaymentRecord?> FirstAsync(
        string sql, object?[] parameters, CancellationToken cancellationToken)
    {
        List<PaymentRecord> found = await database.QueryAsync(
            "read a payment record", sql, parameters, static row => Read(row, 0), cancellationToken)
            .ConfigureAwait(false);
        return found.Count == 0 ? null : found[0];
    }

    // The columns that the store sets are what counts; the rest is the record as its writer made it.
    private static PaymentRecord Read(NpgsqlDataReader row, int at) =>
        PaymentRecordSerializer.Deserialize(row.GetFieldValue<byte[]>(at)) with
        {
            Version = row.GetInt64(at + 1),
            LeaseToken = row.GetInt64(at + 2),
            LeaseExpiresAt = row.IsDBNull(at + 3) ? null : Sql.Moment(row.GetInt64(at + 3)),
            CreatedAt = Sql.Moment(row.GetInt64(at + 4)),
            UpdatedAt = Sql.Moment(row.GetInt64(at + 5)),
        };

    private static List<object?> Values(PaymentRecord record) =>
    [
        Sql.Bytes(record.Tag), record.LeaseToken, Long(record.LeaseExpiresAt), (short)record.State,
        Bytes(record.LinkId), Bytes(record.Request.Owner), PaymentRecordIndex.IsOpen(record),
        Long(record.Request.ExpiresAt), Long(PaymentRecordIndex.DueAt(record)),
        Long(PaymentRecordIndex.OldestPendingAt(record)), record.HasDeadFacts,
        Long(PaymentRecordIndex.FeeUnknownAt(record)), PaymentRecordIndex.IsForgettable(record),
        PaymentRecordSerializer.Serialize(record), record.Version,
    ];

    private static NpgsqlParameter Long(DateTimeOffset? moment) => Sql.LongParameter(moment?.UtcTicks);

    private static NpgsqlParameter Bytes(string? text) => Sql.BytesParameter(text);

    private async Task<PaymentRecord?> InsertAsync(
        NpgsqlConnection connection, PaymentRecord record, CancellationToken cancellationToken)
    {
        List<object?> values = Values(record);
        values.Add(record.CreatedAt.UtcTicks);
        values.Add(record.UpdatedAt.UtcTicks);
        NpgsqlCommand command = database.Command(connection, InsertSql, [.. values]);
        await using (command.ConfigureAwait(false))
        {
            return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false) == 1 ? record : null;
        }
    }

    private async Task<PaymentRecord?> UpdateAsync(
        NpgsqlConnection connection, PaymentRecord record, CancellationToken cancellationToken)
    {
        List<object?> values = Values(record);
        values.Add(record.Payments.SelectMany(static row => new[] { row.PaymentIntentId, row.ChargeId })
            .OfType<string>().Distinct(StringComparer.Ordinal).Select(Sql.Bytes).ToArray());
        List<(long Version, long UpdatedAt)> written = await database.ReadAsync(
            connection, UpdateSql, [.. values], static row => (row.GetInt64(0), row.GetInt64(1)), cancellationToken)
            .ConfigureAwait(false);
        return written.Count == 0
            ? null
            : record with { Version = written[0].Version, UpdatedAt = Sql.Moment(written[0].UpdatedAt) };
    }
}
