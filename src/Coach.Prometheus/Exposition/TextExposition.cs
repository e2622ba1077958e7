namespace Coach.Prometheus.Exposition;

/// <summary>
/// One page in one format, a block per family. Pages are kept for the next scrapes, which write over them.
/// </summary>
internal sealed class TextExposition(TextExpositionPool pool) : ExpositionBuffer
{
    private readonly FamilyBuffer _before = new();
    private readonly FamilyBuffer _after = new();
    private FamilyBuffer[] _blocks = [];
    private int _families;
    private long _length;

    public override long Length => _length;

    public override int Pieces => _families + 2;

    public override ReadOnlyMemory<byte> Piece(int index)
    {
        if (index == 0)
        {
            return _before.Memory;
        }

        return index <= _families ? _blocks[index - 1].Memory : _after.Memory;
    }

    /// <summary>Begins the page with what stands before the families.</summary>
    public void Begin(int families, ReadOnlySpan<byte> before)
    {
        int known = _blocks.Length;
        if (known < families)
        {
            Array.Resize(ref _blocks, families);
            for (int i = known; i < families; i++)
            {
                _blocks[i] = new FamilyBuffer();
            }
        }

        _families = families;
        _before.Restart(before);
        _after.Clear();
        _length = _before.Length;
    }

    public FamilyBuffer Block(int family) => _blocks[family];

    /// <summary>Counts what was written so far.</summary>
    /// <exception cref="ExpositionTooLargeException">It is more than the limit.</exception>
    public void Add(FamilyBuffer block, long limit)
    {
        _length += block.Length;
        if (_length > limit)
        {
            throw new ExpositionTooLargeException(limit);
        }
    }

    /// <summary>Ends the page.</summary>
    public ReadOnlyMemory<byte> End(ReadOnlySpan<byte> after)
    {
        _after.Restart(after);
        _length += after.Length;
        return _after.Memory;
    }

    public override void Recycle() => pool.Return(this);
}

/// <summary>Keeps the pages of one format that nobody reads: as many as follow each other closely, no more.</summary>
internal sealed class TextExpositionPool
{
    // Two: one that a slow scraper still reads, one that is written over.
    private const int MaxPages = 2;

    private readonly Lock _gate = new();
    private readonly Stack<TextExposition> _free = new();

    public int Free
    {
        get
        {
            lock (_gate)
            {
                return _free.Count;
            }
        }
    }

    public TextExposition Rent()
    {
        lock (_gate)
        {
            return _free.TryPop(out TextExposition? page) ? page : new TextExposition(this);
        }
    }

    public void Return(TextExposition page)
    {
        lock (_gate)
        {
            if (_free.Count < MaxPages)
            {
                _free.Push(page);
            }
        }
    }
}
