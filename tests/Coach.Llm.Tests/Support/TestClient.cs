using Coach.Abstractions;

namespace Coach.Llm.Tests;

/// <summary>A client that knows whose it is and counts its disposals.</summary>
internal class TestClient(SessionId session, ApiKey key) : IDisposable
{
    private int _disposals;

    public SessionId Session { get; } = session;

    public ApiKey Key { get; } = key;

    public int Disposals => Volatile.Read(ref _disposals);

    public bool IsDisposed => Disposals > 0;

    public virtual void Dispose() => Interlocked.Increment(ref _disposals);
}
