namespace Coach.Payments.Tests;

/// <summary>Passes everything on; tests override what is to go wrong.</summary>
internal abstract class StoreWrapper(IIdempotencyStore inner) : IIdempotencyStore
{
    public virtual ValueTask<IdempotencyClaim> ClaimAsync(
        PaymentRecord proposed, TimeSpan lease, CancellationToken cancellationToken = default) =>
        inner.ClaimAsync(proposed, lease, cancellationToken);

    public virtual ValueTask<PaymentRecord?> TryUpdateAsync(
        PaymentRecord record, CancellationToken cancellationToken = default) =>
        inner.TryUpdateAsync(record, cancellationToken);

    public virtual ValueTask<PaymentRecord?> FindAsync(string tag, CancellationToken cancellationToken = default) =>
        inner.FindAsync(tag, cancellationToken);

    public virtual ValueTask<PaymentRecord?> FindByLinkAsync(
        string linkId, CancellationToken cancellationToken = default) =>
        inner.FindByLinkAsync(linkId, cancellationToken);

    public virtual ValueTask<IReadOnlyList<PaymentRecord>> ListUnsettledAsync(
        int limit, CancellationToken cancellationToken = default) =>
        inner.ListUnsettledAsync(limit, cancellationToken);

    public virtual ValueTask<int> CountUnsettledAsync(CancellationToken cancellationToken = default) =>
        inner.CountUnsettledAsync(cancellationToken);

    public virtual ValueTask<bool> TryAddEventAsync(string eventId, CancellationToken cancellationToken = default) =>
        inner.TryAddEventAsync(eventId, cancellationToken);

    public virtual ValueTask<bool> HasEventAsync(string eventId, CancellationToken cancellationToken = default) =>
        inner.HasEventAsync(eventId, cancellationToken);

    public virtual ValueTask<int> PruneAsync(TimeSpan age, CancellationToken cancellationToken = default) =>
        inner.PruneAsync(age, cancellationToken);

    public virtual ValueTask<PaymentRecord?> FindByPaymentAsync(
        string paymentId, CancellationToken cancellationToken = default) =>
        inner.FindByPaymentAsync(paymentId, cancellationToken);

    public virtual ValueTask<IReadOnlyList<PaymentRecord>> QueryAsync(
        PaymentRecordQuery query, CancellationToken cancellationToken = default) =>
        inner.QueryAsync(query, cancellationToken);

    public virtual ValueTask<PaymentRecordCounts> CountAsync(CancellationToken cancellationToken = default) =>
        inner.CountAsync(cancellationToken);

    public virtual bool IsDurable => inner.IsDurable;
}
