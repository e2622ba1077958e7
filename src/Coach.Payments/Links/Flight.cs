namespace Coach.Payments;

/// <summary>One operation in the making, and everybody in this process who waits for it.</summary>
internal sealed class Flight(RequestHash hash) : IDisposable
{
    // Who began goes on where the work ends, as after any await; the others on threads of their own, so that none delays another.
    private readonly TaskCompletionSource<PaymentLink> _own = new();
    private readonly CancellationTokenSource _abandoned = new();
    private TaskCompletionSource<PaymentLink>? _others;

    public RequestHash Hash { get; } = hash;

    public int Waiters { get; set; }

    /// <summary>The outcome for who began.</summary>
    public Task<PaymentLink> Result => _own.Task;

    /// <summary>Ends when nobody waits any more.</summary>
    public CancellationToken Abandoned => _abandoned.Token;

    public void Abandon() => _abandoned.Cancel();

    /// <summary>The outcome for somebody who came while it was in the making. Called under the lock that guards joining and landing.</summary>
    public Task<PaymentLink> Join() => (_others ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Called once nobody can join any more.</summary>
    public void Succeed(PaymentLink link)
    {
        _others?.TrySetResult(link);
        _own.TrySetResult(link);
    }

    /// <summary>Called once nobody can join any more.</summary>
    public void Fail(Exception exception)
    {
        Fail(_others, exception);
        Fail(_own, exception);
    }

    public void Dispose() => _abandoned.Dispose();

    private static void Fail(TaskCompletionSource<PaymentLink>? result, Exception exception)
    {
        if (result is null)
        {
            return;
        }

        if (exception is OperationCanceledException)
        {
            result.TrySetCanceled(CancellationToken.None);
        }
        else
        {
            result.TrySetException(exception);
        }

        // Somebody may have left already; nobody is then told twice.
        _ = result.Task.Exception;
    }
}
