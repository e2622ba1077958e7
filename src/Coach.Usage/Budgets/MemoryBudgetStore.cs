using System.Runtime.InteropServices;

namespace Coach.Usage;

/// <summary>
/// Counters and reservations in this process's memory, for one process; they end with it. One lock guards everything.
/// </summary>
/// <remarks>
/// Counters of a period are forgotten when it is over; those without an end stay. A caller under ever new names makes
/// ever new counters: bound them with a limit of the whole host, which counts all callers on one counter.
/// </remarks>
/// <param name="time">The clock of leases and periods.</param>
public sealed class MemoryBudgetStore(TimeProvider time) : IBudgetStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, BudgetCount> _counters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OpenReservation> _open = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OpenReservation> _expired = new(StringComparer.Ordinal);
    private readonly HashSet<string> _ended = new(StringComparer.Ordinal);
    private readonly PriorityQueue<string, DateTimeOffset> _leases = new();
    private readonly PriorityQueue<string, DateTimeOffset> _periods = new();
    private readonly Queue<(string Id, DateTimeOffset At)> _endedOrder = new();

    /// <inheritdoc />
    public ValueTask<BudgetDecision> ReserveAsync(
        string id, IReadOnlyList<BudgetCharge> charges, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        BudgetStoreRules.Check(id, charges);
        BudgetStoreRules.CheckLease(lease);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            DateTimeOffset now = Expire();
            if (!_open.ContainsKey(id))
            {
                for (int i = 0; i < charges.Count; i++)
                {
                    if (!BudgetStoreRules.Fits(Count(charges[i].Counter), charges[i]))
                    {
                        return ValueTask.FromResult(new BudgetDecision(i, Counts(charges)));
                    }
                }

                _open.Add(id, new OpenReservation(id, [.. charges], now + lease));
                _leases.Enqueue(id, now + lease);
                Move(charges, settled: 0, reserved: 1);
            }

            return ValueTask.FromResult(new BudgetDecision(-1, Counts(charges)));
        }
    }

    /// <inheritdoc />
    public ValueTask<bool> RenewAsync(string id, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        BudgetStoreRules.CheckLease(lease);
        lock (_gate)
        {
            DateTimeOffset now = Expire();
            if (!_open.TryGetValue(id, out OpenReservation? open))
            {
                return ValueTask.FromResult(false);
            }

            _open[id] = open with { ExpiresAt = now + lease };
            _leases.Enqueue(id, now + lease);
            return ValueTask.FromResult(true);
        }
    }

    /// <inheritdoc />
    public ValueTask<bool> SettleAsync(
        string id, IReadOnlyList<BudgetCharge> charges, CancellationToken cancellationToken = default)
    {
        BudgetStoreRules.Check(id, charges);
        lock (_gate)
        {
            DateTimeOffset now = Expire();
            if (!_ended.Add(id))
            {
                return ValueTask.FromResult(false);
            }

            _endedOrder.Enqueue((id, now));
            _expired.Remove(id);
            if (_open.Remove(id, out OpenReservation? open))
            {
                Move(open.Charges, settled: 0, reserved: -1);
            }

            Move(charges, settled: 1, reserved: 0);
            return ValueTask.FromResult(true);
        }
    }

    /// <inheritdoc />
    public ValueTask<bool> ReleaseAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(id);
        lock (_gate)
        {
            DateTimeOffset now = Expire();
            bool wasExpired = _expired.Remove(id);
            bool wasOpen = _open.Remove(id, out OpenReservation? open);
            if (wasOpen)
            {
                Move(open!.Charges, settled: 0, reserved: -1);
            }

            if ((wasOpen || wasExpired) && _ended.Add(id))
            {
                _endedOrder.Enqueue((id, now));
            }

            return ValueTask.FromResult(wasOpen);
        }
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<BudgetCount>> ReadAsync(
        IReadOnlyList<string> counters, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(counters);
        lock (_gate)
        {
            Expire();
            return ValueTask.FromResult<IReadOnlyList<BudgetCount>>([.. counters.Select(Count)]);
        }
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<OpenReservation>> ListExpiredAsync(
        int limit = 1_000, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 10_000);
        lock (_gate)
        {
            Expire();
            return ValueTask.FromResult<IReadOnlyList<OpenReservation>>(
                [.. _expired.Values.OrderBy(expired => expired.ExpiresAt).Take(limit)]);
        }
    }

    private BudgetCount Count(string counter) => _counters.GetValueOrDefault(counter);

    private BudgetCount[] Counts(IReadOnlyList<BudgetCharge> charges)
    {
        var counts = new BudgetCount[charges.Count];
        for (int i = 0; i < counts.Length; i++)
        {
            counts[i] = Count(charges[i].Counter);
        }

        return counts;
    }

    private void Move(IReadOnlyList<BudgetCharge> charges, int settled, int reserved)
    {
        for (int i = 0; i < charges.Count; i++)
        {
            BudgetCharge charge = charges[i];
            ref BudgetCount count =
                ref CollectionsMarshal.GetValueRefOrAddDefault(_counters, charge.Counter, out bool isKnown);
            if (!isKnown && charge.ResetsAt is { } end)
            {
                _periods.Enqueue(charge.Counter, end);
            }

            count = new BudgetCount(
                checked(count.Settled + (settled * charge.Amount)),
                checked(count.Reserved + (reserved * charge.Amount)));
        }
    }

    private DateTimeOffset Expire()
    {
        DateTimeOffset now = time.GetUtcNow();
        while (_leases.TryPeek(out string? id, out DateTimeOffset end) && end <= now)
        {
            _leases.Dequeue();
            if (_open.TryGetValue(id, out OpenReservation? open) && open.ExpiresAt <= now)
            {
                _open.Remove(id);
                _expired[id] = open;
                Move(open.Charges, settled: 0, reserved: -1);
            }
        }

        while (_periods.TryPeek(out string? counter, out DateTimeOffset end) && end <= now)
        {
            _periods.Dequeue();
            if (Count(counter).Reserved == 0)
            {
                _counters.Remove(counter);
            }
            else
            {
                // A call that began in it still runs; it is looked at again when its lease must have ended.
                _periods.Enqueue(counter, now + BudgetStoreRules.Memory);
            }
        }

        while (_endedOrder.TryPeek(out (string Id, DateTimeOffset At) oldest)
            && now - oldest.At >= BudgetStoreRules.Memory)
        {
            _ended.Remove(_endedOrder.Dequeue().Id);
        }

        if (_expired.Count > 0)
        {
            foreach (OpenReservation old in _expired.Values
                .Where(expired => now - expired.ExpiresAt >= BudgetStoreRules.Memory).ToArray())
            {
                _expired.Remove(old.Id);
            }
        }

        return now;
    }
}
