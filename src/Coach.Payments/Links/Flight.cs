namespace Coach.Payments;

/// <summary>One operation in the making, and everybody in this process who waits for it.</summary>
internal sealed class Flight(RequestHash hash) : IDisposable
{
    private readonly TaskCompletionSource<PaymentLink> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _abandoned = new();

    public RequestHash Hash { get; } = hash;

    public int Waiters { get; set; }

    public Task<PaymentLink> Result => _result.Task;

    /// <summary>Ends when nobody waits any more.</summary>
    public CancellationToken Abandoned => _abandoned.Token;

    public void Abandon() => _abandoned.Cancel();

    public void Succeed(PaymentLink link) => _result.TrySetResult(link);

    public void Fail(Exception exception)
    {
        if (exception is OperationCanceledException)
        {
            _result.TrySetCanceled(CancellationToken.None);
        }
        else
        {
            _result.TrySetException(exception);
        }

        // Somebody may have left already; nobody is then told twice.
        _ = _result.Task.Exception;
    }

    public void Dispose() => _abandoned.Dispose();
}
