namespace Coach.AspNetCore;

/// <summary>A rendered page in pooled pieces. It goes back to the pool when its last reader releases it.</summary>
internal sealed class ScrapeBody(ChunkPool pool, long limit, Action<ReadOnlyMemory<byte>>? committed = null)
{
    private const int CommitBytes = 16 * 1024;

    private readonly List<(byte[] Chunk, int Used)> _full = [];
    private byte[] _chunk = pool.Rent();
    private long _fullBytes;
    private int _used;
    private int _committedChunks;
    private int _committedBytes;

    /// <summary>Readers that hold the page; guarded by the scraper's lock.</summary>
    public int Readers { get; set; }

    public long Length => _fullBytes + _used;

    public int Chunks => _full.Count + 1;

    public ReadOnlyMemory<byte> Chunk(int index) => index < _full.Count ? _full[index].Chunk.AsMemory(0, _full[index].Used) : _chunk.AsMemory(0, _used);

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
        while (length < _fullBytes)
        {
            pool.Return(_chunk);
            (_chunk, int used) = _full[^1];
            _full.RemoveAt(_full.Count - 1);
            _fullBytes -= used;
        }

        _used = (int)(length - _fullBytes);
    }

    /// <summary>
    /// Promises that what was written so far stays: <see cref="Truncate"/> will not go below it. Hands it on in pieces.
    /// </summary>
    public void Commit(bool isLast = false)
    {
        if (committed is null)
        {
            return;
        }

        for (; _committedChunks < _full.Count; _committedChunks++, _committedBytes = 0)
        {
            if (Chunk(_committedChunks)[_committedBytes..] is { IsEmpty: false } rest)
            {
                committed(rest);
            }
        }

        if (_used > _committedBytes && (isLast || _used - _committedBytes >= CommitBytes))
        {
            committed(_chunk.AsMemory(_committedBytes.._used));
            _committedBytes = _used;
        }
    }

    public void Recycle()
    {
        pool.Return(_chunk);
        foreach ((byte[] chunk, _) in _full)
        {
            pool.Return(chunk);
        }

        pool.Settle(_full.Count + 1);
        _full.Clear();
        _fullBytes = 0;
        _chunk = [];
        _used = 0;
    }

    /// <summary>Goes on in a fresh piece; the rest of the current one stays empty.</summary>
    public void NextChunk()
    {
        if (Length >= limit)
        {
            throw new BodyTooLargeException(limit);
        }

        _full.Add((_chunk, _used));
        _fullBytes += _used;
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
