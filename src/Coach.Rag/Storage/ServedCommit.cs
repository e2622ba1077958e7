namespace Coach.Rag;

/// <summary>The commit of a file that is served, and how it keeps up with the file.</summary>
internal sealed class ServedCommit(string name, IndexFileReader reader, TimeProvider time) : IDisposable
{
    private readonly Lock _gate = new();
    private LoadedCommit? _loaded;
    private CommitState _state = CommitState.Empty();
    private long _refreshed;
    private bool _disposed;

    /// <summary>What was read last; null when there is no file.</summary>
    public LoadedCommit? Loaded => Volatile.Read(ref _loaded);

    /// <summary>Why the file could not be read at the last look; the commit before is served meanwhile. Null when all is well.</summary>
    public RagException? RefreshFailure { get; private set; }

    public bool IsDisposed => Volatile.Read(ref _disposed);

    /// <summary>The commit, after a look for newer ones if the last look is long enough ago.</summary>
    public IndexSnapshot Acquire(TimeSpan refreshInterval)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(FileIndexStore));
            if (time.GetElapsedTime(_refreshed) >= refreshInterval)
            {
                Refresh(isThorough: false);
            }

            _state.AddReference();
            return new IndexSnapshot(_state);
        }
    }

    /// <summary>With the writer's role held: what the file says now, however it got there. The caller releases the state.</summary>
    public (LoadedCommit? Loaded, CommitState State) AcquireForWriting()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(FileIndexStore));
            Refresh(isThorough: true);
            if (RefreshFailure is not null)
            {
                throw RefreshFailure;
            }

            _state.AddReference();
            return (_loaded, _state);
        }
    }

    /// <summary>Serves a commit from now on.</summary>
    public void Publish(LoadedCommit after)
    {
        lock (_gate)
        {
            // Another thread of this process may have read the same commit already; what was computed from that stays usable.
            if (_disposed || (_loaded is not null && _loaded.Header == after.Header && _loaded.TrailerOffset == after.TrailerOffset))
            {
                after.State.Release();
                return;
            }

            _state.Release();
            _state = after.State;
            Volatile.Write(ref _loaded, after);
            RefreshFailure = null;
        }
    }

    public void Refresh(bool isThorough)
    {
        lock (_gate)
        {
            _refreshed = time.GetTimestamp();
            try
            {
                LoadedCommit? newer = reader.ReadNewest(_loaded, isThorough);
                RefreshFailure = null;
                if (newer is not null)
                {
                    Publish(newer);
                }
            }
            catch (RagException exception)
            {
                RefreshFailure = exception;
            }
            catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException && _loaded is null)
            {
                RefreshFailure = null;
            }
            catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
            {
                RefreshFailure = IndexFileErrors.Read(name, exception);
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _disposed = true;
                _state.Release();
            }
        }
    }
}
