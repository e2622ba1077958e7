using Microsoft.Extensions.Logging;

namespace Coach.Rag;

/// <summary>
/// Opens an index file whatever its state. One that cannot be read is kept beside a new one, which the sources fill again; without a file
/// that can be written, memory serves.
/// </summary>
internal static class IndexOpening
{
    /// <summary>Opens the file.</summary>
    /// <returns>The store, and what was lost; null when nothing was.</returns>
    public static (IIndexStore Store, string? Damage) Open(string path, TimeProvider time, ILogger logger)
    {
        string name = Path.GetFileName(path);
        var options = new IndexFileOptions { Time = time };
        RagError failure;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            var store = new FileIndexStore(path, options);
            if (!store.HasDamagedCommits)
            {
                return (store, null);
            }

            logger.LastGoodCommit(name);
            return (store, $"Index '{name}' is damaged; its last good commit answers until the sources have been read again.");
        }
        catch (RagException e) when (e.Error == RagError.IndexCorrupt)
        {
            try
            {
                FileIndexStore.SetAside(path, options);
                logger.IndexSetAside(name);
                return (new FileIndexStore(path, options), $"Index '{name}' was damaged and set aside; it is being built anew from the sources.");
            }
            catch (RagException second)
            {
                failure = second.Error;
            }
        }
        catch (RagException e)
        {
            failure = e.Error;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            failure = RagError.IndexUnavailable;
        }

        logger.IndexInMemory(name, failure);
        return (new MemoryIndexStore(), null);
    }
}
