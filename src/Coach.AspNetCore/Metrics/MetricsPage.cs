namespace Coach.AspNetCore;

/// <summary>One page in one format, a block per family. Pages are kept for the next scrapes, which write over them.</summary>
internal sealed class MetricsPage(PagePool pool) : PageBody
{
    private readonly FamilyBlock _before = new();
    private readonly FamilyBlock _after = new();
    private FamilyBlock[] _blocks = [];
    private int _families;
    private long _length;

    public override long Length => _length;

    public override int Pieces => _families + 2;

    public override ReadOnlyMemory<byte> Piece(int index) =>
        index == 0 ? _before.Memory : index <= _families ? _blocks[index - 1].Memory : _after.Memory;

    /// <summary>Begins the page with what stands before the families.</summary>
    public void Begin(int families, ReadOnlySpan<byte> before)
    {
        int known = _blocks.Length;
        if (known < families)
        {
            Array.Resize(ref _blocks, families);
            for (int i = known; i < families; i++)
            {
                _blocks[i] = new FamilyBlock();
            }
        }

        _families = families;
        _before.Restart(before);
        _after.Clear();
        _length = _before.Length;
    }

    public FamilyBlock Block(int family) => _blocks[family];

    /// <summary>Counts what was written so far.</summary>
    /// <exception cref="PageTooLargeException">It is more than the limit.</exception>
    public void Add(FamilyBlock block, long limit)
    {
        _length += block.Length;
        if (_length > limit)
        {
            throw new PageTooLargeException(limit);
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
internal sealed class PagePool
{
    private const int MaxPages = 2;

    private readonly Lock _gate = new();
    private readonly Stack<MetricsPage> _free = new();

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

    public MetricsPage Rent()
    {
        lock (_gate)
        {
            return _free.TryPop(out MetricsPage? page) ? page : new MetricsPage(this);
        }
    }

    public void Return(MetricsPage page)
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
