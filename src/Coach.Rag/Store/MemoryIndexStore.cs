using System.Runtime.InteropServices;

namespace Coach.Rag.Store;

/// <summary>An index that lives in this process only.</summary>
/// <param name="insteadOf">Why it takes the place of a file; null when it does not.</param>
internal sealed class MemoryIndexStore(RagException? insteadOf = null) : IIndexStore
{
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _writer = new(1, 1);
    private IndexCommit _state = IndexCommit.Empty();
    private bool _disposed;

    public string Name => "memory";

    public RagException? RefreshFailure => insteadOf;

    public IndexStatistics Usage
    {
        get
        {
            using IndexCommitReader snapshot = Acquire();
            long bytes = snapshot.Segments.Sum(segment => segment.Bytes);
            return new IndexStatistics(bytes, bytes);
        }
    }

    public IndexCommitReader Acquire()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _state.AddReference();
            return new IndexCommitReader(_state);
        }
    }

    public IndexCommitReader AcquireLastGood(CancellationToken cancellationToken) => Acquire();

    public bool RollBack(CancellationToken cancellationToken) => false;

    public void Restore(CancellationToken cancellationToken)
    {
    }

    public IndexWriteLease LockForWriting(CancellationToken cancellationToken)
    {
        _writer.Wait(cancellationToken);
        return new IndexWriteLease(this, () => _writer.Release());
    }

    public long Commit(IndexChange change, CancellationToken cancellationToken)
    {
        using IndexWriteLease lease = LockForWriting(cancellationToken);
        return Commit(change, lease, cancellationToken);
    }

    public long Commit(IndexChange change, IndexWriteLease lease, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(change);
        ArgumentNullException.ThrowIfNull(lease);
        if (!lease.IsHeldOn(this))
        {
            throw new ArgumentException("The lease is not held on this index.", nameof(lease));
        }

        ObjectDisposedException.ThrowIf(_disposed, this);
        IndexCommit before = _state;
        change.Check(Name, before);
        var added = new List<SegmentData>(change.Add.Count);
        try
        {
            foreach (SegmentPayload payload in change.Add)
            {
                cancellationToken.ThrowIfCancellationRequested();
                added.Add(Copy(before.NextSegmentId + added.Count, payload));
            }

            cancellationToken.ThrowIfCancellationRequested();
            IndexCommit after = before.After(change, added);
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                _state = after;
            }

            before.Release();
            for (int i = 0; i < added.Count; i++)
            {
                change.Add[i].Id = added[i].Id;
            }

            return after.CommitId;
        }
        finally
        {
            // The state holds its own references; these were the ones from the allocation.
            foreach (SegmentData data in added)
            {
                data.Region.Release();
            }
        }
    }

    /// <summary>Nothing to do: memory of removed segments is freed with their last snapshot.</summary>
    public long Compact(CancellationToken cancellationToken) => 0;

    public bool IsWasteful => false;

    public bool TakesTextBlocks => false;

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _state.Release();
        }
    }

    private unsafe SegmentData Copy(long id, SegmentPayload payload)
    {
        var entries = new List<SectionEntry>();
        using var buffer = new NativeBuffer();
        foreach ((SectionKind kind, Action<SectionWriter> write) in payload.Sections)
        {
            buffer.Align(IndexFormat.Alignment);
            long start = buffer.Length;
            write(new Sink(buffer, start));
            entries.Add(new SectionEntry(kind, start, buffer.Length - start, TableCrc: 0));
        }

        var region = new NativeRegion(buffer.Length);
        Buffer.MemoryCopy(buffer.Pointer, region.Pointer, region.Length, buffer.Length);
        IndexSection[] sections = [.. entries.Select(entry => new IndexSection(region, Name, entry, isChecked: false))];
        return new SegmentData(id, region, buffer.Length, sections);
    }

    private sealed class Sink(NativeBuffer buffer, long start) : SectionWriter
    {
        public override long Length => buffer.Length - start;

        public override void Write(ReadOnlySpan<byte> bytes) => buffer.Append(bytes);
    }

    /// <summary>A growing native buffer, so that a segment may pass 2 GiB.</summary>
    private sealed unsafe class NativeBuffer : IDisposable
    {
        private long _capacity;

        public byte* Pointer { get; private set; }

        public long Length { get; private set; }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            Reserve(bytes.Length);
            bytes.CopyTo(new Span<byte>(Pointer + Length, bytes.Length));
            Length += bytes.Length;
        }

        public void Align(int alignment)
        {
            int rest = (int)(Length % alignment);
            if (rest != 0)
            {
                Reserve(alignment - rest);
                new Span<byte>(Pointer + Length, alignment - rest).Clear();
                Length += alignment - rest;
            }
        }

        public void Dispose() => NativeMemory.Free(Pointer);

        private void Reserve(int more)
        {
            if (Length + more > _capacity)
            {
                _capacity = Math.Max(Length + more, Math.Max(4096, _capacity * 2));
                Pointer = (byte*)NativeMemory.Realloc(Pointer, (nuint)_capacity);
            }
        }
    }
}
