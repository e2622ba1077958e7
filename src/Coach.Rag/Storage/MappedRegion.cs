namespace Coach.Rag;

/// <summary>Read-only memory that segments live in: part of a mapped file, or a native allocation. Freed when nobody holds it.</summary>
internal abstract unsafe class MappedRegion
{
    private int _references = 1;

    /// <summary>The first byte.</summary>
    public abstract byte* Pointer { get; }

    /// <summary>How many bytes there are.</summary>
    public abstract long Length { get; }

    public bool IsReleased => Volatile.Read(ref _references) <= 0;

    public void AddReference()
    {
        int now;
        do
        {
            now = Volatile.Read(ref _references);
            ObjectDisposedException.ThrowIf(now <= 0, typeof(IndexSnapshot));
        }
        while (Interlocked.CompareExchange(ref _references, now + 1, now) != now);
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            Free();
        }
    }

    protected abstract void Free();
}
