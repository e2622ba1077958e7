namespace Coach.Rag;

/// <summary>The writer's role over an <see cref="IIndexStore"/>; dispose to give it back.</summary>
internal sealed class IndexWriteLease(IIndexStore owner, Action release) : IDisposable
{
    private Action? _release = release;

    internal bool IsHeldOn(IIndexStore store) => ReferenceEquals(owner, store) && Volatile.Read(ref _release) is not null;

    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
