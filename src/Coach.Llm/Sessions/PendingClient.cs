namespace Coach.Llm.Sessions;

/// <summary>
/// A client being made, and the callers that wait for it. Its fields belong to the lock of its session.
/// </summary>
internal sealed class PendingClient(Type type, ApiKey key)
{
    public Type Type { get; } = type;

    public ApiKey Key { get; } = key;

    /// <summary>Ends when the client is there, or failed.</summary>
    public TaskCompletionSource<ClientEntry> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Cancelled when nobody waits any more.</summary>
    public CancellationTokenSource Abandoned { get; } = new();

    public int Waiting { get; set; }

    /// <summary>
    /// Another key, a removal or the loss of all waiters made it pointless to keep the client beyond those who wait for
    /// it.
    /// </summary>
    public bool IsSuperseded { get; set; }

    /// <summary>
    /// Set together with the entry's count of reserved leases; from then on a waiter that leaves gives its lease back.
    /// </summary>
    public ClientEntry? Entry { get; set; }
}
