using System.Buffers;

namespace Coach.Payments;

/// <content>Writing, recovering and rewriting the journal.</content>
public sealed partial class FileIdempotencyStore
{
    private const int LeastReserve = 256 * 1024;
    private const int MostReserve = 4 * 1024 * 1024;

    private async ValueTask<T> WriteAsync<T>(Task written, T result)
    {
        Drain(handOver: false);
        await written.ConfigureAwait(false);
        return result;
    }

    // The first caller writes for all who came meanwhile; whoever came during that write is served by another thread.
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
#pragma warning disable CA1031 // whatever it is, everybody who waits for this batch must hear of it
        catch (Exception exception)
#pragma warning restore CA1031
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
                ThreadPool.UnsafeQueueUserWorkItem(static store => store.Drain(handOver: true), this, preferLocal: false);
            }
        }

        batch.Finish(failure);
        lost?.Finish(failure);
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
            throw new IOException($"The payment journal '{_file.Path}' cannot be repaired after a failed write. Check the disk.");
        }
    }

    private bool TryRecover()
    {
        try
        {
            _file.SetLength(_length);
            _table = Load();
            _needsRecovery = false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            _needsRecovery = true;
        }

        return !_needsRecovery;
    }

    private RecordTable Load()
    {
        var table = new RecordTable(_maxRecords);
        byte[] bytes = _file.ReadAll();
        _length = JournalFormat.Load(bytes, table, _file.Path);
        if (_length < bytes.Length)
        {
            // A torn tail, reserved space, or both. The next write reserves anew, which forces this cut to disk first: no remainder of a
            // lost entry can then stand behind a new one.
            _file.SetLength(_length);
        }

        _settled = _length;
        _capacity = _length;
        _frames = table.Count + table.EventCount;
        return table;
    }

    private void RewriteIfWorthwhile()
    {
        if (_frames < FramesPerRewrite || _frames < 4 * (_table.Count + _table.EventCount) || _batch.Bytes.WrittenCount > 0)
        {
            return;
        }

        var bytes = new ArrayBufferWriter<byte>(1024 * 1024);
        foreach (PaymentRecord record in _table.Records)
        {
            JournalFormat.Put(bytes, settled: 0, record);
        }

        foreach ((string id, DateTimeOffset at) in _table.Events.OrderBy(entry => entry.Value))
        {
            JournalFormat.Event(bytes, settled: 0, id, at);
        }

        _frames = _table.Count + _table.EventCount;
        try
        {
            _file.Replace(bytes.WrittenSpan);
            _length = bytes.WrittenCount;
            _settled = _length;
            _capacity = _length;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The old file is as good as before, only longer.
        }
    }

    private sealed class Batch
    {
        private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ArrayBufferWriter<byte> Bytes { get; } = new(4096);

        public bool MustFlush { get; set; }

        public Task Written => _written.Task;

        public void Finish(Exception? failure)
        {
            if (failure is null)
            {
                _written.SetResult();
            }
            else
            {
                _written.SetException(new IOException("The payment journal could not be written.", failure));
                _ = _written.Task.Exception;
            }
        }
    }
}
