using Coach.Postgres.Connections;
using Coach.Usage;
using Npgsql;
using NpgsqlTypes;

namespace Coach.Postgres.Usage;

/// <summary>
/// Budgets in PostgreSQL, for all replicas: one call a decision, which locks its counters, by the server's clock.
/// </summary>
internal sealed class PostgresBudgetStore(PostgresDatabase database) : IBudgetStore
{
    public async ValueTask<BudgetDecision> ReserveAsync(
        string id, IReadOnlyList<BudgetCharge> charges, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        BudgetStoreRules.Check(id, charges);
        BudgetStoreRules.CheckLease(lease);
        List<BudgetDecision> decisions = await database.QueryAsync(
            "reserve from a budget",
            "SELECT o_refused, o_settled, o_reserved FROM {schema}.budget_reserve($1, $2, $3, $4, $5, $6, $7)",
            [
                Sql.Bytes(id), Counters(charges), Amounts(charges), charges.Select(charge => charge.Max).ToArray(),
                Resets(charges), lease.Ticks,
            ],
            static row => new BudgetDecision(
                row.GetInt32(0),
                [
                    .. row.GetFieldValue<long[]>(1).Zip(
                        row.GetFieldValue<long[]>(2), (settled, reserved) => new BudgetCount(settled, reserved)),
                ]),
            cancellationToken).ConfigureAwait(false);
        return decisions[0];
    }

    public ValueTask<bool> RenewAsync(string id, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        BudgetStoreRules.CheckLease(lease);
        return AskAsync(
            "renew a reservation", "SELECT {schema}.budget_renew($1, $2, $3)", [Sql.Bytes(id), lease.Ticks],
            cancellationToken);
    }

    public ValueTask<bool> SettleAsync(
        string id, IReadOnlyList<BudgetCharge> charges, CancellationToken cancellationToken = default)
    {
        BudgetStoreRules.Check(id, charges);
        return AskAsync(
            "settle a reservation", "SELECT {schema}.budget_settle($1, $2, $3, $4, $5)",
            [Sql.Bytes(id), Counters(charges), Amounts(charges), Resets(charges)], cancellationToken);
    }

    public ValueTask<bool> ReleaseAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        return AskAsync(
            "release a reservation", "SELECT {schema}.budget_release($1, $2)", [Sql.Bytes(id)], cancellationToken);
    }

    public async ValueTask<IReadOnlyList<BudgetCount>> ReadAsync(
        IReadOnlyList<string> counters, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(counters);
        return await database.QueryAsync(
            "read a budget",
            """
            SELECT coalesce(c.settled, 0), least(coalesce((
                SELECT sum(b.amount) FROM {schema}.budget_charge b
                WHERE b.counter = asked.name AND b.due > {schema}.budget_now($1)), 0), 9223372036854775807)::bigint
            FROM unnest($2::bytea[]) WITH ORDINALITY AS asked (name, place)
            LEFT JOIN {schema}.budget_counter c ON c.name = asked.name
              AND (c.resets_at IS NULL OR c.resets_at > {schema}.budget_now($1) - $3)
            ORDER BY asked.place
            """,
            [counters.Select(Sql.Bytes).ToArray(), BudgetStoreRules.Memory.Ticks],
            static row => new BudgetCount(row.GetInt64(0), row.GetInt64(1)), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<OpenReservation>> ListExpiredAsync(
        int limit = 1_000, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 10_000);
        return await database.QueryAsync(
            "list reservations",
            """
            SELECT r.id, r.due, array_agg(b.counter ORDER BY b.place), array_agg(b.amount ORDER BY b.place),
              array_agg(b.most ORDER BY b.place), array_agg(b.resets_at ORDER BY b.place)
            FROM (SELECT id, due FROM {schema}.budget_reservation
              WHERE is_open AND due <= {schema}.budget_now($1) AND due > {schema}.budget_now($1) - $3
              ORDER BY due, id LIMIT $2) AS r
            JOIN {schema}.budget_charge b ON b.reservation = r.id GROUP BY r.id, r.due ORDER BY r.due, r.id
            """,
            [limit, BudgetStoreRules.Memory.Ticks],
            static row => new OpenReservation(
                Sql.Text(row.GetFieldValue<byte[]>(0)), Charges(row), Sql.Moment(row.GetInt64(1))),
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes what ended a day ago, and counters of periods that were over then.</summary>
    public async ValueTask PruneAsync(CancellationToken cancellationToken)
    {
        await database.ExecuteAsync(
            "forget old reservations",
            """
            WITH old AS (
              DELETE FROM {schema}.budget_reservation WHERE due <= {schema}.budget_now($1) - $2 RETURNING id)
            DELETE FROM {schema}.budget_charge WHERE reservation IN (SELECT id FROM old)
            """,
            [BudgetStoreRules.Memory.Ticks], cancellationToken).ConfigureAwait(false);
        await database.ExecuteAsync(
            "forget old counters",
            "DELETE FROM {schema}.budget_counter WHERE resets_at <= {schema}.budget_now($1) - $2",
            [BudgetStoreRules.Memory.Ticks], cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<bool> AskAsync(
        string doing, string sql, object?[] parameters, CancellationToken cancellationToken)
    {
        List<bool> answers = await database.QueryAsync(
            doing, sql, parameters, static row => row.GetBoolean(0), cancellationToken).ConfigureAwait(false);
        return answers[0];
    }

    private static byte[][] Counters(IReadOnlyList<BudgetCharge> charges) =>
        [.. charges.Select(charge => Sql.Bytes(charge.Counter))];

    private static long[] Amounts(IReadOnlyList<BudgetCharge> charges) => [.. charges.Select(charge => charge.Amount)];

    private static NpgsqlParameter Resets(IReadOnlyList<BudgetCharge> charges) => new()
    {
        NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint,
        Value = charges.Select(charge => charge.ResetsAt?.UtcTicks).ToArray(),
    };

    private static BudgetCharge[] Charges(NpgsqlDataReader row)
    {
        byte[][] counters = row.GetFieldValue<byte[][]>(2);
        long[] amounts = row.GetFieldValue<long[]>(3);
        long[] most = row.GetFieldValue<long[]>(4);
        long?[] resets = row.GetFieldValue<long?[]>(5);
        return
        [
            .. counters.Select((counter, i) => new BudgetCharge(
                Sql.Text(counter), amounts[i], most[i], resets[i] is { } at ? Sql.Moment(at) : null)),
        ];
    }
}
