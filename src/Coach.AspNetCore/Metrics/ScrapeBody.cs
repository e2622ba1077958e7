namespace Coach.AspNetCore;

/// <summary>A rendered page in pooled pieces. It goes back to the pool when its last reader releases it.</summary>
internal sealed class ScrapeBody(ChunkPool pool, long limit)
{
    private readonly List<byte[]> _full = [];
    private byte[] _chunk = pool.Rent();
    private int _used;

    /// <summary>Readers that hold the page; guarded by the scraper's lock.</summary>
    public int Readers { get; set; }

    public long Length => ((long)_full.Count * ChunkPool.ChunkBytes) + _used;

    public int Chunks => _full.Count + 1;

    public ReadOnlyMemory<byte> Chunk(int index) => index < _full.Count ? _full[index] : _chunk.AsMemory(0, _used);

    /// <summary>The rest of the current piece; at most <see cref="ChunkPool.ChunkBytes"/> and possibly empty.</summary>
    public Span<byte> Free => _chunk.AsSpan(_used);

    public void Advance(int bytes) => _used += bytes;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.TryCopyTo(Free))
        {
            int part = _chunk.Length - _used;
            bytes[..part].CopyTo(Free);
            _used += part;
            bytes = bytes[part..];
            NextChunk();
        }

        _used += bytes.Length;
    }

    /// <summary>Forgets what was written after the given length.</summary>
    public void Truncate(long length)
    {
        while (length < (long)_full.Count * ChunkPool.ChunkBytes)
        {
            pool.Return(_chunk);
            _chunk = _full[^1];
            _full.RemoveAt(_full.Count - 1);
        }

        _used = (int)(length - ((long)_full.Count * ChunkPool.ChunkBytes));
    }

    public void Recycle()
    {
        pool.Return(_chunk);
        foreach (byte[] chunk in _full)
        {
            pool.Return(chunk);
        }

        pool.Settle(_full.Count + 1);
        _full.Clear();
        _chunk = [];
        _used = 0;
    }

    /// <summary>Goes on in a fresh piece; what is left of the current one must have been filled or is cut off.</summary>
    public void NextChunk()
    {
        if (Length >= limit)
        {
            throw new BodyTooLargeException(limit);
        }

        _full.Add(_chunk);
        _chunk = pool.Rent();
        _used = 0;
    }
}

/// <summary>The page outgrew its limit: the scrape fails as a whole, since half a page would look like vanished series.</summary>
internal sealed class BodyTooLargeException(long limit) : Exception($"The metrics page is larger than {limit} bytes.");

/// <summary>Keeps pieces for the next page: as many as the last pages needed, so one large page is not kept for ever.</summary>
internal sealed class ChunkPool
{
    public const int ChunkBytes = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly Stack<byte[]> _free = new();

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

    public byte[] Rent()
    {
        lock (_gate)
        {
            return _free.TryPop(out byte[]? chunk) ? chunk : GC.AllocateUninitializedArray<byte>(ChunkBytes);
        }
    }

    public void Return(byte[] chunk)
    {
        if (chunk.Length != ChunkBytes)
        {
            return;
        }

        lock (_gate)
        {
            _free.Push(chunk);
        }
    }

    /// <summary>Drops what two pages of the given size would not use.</summary>
    public void Settle(int chunks)
    {
        lock (_gate)
        {
            while (_free.Count > 2 * chunks)
            {
                _free.Pop();
            }
        }
    }
}
