namespace Coach.Observability.Containers;

/// <summary>
/// A reading that is taken at most once per period, however many threads ask; a read in between allocates nothing.
/// </summary>
internal sealed class Cached<T>(Func<T> read, TimeSpan maxAge, TimeProvider time)
    where T : class
{
    private readonly Lock _gate = new();
    private T? _value;
    private long _takenAt;

    /// <summary>The reading; while another thread refreshes it, the one before.</summary>
    public T Get()
    {
        T? value = Volatile.Read(ref _value);
        if (value is not null && time.GetElapsedTime(Volatile.Read(ref _takenAt)) < maxAge)
        {
            return value;
        }

        if (value is null)
        {
            _gate.Enter();
        }
        else if (!_gate.TryEnter())
        {
            // Stale while revalidate: one thread reads, the others go on with the reading before.
            return value;
        }

        try
        {
            if (_value is null || time.GetElapsedTime(_takenAt) >= maxAge)
            {
                T fresh = read();
                Volatile.Write(ref _takenAt, time.GetTimestamp());
                Volatile.Write(ref _value, fresh);
            }

            return _value!;
        }
        finally
        {
            _gate.Exit();
        }
    }
}
