namespace Coach.Prometheus.Exposition;

/// <summary>A compressed page in pooled pieces.</summary>
internal sealed class GzipExposition(ChunkPool pool, long limit) : ExpositionBuffer
{
    private readonly List<byte[]> _full = [];
    private byte[] _chunk = pool.Rent();
    private int _used;

    public override long Length => ((long)_full.Count * ChunkPool.ChunkBytes) + _used;

    public override int Pieces => _full.Count + 1;

    public override ReadOnlyMemory<byte> Piece(int index) =>
        index < _full.Count ? _full[index] : _chunk.AsMemory(0, _used);

    /// <exception cref="ExpositionTooLargeException">The page outgrew its limit.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.TryCopyTo(_chunk.AsSpan(_used)))
        {
            int part = _chunk.Length - _used;
            bytes[..part].CopyTo(_chunk.AsSpan(_used));
            bytes = bytes[part..];
            _full.Add(_chunk);
            _chunk = pool.Rent();
            _used = 0;
            if (Length > limit)
            {
                throw new ExpositionTooLargeException(limit);
            }
        }

        _used += bytes.Length;
    }

    public override void Recycle()
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
}

/// <summary>
/// Keeps pieces for the next page: as many as the last pages needed, so one large page is not kept for ever.
/// </summary>
internal sealed class ChunkPool
{
    // Below the 85,000 bytes at which an array goes to the large object heap.
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

/// <summary>Writes into a compressed page.</summary>
internal sealed class GzipExpositionStream(GzipExposition page) : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => page.Length;

    public override long Position
    {
        get => page.Length;
        set => throw new NotSupportedException();
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => page.Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => page.Write(buffer);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        page.Write(buffer.Span);
        return ValueTask.CompletedTask;
    }
}
