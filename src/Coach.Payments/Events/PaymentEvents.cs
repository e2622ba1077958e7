using Coach.Payments.Links;
using Coach.Payments.Telemetry;

namespace Coach.Payments.Events;

/// <summary>The service behind <see cref="IPaymentEvents"/>: claims, confirmations and failures are changes of the
/// record that holds the fact (compare-and-swap), so no two callers get one.</summary>
internal sealed class PaymentEvents(
    PaymentRecordRepository records, CoachPaymentsOptions options, PaymentOutboxSignal signal, TimeProvider time,
    PaymentTelemetry telemetry) : IPaymentEvents
{
    private const int LongestReason = 300;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromHours(1);

    public async Task<IReadOnlyList<PaymentFact>> ClaimAsync(
        int limit, TimeSpan? lease = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        TimeSpan length = lease ?? options.DeliveryLease;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(length, TimeSpan.Zero, nameof(lease));
        DateTimeOffset now = time.GetUtcNow();

        // A claim that ends later than any could means that the wall clock was set back: it is not waited for.
        DateTimeOffset latest = now + (length > LongestDelay ? length : LongestDelay);
        var query = new PaymentRecordQuery(PaymentRecordFilter.PendingFacts, limit)
        {
            Before = now,
            LatestWait = latest,
        };
        IReadOnlyList<PaymentRecord> due =
            await records.QueryAsync(query, cancellationToken).ConfigureAwait(false);
        var taken = new List<PaymentFact>();
        foreach (PaymentRecord record in due)
        {
            PaymentFactEntry? claimed = null;
            PaymentRecord? stored = await records.ChangeAsync(record, current =>
            {
                claimed = null;
                PaymentFactEntry? next = NextOf(current);
                if (next is null || (next.NotBefore > now && next.NotBefore <= latest))
                {
                    return null;
                }

                claimed = next with { Attempts = next.Attempts + 1, NotBefore = now + length };
                return PaymentFacts.Replace(current, next, claimed);
            }, null, cancellationToken).ConfigureAwait(false);
            if (stored is not null && claimed is not null)
            {
                taken.Add(PaymentFact.Of(stored, claimed));
            }
        }

        return taken;
    }

    public async Task<bool> ConfirmAsync(PaymentFact fact, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(fact);
        bool isFirst = false;
        PaymentRecord? stored = await ChangeAsync(fact, entry =>
        {
            isFirst = entry.State != PaymentFactState.Confirmed;
            return isFirst
                ? entry with { State = PaymentFactState.Confirmed, NotBefore = null, Error = null }
                : entry;
        }, cancellationToken).ConfigureAwait(false);
        if (stored is null || !isFirst)
        {
            return false;
        }

        telemetry.Metrics.Delivered("confirmed");
        if (stored.HasPendingFacts)
        {
            signal.Set();
        }

        return true;
    }

    public async Task<PaymentFact?> FailAsync(
        PaymentFact fact, string reason, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(fact);
        ArgumentNullException.ThrowIfNull(reason);
        string line = string.Concat(reason.Select(static c => char.IsControl(c) ? ' ' : c));
        line = line.Length > LongestReason ? line[..LongestReason] : line;
        DateTimeOffset now = time.GetUtcNow();
        PaymentFactEntry? failed = null;
        PaymentRecord? stored = await ChangeAsync(fact, entry =>
        {
            failed = null;
            if (entry.State != PaymentFactState.Pending)
            {
                return entry;
            }

            bool isDead = entry.Attempts >= options.MaxDeliveryAttempts;
            return failed = entry with
            {
                State = isDead ? PaymentFactState.Dead : PaymentFactState.Pending,
                NotBefore = isDead ? null : now + DelayAfter(entry.Attempts),
                Error = line,
            };
        }, cancellationToken).ConfigureAwait(false);
        if (stored is null || failed is null)
        {
            return null;
        }

        telemetry.Metrics.Delivered(failed.State == PaymentFactState.Dead ? "dead" : "failed");
        if (failed.State == PaymentFactState.Dead)
        {
            telemetry.Logger.FactDead(fact.Id, fact.Kind, failed.Attempts);
        }
        else
        {
            telemetry.Logger.FactFailed(fact.Id, fact.Kind, failed.Attempts);
        }

        return PaymentFact.Of(stored, failed);
    }

    public async Task<IReadOnlyList<PaymentFact>> ListAsync(
        PaymentFactState state, int limit = 100, PaymentFact? after = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        PaymentRecordFilter filter = state switch
        {
            PaymentFactState.Pending => PaymentRecordFilter.PendingFacts,
            PaymentFactState.Dead => PaymentRecordFilter.DeadFacts,
            _ => throw new ArgumentOutOfRangeException(nameof(state), state, "Only pending and dead facts are listed."),
        };
        var facts = new List<PaymentFact>();
        if (after is not null && filter == PaymentRecordFilter.DeadFacts
            && await records.FindAsync(after.Tag, cancellationToken).ConfigureAwait(false) is { } last)
        {
            // A page may have ended between two facts of one link.
            facts.AddRange(PaymentFacts.Of(last, state, after.Id));
        }

        var query = new PaymentRecordQuery(filter, limit)
        {
            AfterTag = filter == PaymentRecordFilter.DeadFacts ? after?.Tag : null,
        };
        IReadOnlyList<PaymentRecord> found = await records.QueryAsync(query, cancellationToken).ConfigureAwait(false);
        facts.AddRange(found.SelectMany(record => PaymentFacts.Of(record, state)));
        return facts.Count <= limit ? facts : facts[..limit];
    }

    public async Task<PaymentFact?> FindAsync(string tag, string id, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tag);
        ArgumentNullException.ThrowIfNull(id);
        PaymentRecord? record = await records.FindAsync(tag, cancellationToken).ConfigureAwait(false);
        PaymentFactEntry? entry = record?.Facts.FirstOrDefault(entry => PaymentFact.IdOf(tag, entry) == id);
        return entry is null ? null : PaymentFact.Of(record!, entry);
    }

    public async Task<bool> ReplayAsync(PaymentFact fact, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(fact);
        PaymentRecord? stored = await ChangeAsync(fact, static entry => entry.State == PaymentFactState.Pending
            ? entry
            : entry with { State = PaymentFactState.Pending, Attempts = 0, NotBefore = null, Error = null },
            cancellationToken).ConfigureAwait(false);
        if (stored is null)
        {
            return false;
        }

        telemetry.Logger.FactReplayed(fact.Id, fact.Kind);
        signal.Set();
        return true;
    }

    private async ValueTask<PaymentRecord?> ChangeAsync(
        PaymentFact fact, Func<PaymentFactEntry, PaymentFactEntry> change, CancellationToken cancellationToken)
    {
        if (await records.FindAsync(fact.Tag, cancellationToken).ConfigureAwait(false) is not { } record)
        {
            return null;
        }

        bool isThere = false;
        PaymentRecord? stored = await records.ChangeAsync(record, current =>
        {
            PaymentFactEntry? entry =
                current.Facts.FirstOrDefault(other => PaymentFact.IdOf(current.Tag, other) == fact.Id);
            isThere = entry is not null;
            if (entry is null)
            {
                return null;
            }

            PaymentFactEntry changed = change(entry);
            return ReferenceEquals(changed, entry) ? null : PaymentFacts.Replace(current, entry, changed);
        }, null, cancellationToken).ConfigureAwait(false);
        return isThere ? stored : null;
    }

    private static PaymentFactEntry? NextOf(PaymentRecord record) =>
        record.Facts.FirstOrDefault(static fact => fact.State == PaymentFactState.Pending);

    // 1, 2, 4 s … an hour. No jitter: the facts of one outage come from many moments.
    private static TimeSpan DelayAfter(int attempts) =>
        attempts > 12 ? LongestDelay : Min(FirstDelay * Math.Pow(2, Math.Max(0, attempts - 1)), LongestDelay);

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
