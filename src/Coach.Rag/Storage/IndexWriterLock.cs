namespace Coach.Rag;

/// <summary>The writer's role between processes: a file held open exclusively, which the system closes when its holder dies.</summary>
internal static class IndexWriterLock
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Takes the role, waiting for at most the writer wait counted from <paramref name="started"/>.</summary>
    /// <exception cref="RagException">Busy, or the folder is read-only, full or missing.</exception>
    public static IDisposable Take(string path, string index, IndexFileOptions options, long started, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return options.FileSystem.OpenExclusively(path);
            }
            catch (Exception exception) when (exception is UnauthorizedAccessException or DirectoryNotFoundException)
            {
                throw IndexFileErrors.Write(index, exception);
            }
            catch (IOException exception)
            {
                RagException mapped = IndexFileErrors.Write(index, exception);
                if (mapped.Error != RagError.IndexUnavailable)
                {
                    throw mapped;
                }

                if (options.Time.GetElapsedTime(started) >= options.WriterWait)
                {
                    throw Busy(index, options, exception);
                }
            }

            cancellationToken.WaitHandle.WaitOne(Pause);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public static RagException Busy(string index, IndexFileOptions options, Exception? cause) =>
        RagException.IndexBusy(index, $"is being written elsewhere for more than {options.WriterWait.TotalSeconds:0.###} s", cause);
}
