namespace Coach.Rag.Indexing;

/// <summary>
/// Tells that something has changed in some folders, where the system says so. It is a hint: network shares say
/// nothing,
/// and large trees may have more folders than the system watches; the sources are looked at anyway, only later.
/// </summary>
internal sealed class FolderWatch : IDisposable
{
    private readonly List<FileSystemWatcher> _watchers = [];
    private TaskCompletionSource _changed = New();

    public FolderWatch(IEnumerable<string> folders)
    {
        foreach (string folder in folders)
        {
            try
            {
                var watcher = new FileSystemWatcher(folder) { IncludeSubdirectories = true };
                watcher.Changed += OnChange;
                watcher.Created += OnChange;
                watcher.Deleted += OnChange;
                watcher.Renamed += OnChange;
                watcher.Error += OnChange;
                watcher.EnableRaisingEvents = true;
                _watchers.Add(watcher);
            }
            catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
            {
                // Not watched; its rescans go on.
            }
        }
    }

    /// <summary>Ends with the first change since <see cref="Reset"/>.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>Forgets the changes so far.</summary>
    public void Reset() => Volatile.Write(ref _changed, New());

    public void Dispose()
    {
        foreach (FileSystemWatcher watcher in _watchers)
        {
            watcher.Dispose();
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void OnChange(object sender, EventArgs change) => Volatile.Read(ref _changed).TrySetResult();
}
