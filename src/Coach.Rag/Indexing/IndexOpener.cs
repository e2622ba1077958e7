using Coach.Rag.Diagnostics;
using Coach.Rag.Store;
using Microsoft.Extensions.Logging;

namespace Coach.Rag.Indexing;

/// <summary>
/// Opens an index file whatever its state. One that cannot be read is kept beside a new one, which the sources fill
/// again; one of another format version is left alone. Without a file that can be used, memory serves and says why.
/// </summary>
internal static class IndexOpener
{
    /// <summary>Opens the index that the settings name: a file, or memory.</summary>
    public static IndexManager Open(CoachRagOptions options, TimeProvider time, ILogger logger)
    {
        string? path = options.IndexFile;
        if (string.IsNullOrWhiteSpace(path))
        {
            return new IndexManager(new MemoryIndexStore(), options);
        }

        (IIndexStore store, string? damage) = Open(path, time, logger);
        var index = new IndexManager(store, options, Replace)
        {
            ServedFromMemory = why => logger.IndexInMemory(Path.GetFileName(path), why.Error),
        };
        if (damage is not null)
        {
            index.Report(damage);
        }

        return index;

        IIndexStore Replace()
        {
            FileIndexStore.SetAside(path);
            return Open(path, time, logger).Store;
        }
    }

    // A new folder is its owner's alone; one that is there stays as its owner made it.
    public static void CreateFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(
                folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    // The store, and what was lost; null when nothing was.
    private static (IIndexStore Store, string? Damage) Open(string path, TimeProvider time, ILogger logger)
    {
        string name = Path.GetFileName(path);
        var options = new IndexFileOptions { Time = time };
        RagException failure;
        try
        {
            CreateFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
            var store = new FileIndexStore(path, options);
            if (!store.HasDamagedCommits)
            {
                return (store, null);
            }

            logger.LastGoodCommit(name);
            return (store,
                $"Index '{name}' is damaged; its last good commit answers until the sources have been read again.");
        }
        catch (RagException e) when (e.Error == RagError.IndexCorrupt && !e.IsOtherVersion)
        {
            try
            {
                logger.IndexSetAside(name, Path.GetFileName(FileIndexStore.SetAside(path, options)));
                return (new FileIndexStore(path, options),
                    $"Index '{name}' was damaged and set aside; it is being built anew from the sources.");
            }
            catch (RagException second)
            {
                failure = second;
            }
        }
        catch (RagException e)
        {
            failure = e;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            failure = IndexFileErrors.Write(name, e);
        }

        logger.IndexInMemory(name, failure.Error);
        return (new MemoryIndexStore(RagException.IndexNotKept(failure)), null);
    }
}
