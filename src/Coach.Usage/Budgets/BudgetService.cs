using Coach.Usage.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Usage.Budgets;

/// <summary>Turns the host's limits into counters of the store, and the store's decisions into exceptions.</summary>
internal sealed class BudgetService : IBudget
{
    private readonly CoachUsageOptions _options;
    private readonly IOptionsMonitor<CoachUsageOptions> _current;
    private readonly IBudgetStore _store;
    private readonly MemoryBudgetStore _process;
    private readonly UsageMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public BudgetService(
        IOptionsMonitor<CoachUsageOptions> options, IBudgetStore store, UsageMetrics metrics, TimeProvider time,
        ILogger logger)
    {
        (_current, _options) = (options, options.CurrentValue);
        (_store, _metrics, _time, _logger) = (store, metrics, time, logger);
        _process = new MemoryBudgetStore(time);
    }

    // Limits alone may change while the host runs, where it brings a source of changes.
    private IList<BudgetLimit> Limits => _current.CurrentValue.Limits;

    public async ValueTask<BudgetReservation> ReserveAsync(
        BudgetRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        DateTimeOffset now = _time.GetUtcNow();
        foreach (BudgetLimit limit in Limits.Where(limit => Applies(limit, request)))
        {
            long amount = AmountOf(limit.Unit, request.CostMicros, request.Tokens);
            if (limit.Period == BudgetPeriod.Request && amount > limit.Max)
            {
                _metrics.Rejected(limit.Name);
                throw UsageException.LimitReached(limit, amount, resetsAt: null, wait: null);
            }
        }

        BudgetReservation reservation = Of(request, request.Id ?? Guid.NewGuid().ToString("N"), request.At ?? now);
        (BudgetLimit[] counted, BudgetCharge[] charges) = (reservation.Limits, reservation.Charges);
        if (charges.Length == 0)
        {
            return reservation;
        }

        BudgetDecision? decision = await DecideAsync(reservation, cancellationToken).ConfigureAwait(false);
        if (decision is not { } decided)
        {
            return reservation;
        }

        Show(counted, charges, decided.Counts);
        if (decided.IsGranted)
        {
            return reservation;
        }

        BudgetLimit reached = counted[decided.Refused];
        BudgetCount count = decided.Counts[decided.Refused];
        DateTimeOffset? resetsAt = charges[decided.Refused].ResetsAt;
        _metrics.Rejected(reached.Name);
        throw UsageException.LimitReached(reached, count.Settled + count.Reserved, resetsAt, resetsAt - now);
    }

    public BudgetReservation Resume(BudgetRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request is { Id: { } id, At: { } at }
            ? Of(request, id, at)
            : throw new ArgumentException("A reservation that is taken up has the id and the time of then.", nameof(request));
    }

    public async ValueTask<bool> SettleAsync(
        BudgetReservation reservation, long costMicros, long tokens, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reservation);
        ArgumentOutOfRangeException.ThrowIfNegative(costMicros);
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        if (reservation.Charges.Length == 0)
        {
            return true;
        }

        // On the counters of the period in which it was reserved: that is when it was allowed.
        var used = new BudgetCharge[reservation.Charges.Length];
        for (int i = 0; i < used.Length; i++)
        {
            used[i] = reservation.Charges[i] with
            {
                Amount = AmountOf(reservation.Limits[i].Unit, costMicros, tokens),
            };
        }

        if (reservation.IsDecidedHere)
        {
            await _process.SettleAsync(reservation.Id, used, cancellationToken).ConfigureAwait(false);
        }

        return await _store.SettleAsync(reservation.Id, used, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<bool> ReleaseAsync(
        BudgetReservation reservation, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reservation);
        if (reservation.IsDecidedHere)
        {
            return await _process.ReleaseAsync(reservation.Id, cancellationToken).ConfigureAwait(false);
        }

        return reservation.Charges.Length == 0
            || await _store.ReleaseAsync(reservation.Id, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<bool> RenewAsync(BudgetReservation reservation, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reservation);
        return reservation.Charges.Length == 0
            ? ValueTask.FromResult(true)
            : _store.RenewAsync(reservation.Id, _options.Lease, cancellationToken);
    }

    public async ValueTask<IReadOnlyList<BudgetStatus>> GetStatusAsync(
        CallerContext caller, string provider = "", CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(caller);
        ArgumentNullException.ThrowIfNull(provider);
        DateTimeOffset now = _time.GetUtcNow();
        var request = new BudgetRequest { Caller = caller, Provider = provider, IsHostPaid = true };
        BudgetLimit[] limits = [.. Limits.Where(limit => Applies(limit, request))];
        BudgetCharge[] charges = [.. limits.Select(limit => Charge(limit, request, 0, 0, now))];
        IReadOnlyList<BudgetCount> counts = charges.Length == 0
            ? []
            : await _store.ReadAsync([.. charges.Select(charge => charge.Counter)], cancellationToken)
                .ConfigureAwait(false);
        return
        [
            .. limits.Select((limit, i) => new BudgetStatus(
                limit.Name, limit.Scope, limit.Period, limit.Unit, limit.Max,
                limit.Period == BudgetPeriod.Request ? 0 : counts[i].Settled,
                limit.Period == BudgetPeriod.Request ? 0 : counts[i].Reserved, charges[i].ResetsAt)),
        ];
    }

    // Null: the store is away, and calls go on without it.
    private async ValueTask<BudgetDecision?> DecideAsync(
        BudgetReservation reservation, CancellationToken cancellationToken)
    {
        try
        {
            return await _store.ReserveAsync(
                reservation.Id, reservation.Charges, _options.Lease, cancellationToken).ConfigureAwait(false);
        }
        catch (CoachException exception) when (
            exception.Code == ErrorCodes.StoreUnavailable && _options.OnStoreFailure != StoreFailurePolicy.FailClosed)
        {
            _logger.BudgetStoreAway(_options.OnStoreFailure);
            if (_options.OnStoreFailure == StoreFailurePolicy.FailOpen)
            {
                return null;
            }

            reservation.IsDecidedHere = true;
            return await _process.ReserveAsync(
                reservation.Id, reservation.Charges, _options.Lease, cancellationToken).ConfigureAwait(false);
        }
    }

    private void Show(BudgetLimit[] limits, BudgetCharge[] charges, IReadOnlyList<BudgetCount> counts)
    {
        for (int i = 0; i < limits.Length; i++)
        {
            long used = counts[i].Settled + counts[i].Reserved;
            _metrics.Used(limits[i].Name, limits[i].Max == 0 ? 1 : (double)used / limits[i].Max, charges[i].ResetsAt);
        }
    }

    private BudgetReservation Of(BudgetRequest request, string id, DateTimeOffset at)
    {
        BudgetLimit[] counted =
        [
            .. Limits.Where(limit => limit.Period != BudgetPeriod.Request && Applies(limit, request)),
        ];
        return new BudgetReservation(
            id, request, counted,
            [.. counted.Select(limit => Charge(limit, request, request.CostMicros, request.Tokens, at))]);
    }

    private static bool Applies(BudgetLimit limit, BudgetRequest request)
    {
        bool isOfProvider = limit.Provider is null
            || limit.Provider.Equals(request.Provider, StringComparison.OrdinalIgnoreCase);
        return isOfProvider && (!limit.HostPaidOnly || request.IsHostPaid) && limit.Scope switch
        {
            BudgetScope.Tenant => request.Caller.TenantId is not null,
            BudgetScope.Provider => request.Provider.Length > 0,
            _ => true,
        };
    }

    private static BudgetCharge Charge(
        BudgetLimit limit, BudgetRequest request, long costMicros, long tokens, DateTimeOffset now)
    {
        (string window, DateTimeOffset? resetsAt) = BudgetWindow.At(limit.Period, now);
        string whose = limit.Scope switch
        {
            BudgetScope.App => "",
            BudgetScope.Tenant => request.Caller.TenantId!,
            BudgetScope.User => request.Caller.Key,
            BudgetScope.Session => request.Caller.SessionId.Value,
            _ => request.Provider.ToLowerInvariant(),
        };
        return new BudgetCharge(
            $"{limit.Name}|{window}|{whose}", AmountOf(limit.Unit, costMicros, tokens), limit.Max, resetsAt);
    }

    private static long AmountOf(BudgetUnit unit, long costMicros, long tokens) => unit switch
    {
        BudgetUnit.Cost => costMicros,
        BudgetUnit.Tokens => tokens,
        _ => 1,
    };
}
