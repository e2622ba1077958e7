namespace Coach.Prometheus.Exposition;

/// <summary>
/// A finished page in pieces, shared by its readers. After the last of them it goes back to where it came from.
/// </summary>
internal abstract class ExpositionBuffer
{
    // A reference count, not a finalizer: the memory is wanted back by the very next scrape.
    private int _readers;

    public abstract long Length { get; }

    /// <summary>How many pieces there are.</summary>
    public abstract int Pieces { get; }

    public abstract ReadOnlyMemory<byte> Piece(int index);

    /// <summary>Sets how many readers hold the finished page.</summary>
    public void Start(int readers) => Volatile.Write(ref _readers, readers);

    /// <summary>One reader more, while another still holds the page.</summary>
    public void AddReader() => Interlocked.Increment(ref _readers);

    /// <summary>One reader less.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _readers) == 0)
        {
            Recycle();
        }
    }

    /// <summary>Gives the memory back; nobody reads the page any more.</summary>
    public abstract void Recycle();
}

/// <summary>
/// The page outgrew its limit: the scrape fails as a whole, since half a page would look like vanished series.
/// </summary>
internal sealed class ExpositionTooLargeException(long limit) : Exception(
    $"The metrics page is larger than {limit} bytes.");
