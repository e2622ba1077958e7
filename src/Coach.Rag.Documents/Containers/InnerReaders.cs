using System.Text;

namespace Coach.Rag.Documents.Containers;

/// <summary>
/// Reads what lies in another file (a zip's entries, a mail's attachments) with the readers of this package, and plain
/// text, Markdown and HTML with what these are made of.
/// </summary>
internal sealed class InnerReaders(IEnumerable<IDocumentReader> readers)
{
    private readonly List<IDocumentReader> _readers = [.. readers];

    public void Add(IDocumentReader reader) => _readers.Add(reader);

    /// <summary>Adds a file's text to a document; what cannot be read becomes a note.</summary>
    /// <param name="file">The file.</param>
    /// <param name="title">The heading that its text is put under.</param>
    /// <param name="into">The document.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>Whether it was read.</returns>
    public async ValueTask<bool> TryAddAsync(
        DocumentFile file, string title, StructuredTextBuilder into, CancellationToken cancellationToken)
    {
        try
        {
            if (await ReadAsync(file, cancellationToken).ConfigureAwait(false) is not { } text)
            {
                return false;
            }

            into.ClearHeadings();
            into.AddHeading(1, title);
            into.AddBlocksOf(text, 1);
            return true;
        }
        catch (RagException e) when (e.Refusal
            is not (null or DocumentRefusal.TooLarge or DocumentRefusal.TooDeep or DocumentRefusal.TooSlow))
        {
            into.AddNote($"left out a part: {e.Refusal}");
            return false;
        }
        catch (Exception e) when (e is not (RagException or OperationCanceledException))
        {
            into.AddNote($"left out a part: {DocumentRefusal.Damaged} ({e.GetType().Name})");
            return false;
        }
    }

    /// <summary>What reads a file; null when nothing does.</summary>
    public IDocumentReader? Find(DocumentFile file)
    {
        IDocumentReader? named = null;
        foreach (IDocumentReader reader in _readers.Concat(TextDocumentReaders.All))
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

    private async ValueTask<StructuredText?> ReadAsync(DocumentFile file, CancellationToken cancellationToken) =>
        Find(file) is { } reader ? await reader.ReadAsync(file, cancellationToken).ConfigureAwait(false) : null;
}
