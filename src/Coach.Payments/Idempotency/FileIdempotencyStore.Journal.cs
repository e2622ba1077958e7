using System.Buffers;

namespace Coach.Payments;

/// <content>Writing, recovering and rewriting the journal.</content>
public sealed partial class FileIdempotencyStore
{
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
        }

        Exception? failure = null;
        try
        {
            _file.Write(batch.Bytes.WrittenSpan, _length);
            if (batch.MustFlush)
            {
                _file.Flush();
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            failure = exception;
        }

        Batch? lost = null;
        lock (_gate)
        {
            if (failure is null)
            {
                _length += batch.Bytes.WrittenCount;
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

            _isFlushing = _batch.Bytes.WrittenCount > 0;
            if (_isFlushing)
            {
                ThreadPool.UnsafeQueueUserWorkItem(static store => store.Drain(handOver: true), this, preferLocal: false);
            }
        }

        batch.Finish(failure);
        lost?.Finish(failure);
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
            if (_file.Length > _length)
            {
                _file.SetLength(_length);
            }

            _table = Load();
            _needsRecovery = false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
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
            _file.SetLength(_length);
        }

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
            JournalFormat.Put(bytes, record);
        }

        foreach ((string id, DateTimeOffset at) in _table.Events.OrderBy(entry => entry.Value))
        {
            JournalFormat.Event(bytes, id, at);
        }

        _frames = _table.Count + _table.EventCount;
        try
        {
            _file.Replace(bytes.WrittenSpan);
            _length = bytes.WrittenCount;
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
