using System.Globalization;

namespace Coach.Rag.Documents;

/// <summary>The readers in their order, and how one reads a file within its limits.</summary>
internal sealed class DocumentReaders(IReadOnlyList<IDocumentReader> readers, CoachRagOptions options,
    TimeProvider time)
{
    // Readers that run on past their limit hold a thread each; past so many, slow documents are refused at once.
    private const int MaxOverdue = 4;

    private int _overdue;

    public static IReadOnlyList<IDocumentReader> BuiltIn(CoachRagOptions options) =>
        [new HtmlReader(), new MarkdownReader([.. options.MarkupPatterns]), new PlainTextReader()];

    public DocumentLimits Limits { get; } = DocumentLimits.Of(options);

    /// <summary>Which readers there are, for what the index remembers.</summary>
    public string Identity { get; } = string.Join(',', readers.Select(reader => reader.Name));

    /// <summary>The reader of a file; null when there is none.</summary>
    public IDocumentReader? Find(DocumentFile file)
    {
        IDocumentReader? named = null;
        foreach (IDocumentReader reader in readers)
        {
            switch (reader.Match(file))
            {
                case DocumentMatch.Content:
                    return reader;
                case DocumentMatch.Name:
                    named ??= reader;
                    break;
            }
        }

        return named;
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="RagException">It is refused: <see cref="RagError.DocumentRefused"/>.</exception>
    public ValueTask<StructuredText> ReadAsync(
        DocumentFile file, IDocumentReader reader, CancellationToken cancellationToken) =>
        RunAsync(file, reader, token => reader.ReadAsync(file, token), cancellationToken);

    /// <summary>Unpacks an archive.</summary>
    /// <exception cref="RagException">It is refused: <see cref="RagError.DocumentRefused"/>.</exception>
    public ValueTask<ArchiveContent> ReadFilesAsync(
        DocumentFile file, IArchiveReader reader, CancellationToken cancellationToken) =>
        RunAsync(file, reader, token => reader.ReadFilesAsync(file, token), cancellationToken);

    private async ValueTask<T> RunAsync<T>(
        DocumentFile file, IDocumentReader reader, Func<CancellationToken, ValueTask<T>> read,
        CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _overdue) >= MaxOverdue)
        {
            throw RagException.DocumentRefused(
                DocumentRefusal.TooSlow, "was not looked at: too many readers are at work past their time limit");
        }

        using var limit = new CancellationTokenSource(file.Limits.TimeLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        CancellationToken token = both.Token;

        // A thread of its own, so that a reader that does not look at its token can be left behind.
        Task<T> reading =
            Task.Run(async () => await read(token).ConfigureAwait(false), CancellationToken.None);
        try
        {
            return await reading.WaitAsync(token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested
            && !cancellationToken.IsCancellationRequested)
        {
            LeaveBehind(reading);
            throw RagException.DocumentRefused(DocumentRefusal.TooSlow, string.Create(
                CultureInfo.InvariantCulture,
                $"took longer than DocumentTimeLimit = {file.Limits.TimeLimit.TotalSeconds:0.###} s; split it or raise the limit"));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            LeaveBehind(reading);
            throw;
        }
        catch (Exception e) when (e is not RagException)
        {
            throw RagException.DocumentRefused(
                e is UnauthorizedAccessException ? DocumentRefusal.Forbidden : DocumentRefusal.Damaged,
                $"is damaged, or not what its name says: the reader '{reader.Name}' stopped ({e.GetType().Name})", e);
        }
    }

    private void LeaveBehind(Task reading)
    {
        Interlocked.Increment(ref _overdue);
        _ = reading.ContinueWith(
            task =>
            {
                _ = task.Exception;     // seen
                Interlocked.Decrement(ref _overdue);
            },
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }
}
