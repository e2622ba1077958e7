using System.Buffers;
using System.Text.Json;
using Coach.Payments.Idempotency;

namespace Coach.Payments;

/// <summary>
/// Tabs in one file on this machine: an append-only journal with checksums, forced to disk before a call returns,
/// shared by one process at a time. A kill at any byte loses at most the write in flight. Tabs that owe nothing make
/// room past 100,000; unpaid lines are never lost.
/// </summary>
public sealed class FileTabStore : ITabStore, IDisposable
{
    private const string Content = "tabs";
    private const int MostTabs = 100_000;
    private const int FramesPerRewrite = 1000;

    private readonly Lock _gate = new();
    private readonly JournalFile _file;
    private readonly FileStream _lock;
    private readonly int _mostTabs;
    private readonly Dictionary<(string Owner, string Id), Tab> _tabs = [];
    private readonly Queue<(string Owner, string Id)> _paid = new();
    private long _length;
    private int _frames;
    private bool _isCut = true;
    private bool _isDisposed;

    /// <summary>Opens the file, or creates it.</summary>
    /// <param name="path">Its path; its folder must exist. Beside it lies a lock file, <c>path.lock</c>.</param>
    /// <exception cref="PaymentStoreException">It cannot be written.</exception>
    /// <exception cref="IOException">Another process has it open, or it cannot be read.</exception>
    /// <exception cref="InvalidDataException">It is damaged other than at its end, or no file of tabs; it was left as
    /// it is.</exception>
    public FileTabStore(string path)
        : this(new JournalFile(Path.GetFullPath(path)))
    {
    }

    internal FileTabStore(JournalFile file, int mostTabs = MostTabs)
    {
        _file = file;
        _mostTabs = mostTabs;
        _lock = JournalLock.Take(file.Path);
        try
        {
            bool isTabs = false;
            _length = JournalFormat.Load(file, (kind, content, _) => isTabs = Read(kind, content, isTabs));
            if (_length == 0)
            {
                _file.SetLength(0);
                var header = new ArrayBufferWriter<byte>();
                JournalFormat.Header(header, null, null, Content);
                Append(header.WrittenSpan);
            }
        }
        catch (Exception exception)
        {
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
    public ValueTask<Tab?> FindAsync(string owner, string id, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return ValueTask.FromResult(_tabs.GetValueOrDefault((owner, id)));
        }
    }

    /// <inheritdoc />
    /// <exception cref="IOException">It could not be written: nothing is half done.</exception>
    public ValueTask<Tab?> TryPutAsync(Tab tab, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tab);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if ((_tabs.GetValueOrDefault((tab.Owner, tab.Id))?.Version ?? 0) != tab.Version)
            {
                return ValueTask.FromResult<Tab?>(null);
            }

            (string Owner, string Id)? done = null;
            if (tab.Version == 0 && _tabs.Count >= _mostTabs)
            {
                done = NextDone() ?? throw new StoreFullException($"There are {_mostTabs} tabs with unpaid lines, the most "
                    + "this store keeps. Register an ITabStore that takes more.");
            }

            Tab stored = tab with { Version = tab.Version + 1 };
            Append(Frame(stored));
            if (done is { } gone)
            {
                _tabs.Remove(gone);
            }

            Put(stored);
            _frames++;
            RewriteIfWorthwhile();
            return ValueTask.FromResult<Tab?>(stored);
        }
    }

    /// <summary>Closes the file and gives the lock back.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (!_isDisposed)
            {
                _isDisposed = true;
                _file.Dispose();
                _lock.Dispose();
            }
        }
    }

    /// <summary>Where the journal ends.</summary>
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

    private bool Read(JournalFormat.Kind kind, ReadOnlySpan<byte> content, bool isTabs)
    {
        switch (kind)
        {
            case JournalFormat.Kind.Header:
                JournalFormat.CheckHeader(content, _file.Path, Content);
                return true;
            case JournalFormat.Kind.Tab when isTabs:
                Put(JsonSerializer.Deserialize(content, TabJson.Default.Tab)
                    ?? throw new InvalidDataException($"The tabs '{_file.Path}' hold an entry that is no tab."));
                _frames++;
                return true;
            default:
                throw new InvalidDataException(
                    $"The file '{_file.Path}' holds no tabs. It was left as it is; give each store a file of its own.");
        }
    }

    private void Put(Tab tab)
    {
        (string, string) key = (tab.Owner, tab.Id);
        _tabs[key] = tab;
        if (IsDone(tab))
        {
            _paid.Enqueue(key);
        }
    }

    // The oldest that owes nothing. Who ordered again since he paid is passed over; he comes back when he pays.
    private (string Owner, string Id)? NextDone()
    {
        while (_paid.TryDequeue(out (string Owner, string Id) key))
        {
            if (_tabs.TryGetValue(key, out Tab? tab) && IsDone(tab))
            {
                return key;
            }
        }

        return null;
    }

    private static bool IsDone(Tab tab) => tab.LinkId is null && tab.Lines.All(static line => line.IsPaid);

    private static ReadOnlySpan<byte> Frame(Tab tab)
    {
        var bytes = new ArrayBufferWriter<byte>();
        JournalFormat.Tab(bytes, 0, TabSerializer.Serialize(tab));
        return bytes.WrittenSpan;
    }

    // What a failed write left behind the end is cut off before the next one.
    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (!_isCut)
        {
            _file.SetLength(_length);
        }

        _isCut = false;
        try
        {
            _file.Write(bytes, _length);
            _file.Flush();
        }
        catch
        {
            Cut();
            throw;
        }

        _length += bytes.Length;
        _isCut = true;
    }

    private void Cut()
    {
        try
        {
            _file.SetLength(_length);
            _isCut = true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The next write tries again.
        }
    }

    private void RewriteIfWorthwhile()
    {
        if (_frames < FramesPerRewrite || _frames < 2 * _tabs.Count)
        {
            return;
        }

        var bytes = new ArrayBufferWriter<byte>();
        JournalFormat.Header(bytes, null, null, Content);
        foreach (Tab tab in _tabs.Values)
        {
            JournalFormat.Tab(bytes, 0, TabSerializer.Serialize(tab));
        }

        _frames = _tabs.Count;
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
}
