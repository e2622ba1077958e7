namespace Memo.Data;

/// <summary>
/// The data folder: database, configuration, backups, uploads, logs. One host at a time holds its lock.
/// </summary>
internal sealed class DataFolder : IDisposable
{
    private readonly FileStream? _lock;

    private DataFolder(string path, FileStream? held)
    {
        Path = path;
        _lock = held;
    }

    public string Path { get; }

    public string Database => System.IO.Path.Combine(Path, "memo.db");

    public string Backups => System.IO.Path.Combine(Path, "backups");

    public string Uploads => System.IO.Path.Combine(Path, "uploads");

    public string Logs => System.IO.Path.Combine(Path, "logs");

    /// <summary>Takes the folder.</summary>
    /// <exception cref="InvalidOperationException">It cannot be written, or another host holds it.</exception>
    public static DataFolder Open(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(full);
            var held = new FileStream(
                System.IO.Path.Combine(full, "memo.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return new DataFolder(full, held);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new InvalidOperationException(
                $"The data folder {full} cannot be written. Change its rights, or set MEMO_DATA to another folder.", exception);
        }
        catch (IOException exception)
        {
            throw new InvalidOperationException(
                $"The data folder {full} cannot be used: {exception.Message} If another host uses it, stop that one, or set "
                + "MEMO_DATA to another folder.", exception);
        }
    }

    public void Dispose() => _lock?.Dispose();
}
