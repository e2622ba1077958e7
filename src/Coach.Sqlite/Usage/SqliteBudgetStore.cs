using Coach.Sqlite.Storage;
using Coach.Usage;

namespace Coach.Sqlite;

/// <summary>
/// Budgets in a SQLite file: a process that is killed leaves reservations that end with their leases.
/// </summary>
public sealed class SqliteBudgetStore : IBudgetStore
{
    private const long Open = 0;
    private const long Expired = 1;
    private const long Ended = 2;

    private readonly SqliteDatabase _database;
    private readonly TimeProvider _time;

    /// <summary>Makes the store.</summary>
    /// <param name="database">The file.</param>
    /// <param name="time">The clock of leases and periods.</param>
    public SqliteBudgetStore(SqliteDatabase database, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(time);
        (_database, _time) = (database, time);
    }

    /// <inheritdoc />
    public async ValueTask<BudgetDecision> ReserveAsync(
        string id, IReadOnlyList<BudgetCharge> charges, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        BudgetStoreRules.Check(id, charges);
        BudgetStoreRules.CheckLease(lease);
        return await _database.WriteAsync(
            session => Reserve(session, id, charges, lease), "reserve from a budget", cancellationToken)
            .ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask<bool> RenewAsync(string id, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        BudgetStoreRules.CheckLease(lease);
        return await _database.WriteAsync(
            session => session.Execute(
                "UPDATE budget_reservations SET due = $2 WHERE id = $0 AND state = $1", id, Open,
                Expire(session) + (long)lease.TotalMilliseconds) > 0,
            "renew a reservation", cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask<bool> SettleAsync(
        string id, IReadOnlyList<BudgetCharge> charges, CancellationToken cancellationToken = default)
    {
        BudgetStoreRules.Check(id, charges);
        return await _database.WriteAsync(
            session => Settle(session, id, charges), "settle a reservation", cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask<bool> ReleaseAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        return await _database.WriteAsync(
            session => Release(session, id), "release a reservation", cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<BudgetCount>> ReadAsync(
        IReadOnlyList<string> counters, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(counters);
        await ExpireIfDueAsync(cancellationToken).ConfigureAwait(false);
        return _database.Read<IReadOnlyList<BudgetCount>>(
            session => [.. counters.Select(counter => Count(session, counter))], "read a budget");
    }

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<OpenReservation>> ListExpiredAsync(
        int limit = 1_000, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 10_000);
        await ExpireIfDueAsync(cancellationToken).ConfigureAwait(false);
        return _database.Read<IReadOnlyList<OpenReservation>>(
            session => session.Query(
                "SELECT id, charges, due FROM budget_reservations WHERE state = $0 ORDER BY due LIMIT $1",
                row => new OpenReservation(
                    row.GetString(0), ChargeJson.Read(row.GetString(1)),
                    DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2))),
                Expired, (long)limit),
            "list reservations");
    }

    private BudgetDecision Reserve(
        SqliteSession session, string id, IReadOnlyList<BudgetCharge> charges, TimeSpan lease)
    {
        long now = Expire(session);
        BudgetCount[] counts = [.. charges.Select(charge => Count(session, charge.Counter))];
        if (session.Scalar("SELECT 1 FROM budget_reservations WHERE id = $0 AND state = $1", id, Open) is not null)
        {
            return new BudgetDecision(-1, counts);
        }

        for (int i = 0; i < charges.Count; i++)
        {
            if (!BudgetStoreRules.Fits(counts[i], charges[i]))
            {
                return new BudgetDecision(i, counts);
            }

            counts[i] = counts[i] with { Reserved = checked(counts[i].Reserved + charges[i].Amount) };
        }

        session.Execute(
            "INSERT INTO budget_reservations (id, state, due, charges) VALUES ($0, $1, $2, $3) "
            + "ON CONFLICT (id) DO UPDATE SET state = excluded.state, due = excluded.due, charges = excluded.charges",
            id, Open, now + (long)lease.TotalMilliseconds, ChargeJson.Write(charges));
        Move(session, charges, settled: 0, reserved: 1);
        return new BudgetDecision(-1, counts);
    }

    private bool Settle(SqliteSession session, string id, IReadOnlyList<BudgetCharge> charges)
    {
        long now = Expire(session);
        (long State, string Charges)? known = session.First<(long, string)?>(
            "SELECT state, charges FROM budget_reservations WHERE id = $0",
            row => (row.GetInt64(0), row.GetString(1)), id);
        if (known is { State: Ended })
        {
            return false;
        }

        if (known is { State: Open } open)
        {
            Move(session, ChargeJson.Read(open.Charges), settled: 0, reserved: -1);
        }

        Move(session, charges, settled: 1, reserved: 0);
        End(session, id, now);
        return true;
    }

    private bool Release(SqliteSession session, string id)
    {
        long now = Expire(session);
        (long State, string Charges)? known = session.First<(long, string)?>(
            "SELECT state, charges FROM budget_reservations WHERE id = $0",
            row => (row.GetInt64(0), row.GetString(1)), id);
        if (known is not { State: Open or Expired } found)
        {
            return false;
        }

        if (found.State == Open)
        {
            Move(session, ChargeJson.Read(found.Charges), settled: 0, reserved: -1);
        }

        End(session, id, now);
        return found.State == Open;
    }

    // What ended is remembered for a day, so that it is not counted twice.
    private static void End(SqliteSession session, string id, long now) => session.Execute(
        "INSERT INTO budget_reservations (id, state, due, charges) VALUES ($0, $1, $2, '') "
        + "ON CONFLICT (id) DO UPDATE SET state = excluded.state, due = excluded.due, charges = ''",
        id, Ended, now);

    private static BudgetCount Count(SqliteSession session, string counter) => session.First(
        "SELECT settled, reserved FROM budget_counters WHERE name = $0",
        row => new BudgetCount(row.GetInt64(0), row.GetInt64(1)), counter);

    private static void Move(
        SqliteSession session, IReadOnlyList<BudgetCharge> charges, long settled, long reserved)
    {
        foreach (BudgetCharge charge in charges)
        {
            session.Execute(
                "INSERT INTO budget_counters (name, settled, reserved, resets_at) VALUES ($0, $1, $2, $3) "
                + "ON CONFLICT (name) DO UPDATE SET settled = settled + excluded.settled, "
                + "reserved = reserved + excluded.reserved",
                charge.Counter, settled * charge.Amount, reserved * charge.Amount,
                charge.ResetsAt?.ToUnixTimeMilliseconds());
        }
    }

    private async ValueTask ExpireIfDueAsync(CancellationToken cancellationToken)
    {
        long now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        bool isDue = _database.Read(
            session => session.Scalar(
                "SELECT 1 FROM budget_reservations WHERE state = $0 AND due <= $1 LIMIT 1", Open, now) is not null,
            "look for leases that ended");
        if (isDue)
        {
            await _database.WriteAsync(Expire, "end leases", cancellationToken).ConfigureAwait(false);
        }
    }

    private long Expire(SqliteSession session)
    {
        long now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        if (session.Scalar(
            "SELECT 1 FROM budget_reservations WHERE state = $0 AND due <= $1 LIMIT 1", Open, now) is not null)
        {
            foreach ((string id, string charges) in session.Query(
                "SELECT id, charges FROM budget_reservations WHERE state = $0 AND due <= $1",
                row => (row.GetString(0), row.GetString(1)), Open, now))
            {
                Move(session, ChargeJson.Read(charges), settled: 0, reserved: -1);
                session.Execute("UPDATE budget_reservations SET state = $1 WHERE id = $0", id, Expired);
            }
        }

        long old = now - (long)BudgetStoreRules.Memory.TotalMilliseconds;
        if (session.Scalar(
            "SELECT 1 FROM budget_reservations WHERE state IN (1, 2) AND due <= $0 LIMIT 1", old) is not null)
        {
            session.Execute("DELETE FROM budget_reservations WHERE state IN (1, 2) AND due <= $0", old);
        }

        if (session.Scalar(
            "SELECT 1 FROM budget_counters WHERE resets_at <= $0 AND reserved = 0 LIMIT 1", now) is not null)
        {
            session.Execute("DELETE FROM budget_counters WHERE resets_at <= $0 AND reserved = 0", now);
        }

        return now;
    }
}
