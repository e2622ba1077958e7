using Microsoft.Win32.SafeHandles;

namespace Coach.Rag.Store;

/// <summary>What became of a file since a commit was read from it.</summary>
internal enum FileChange
{
    /// <summary>Nothing, or only more at its end.</summary>
    None,

    /// <summary>It was written to and is as long as before: the bytes under the map may be others now.</summary>
    Rewritten,

    /// <summary>It ends before the commit does: the map must not be touched any more.</summary>
    CutShort,
}

/// <summary>
/// The file that a commit is mapped from, held open. A map shows at once what is written over the file, and touching it
/// past the file's end kills the process, so this is asked before each use; that costs two calls of the system and no
/// reading.
/// </summary>
/// <param name="file">The file; closed with this object.</param>
/// <param name="end">Where the commit ends.</param>
/// <param name="length">The file's length when the commit was read.</param>
/// <param name="written">When it was last written to then.</param>
internal sealed class FileChangeDetector(SafeFileHandle file, long end, long length, DateTime written) : IDisposable
{
    private DateTime _written = written;

    public FileChange Look()
    {
        try
        {
            long now = RandomAccess.GetLength(file);
            return now < end ? FileChange.CutShort
                : now == length && File.GetLastWriteTimeUtc(file) != _written ? FileChange.Rewritten : FileChange.None;
        }
        catch (Exception exception) when (IndexFileErrors.IsFileError(exception))
        {
            return FileChange.None;     // the next look for commits says what is wrong
        }
    }

    /// <summary>Takes over the time of a later look, by one who knows what was written in between.</summary>
    public void Trust(FileChangeDetector later) => _written = later._written;

    public void Dispose() => file.Dispose();
}
