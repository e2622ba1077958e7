namespace Coach.Payments.Links;

/// <summary>Wakes the delivery of facts in this process, so that a fact does not wait for the next look at the
/// outbox.</summary>
internal sealed class PaymentOutboxSignal
{
    private volatile TaskCompletionSource _next = New();

    /// <summary>Ends when the next fact is stored.</summary>
    public Task Next => _next.Task;

    public void Set() => Interlocked.Exchange(ref _next, New()).TrySetResult();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
