using System.Buffers;
using Coach.Payments.Idempotency;

namespace Coach.Payments;

/// <summary>
/// Records in one file on this machine: an append-only journal with checksums, forced to disk before a call returns,
/// shared by one process at a time. A kill at any byte loses at most the write in flight; a full disk fails the call
/// and leaves the file as it was.
/// </summary>
/// <remarks>
/// Writes that arrive together share one flush. Before a call returns, these are on disk: that a link is about to be
/// asked for, that a link is known, a payment, its status and its facts. The rest (claims, attempt numbers, reasons,
/// events whose effects are there already) survives the process and goes to disk with the next of those: losing it with
/// the machine can neither make a second link nor lose one, nor tell a fact twice. The file is rewritten when most of
/// it is history. Settled records move on to an archive beside it, <c>path.archive-00001</c> and on.
/// </remarks>
public sealed class FileIdempotencyStore : IIdempotencyStore, IDisposable
{
    private const int FramesPerRewrite = 10_000;
    private const int KeptSettled = 1024;
    private const int PiecesOfKept = 8;
    private const int RewritePiece = 16 * 1024 * 1024;
    private const int LeastReserve = 256 * 1024;
    private const int MostReserve = 4 * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly int _maxRecords;
    private readonly JournalFile _file;
    private readonly FileStream _lock;
    private readonly string? _mode;
    private readonly string? _account;
    private readonly RecordArchive _archive;
    private readonly int _keptSettled;
    private RecordTable _table;
    private Batch _batch = new();
    private Batch? _inFlight;
    private long _length;
    private long _settled;
    private long _capacity;
    private int _frames;
    private bool _isFlushing;
    private bool _needsRecovery;
    private bool _isDisposed;

    /// <summary>Opens the journal, or creates it.</summary>
    /// <param name="path">The journal's path; its folder must exist. Beside it lies a lock file,
    /// <c>path.lock</c>.</param>
    /// <param name="time">The clock for claims and pruning; the system's when null.</param>
    /// <param name="maxRecords">The most operations that are not settled, and the most events: 1 to 10,000,000; 100,000
    /// unless given.</param>
    /// <exception cref="PaymentStoreException">It cannot be written.</exception>
    /// <exception cref="IOException">Another process has it open, or it cannot be read.</exception>
    /// <exception cref="InvalidDataException">It is damaged other than at its end, or no journal of payments that this
    /// version knows; it was left as it is.</exception>
    public FileIdempotencyStore(string path, TimeProvider? time = null, int maxRecords = 100_000)
        : this(new JournalFile(Path.GetFullPath(path)), time, maxRecords)
    {
    }

    /// <summary>Opens the journal of a registration: makes its folder, and waits for a process that is about to let it
    /// go.</summary>
    internal static FileIdempotencyStore Open(
        string path, TimeProvider time, CoachPaymentsOptions options, string? mode)
    {
        return JournalLock.Wait(path, options.StoreLockTimeout, full => new FileIdempotencyStore(
            new JournalFile(full), time, options.MaxRecords, mode, options.Stripe.Account));
    }

    internal FileIdempotencyStore(
        JournalFile file, TimeProvider? time = null, int maxRecords = 100_000, string? mode = null,
        string? account = null, int keptSettled = KeptSettled)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxRecords, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxRecords, 10_000_000);
        _time = time ?? TimeProvider.System;
        _maxRecords = maxRecords;
        _file = file;
        (_mode, _account) = (mode, account);
        _keptSettled = keptSettled;
        _lock = JournalLock.Take(file.Path);
        try
        {
            _archive = new RecordArchive(file.Path);
            _table = Load();
        }
        catch (Exception exception)
        {
            _archive?.Dispose();
            _file.Dispose();
            _lock.Dispose();
            if (exception is UnauthorizedAccessException || (exception is IOException io && JournalLock.IsReadOnly(io)))
            {
                throw PaymentStoreException.NotWritable(file.Path, exception);
            }

            throw;
        }
    }

    /// <inheritdoc />
    public ValueTask<IdempotencyClaim> ClaimAsync(
        PaymentRecord proposed, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(proposed);
        cancellationToken.ThrowIfCancellationRequested();
        IdempotencyClaim claim;
        Task written;
        lock (_gate)
        {
            CheckUsable();
            claim = _table.Claim(proposed, lease, _time.GetUtcNow());
            if (claim.Outcome != ClaimOutcome.Claimed)
            {
                return ValueTask.FromResult(claim);
            }

            if (claim.Record.Version == 1 && _table.Count >= _maxRecords)
            {
                Archive(int.MaxValue);
                _table.CheckRoom();
            }

            JournalFormat.Put(_batch.Bytes, _settled, claim.Record);
            _table.Put(claim.Record);
            _frames++;
            written = _batch.Written;
        }

        return WriteAsync(written, claim);
    }

    /// <inheritdoc />
    public ValueTask<PaymentRecord?> TryUpdateAsync(PaymentRecord record, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        cancellationToken.ThrowIfCancellationRequested();
        PaymentRecord? updated;
        Task written;
        lock (_gate)
        {
            CheckUsable();
            updated = _table.Update(record, _time.GetUtcNow());
            if (updated is null)
            {
                return ValueTask.FromResult(updated);
            }

            _batch.MustFlush |= MustOutliveTheMachine(_table.Find(record.Tag)!, updated);
            JournalFormat.Put(_batch.Bytes, _settled, updated);
            _table.Put(updated);
            _frames++;
            written = _batch.Written;
        }

        return WriteAsync<PaymentRecord?>(written, updated);
    }

    /// <inheritdoc />
    public ValueTask<PaymentRecord?> FindAsync(string tag, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tag);
        lock (_gate)
        {
            CheckUsable();
            return ValueTask.FromResult(_table.Find(tag));
        }
    }

    /// <inheritdoc />
    public ValueTask<PaymentRecord?> FindByLinkAsync(string linkId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(linkId);
        lock (_gate)
        {
            CheckUsable();
            return ValueTask.FromResult(_table.FindByLink(linkId));
        }
    }

    /// <inheritdoc />
    public ValueTask<PaymentRecord?> FindByPaymentAsync(
        string paymentId, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(paymentId);
        lock (_gate)
        {
            CheckUsable();
            return ValueTask.FromResult(_table.FindByPayment(paymentId));
        }
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<PaymentRecord>> QueryAsync(
        PaymentRecordQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1);
        lock (_gate)
        {
            CheckUsable();
            return ValueTask.FromResult(_table.Query(query));
        }
    }

    /// <inheritdoc />
    public ValueTask<PaymentRecordCounts> CountAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            CheckUsable();
            return ValueTask.FromResult(_table.Counts);
        }
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<PaymentRecord>> ListUnsettledAsync(
        int limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        lock (_gate)
        {
            CheckUsable();
            return ValueTask.FromResult(_table.Unsettled(limit));
        }
    }

    /// <inheritdoc />
    public ValueTask<int> CountUnsettledAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            CheckUsable();
            return ValueTask.FromResult(_table.UnsettledCount);
        }
    }

    /// <inheritdoc />
    public ValueTask<bool> TryAddEventAsync(string eventId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(eventId);
        Task written;
        lock (_gate)
        {
            CheckUsable();
            if (_table.HasEvent(eventId))
            {
                return ValueTask.FromResult(false);
            }

            DateTimeOffset now = _time.GetUtcNow();
            _table.PutEvent(eventId, now);
            JournalFormat.Event(_batch.Bytes, _settled, eventId, now);
            _frames++;
            written = _batch.Written;
        }

        return WriteAsync(written, true);
    }

    /// <inheritdoc />
    public ValueTask<bool> HasEventAsync(string eventId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(eventId);
        lock (_gate)
        {
            CheckUsable();
            return ValueTask.FromResult(_table.HasEvent(eventId));
        }
    }

    /// <inheritdoc />
    public ValueTask<int> PruneAsync(TimeSpan age, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(age, TimeSpan.Zero);
        Task written;
        int count;
        lock (_gate)
        {
            CheckUsable();
            (IReadOnlyList<string> tags, int archived, int events) = _table.Prune(_time.GetUtcNow() - age);
            count = tags.Count + archived + events;
            foreach (string tag in tags)
            {
                JournalFormat.Remove(_batch.Bytes, _settled, tag);
            }

            // Events go with the next rewrite, which this asks for.
            _frames += events > 0 ? FramesPerRewrite * 2 : tags.Count;
            _batch.MustFlush = true;
            written = _batch.Written;
        }

        return count == 0 ? ValueTask.FromResult(0) : WriteAsync(written, count);
    }

    /// <summary>Waits for writes in flight, closes the file and gives the lock back.</summary>
    public void Dispose()
    {
        while (true)
        {
            Task pending;
            lock (_gate)
            {
                if (!_isFlushing)
                {
                    Close();
                    return;
                }

                pending = (_inFlight ?? _batch).Written;
            }

            ((IAsyncResult)pending).AsyncWaitHandle.WaitOne();
        }
    }

    /// <summary>Where the journal ends; what follows in the file is reserved space.</summary>
    internal long JournalLength
    {
        get
        {
            lock (_gate)
            {
                return _length;
            }
        }
    }

    private void Close()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        try
        {
            _file.SetLength(_length);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Reserved space that stays does no harm.
        }

        _file.Dispose();
        _archive.Dispose();
        _lock.Dispose();
    }

    // Decision 0305 goes through every write and says why the others may be lost with the machine.
    private static bool MustOutliveTheMachine(PaymentRecord old, PaymentRecord updated) =>
        (updated.State != old.State && updated.State != PaymentRecordState.Started)
        || updated.LinkId != old.LinkId || updated.Status != old.Status
        || updated.HasAmountMismatch != old.HasAmountMismatch
        || !ReferenceEquals(updated.Facts, old.Facts) || !ReferenceEquals(updated.Payments, old.Payments);

    private async ValueTask<T> WriteAsync<T>(Task written, T result)
    {
        Drain(handOver: false);
        await written.ConfigureAwait(false);
        return result;
    }

    // Group commit: the first caller writes for all who came meanwhile; who came during that write is served by another
    // thread. A dedicated writer thread would cost every lone write two switches.
    private void Drain(bool handOver)
    {
        Batch batch;
        lock (_gate)
        {
            if ((_isFlushing && !handOver) || _batch.Bytes.WrittenCount == 0)
            {
                _isFlushing = _isFlushing && !handOver;
                return;
            }

            _isFlushing = true;
            batch = _batch;
            _batch = new Batch();
            _inFlight = batch;
        }

        Exception? failure = null;
        try
        {
            Write(batch);
        }
        catch (Exception exception) // whatever it is, everybody who waits for this batch must hear of it
        {
            failure = exception;
        }

        Batch? lost = null;
        lock (_gate)
        {
            if (failure is null)
            {
                _length += batch.Bytes.WrittenCount;
                _settled = batch.MustFlush ? _length : _settled;
                ArchiveIfWorthwhile();
                RewriteIfWorthwhile();
            }
            else
            {
                // What came meanwhile was decided on top of what is now lost.
                lost = _batch;
                _batch = new Batch();
                _needsRecovery = true;
                TryRecover();
            }

            _inFlight = null;
            _isFlushing = _batch.Bytes.WrittenCount > 0;
            if (_isFlushing)
            {
                ThreadPool.UnsafeQueueUserWorkItem(
                    static store => store.Drain(handOver: true), this, preferLocal: false);
            }
        }

        batch.Finish(failure, _file.Path);
        lost?.Finish(failure, _file.Path);
    }

    // Only one thread writes at a time; the fields it reads change in the same place.
    private void Write(Batch batch)
    {
        long end = _length + batch.Bytes.WrittenCount;
        if (end > _capacity)
        {
            long capacity = end + Math.Clamp(end / 2, LeastReserve, MostReserve);
            _file.Reserve(_capacity, capacity);
            _capacity = capacity;
        }

        _file.Write(batch.Bytes.WrittenSpan, _length);
        if (batch.MustFlush)
        {
            _file.Flush();
        }
    }

    private void CheckUsable()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_needsRecovery && !TryRecover())
        {
            throw new IOException($"The payment journal '{_file.Path}' cannot be repaired after a failed write. "
                + "Check the disk.");
        }
    }

    // Replays the journal from disk: what is in memory may be ahead of what a failed write left there.
    private bool TryRecover()
    {
        try
        {
            _file.SetLength(_length);
            _table = Load();
            _needsRecovery = false;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            _needsRecovery = true;
        }

        return !_needsRecovery;
    }

    private RecordTable Load()
    {
        var table = new RecordTable(_maxRecords, _archive);
        _length = JournalFormat.Load(_file, table);
        if (_length < _file.Length)
        {
            // A torn tail, reserved space, or both. The next write reserves anew, which forces this cut to disk first:
            // no remainder of a lost entry can then stand behind a new one.
            _file.SetLength(_length);
        }

        _settled = _length;
        _capacity = _length;
        _frames = table.Count + table.EventCount;
        if (_length == 0 && _batch.Bytes.WrittenCount == 0 && _mode is not null)
        {
            JournalFormat.Header(_batch.Bytes, _mode, _account);
        }

        return table;
    }

    private void ArchiveIfWorthwhile()
    {
        int piece = _keptSettled / PiecesOfKept;
        if (_table.SettledCount >= _keptSettled + piece)
        {
            Archive(piece);
        }
    }

    // A piece at a time, so that nobody waits for long. The archive has the records on disk before the journal lets
    // go of them; who dies in between finds them in both, and then the journal's count.
    private void Archive(int most)
    {
        IReadOnlyList<PaymentRecord> settled = _table.TakeSettled(most);
        if (settled.Count == 0)
        {
            return;
        }

        try
        {
            _archive.Append(settled);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // They stay where they are, and are tried again.
            _table.GiveBack(settled);
            return;
        }

        foreach (PaymentRecord record in settled)
        {
            _table.Remove(record.Tag);
            JournalFormat.Remove(_batch.Bytes, _settled, record.Tag);
            _frames++;
        }
    }

    // Log compaction, stop-the-world: rewriting while others append would need a second journal, for a file of
    // megabytes.
    private void RewriteIfWorthwhile()
    {
        if (_frames < FramesPerRewrite || _frames < 2 * (_table.Count + _table.EventCount)
            || _batch.Bytes.WrittenCount > 0)
        {
            return;
        }

        _frames = _table.Count + _table.EventCount;
        try
        {
            _length = Rewrite();
            _settled = _length;
            _capacity = _length;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The old file is as good as before, only longer.
        }
    }

    // What is small goes in one piece; what is large goes a piece at a time, and never stands in memory whole.
    private long Rewrite()
    {
        using IEnumerator<ArrayBufferWriter<byte>> pieces = Pieces().GetEnumerator();
        pieces.MoveNext();
        ArrayBufferWriter<byte> first = pieces.Current;
        if (first.WrittenCount < RewritePiece)
        {
            _file.Replace(first.WrittenSpan);
            return first.WrittenCount;
        }

        return _file.Replace(Rest());

        IEnumerable<ReadOnlyMemory<byte>> Rest()
        {
            do
            {
                yield return pieces.Current.WrittenMemory;
            }
            while (pieces.MoveNext());
        }
    }

    private IEnumerable<ArrayBufferWriter<byte>> Pieces()
    {
        var bytes = new ArrayBufferWriter<byte>(1024 * 1024);
        if (_mode is not null)
        {
            JournalFormat.Header(bytes, _mode, _account);
        }

        foreach (PaymentRecord record in _table.Records)
        {
            JournalFormat.Put(bytes, settled: 0, record);
            if (bytes.WrittenCount >= RewritePiece)
            {
                yield return bytes;
                bytes.ResetWrittenCount();
            }
        }

        foreach ((string id, DateTimeOffset at) in _table.Events.OrderBy(entry => entry.Value))
        {
            JournalFormat.Event(bytes, settled: 0, id, at);
        }

        yield return bytes;
    }

    private sealed class Batch
    {
        private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ArrayBufferWriter<byte> Bytes { get; } = new(4096);

        public bool MustFlush { get; set; }

        public Task Written => _written.Task;

        public void Finish(Exception? failure, string path)
        {
            if (failure is null)
            {
                _written.SetResult();
            }
            else
            {
                _written.SetException(failure is IOException exception && JournalLock.IsFull(exception)
                    ? PaymentStoreException.Full(path, failure)
                    : new IOException("The payment journal could not be written.", failure));
                _ = _written.Task.Exception;
            }
        }
    }
}
