using Coach.Rag.Documents.Hosting;

namespace Coach.Rag.Documents;

/// <summary>The readers by themselves, for a host that wants a file's text and no index.</summary>
public static class CoachDocumentReaders
{
    /// <summary>Makes the readers that <c>WithDocumentReaders</c> adds.</summary>
    /// <returns>The readers in the order in which they are asked; safe to use at the same time.</returns>
    public static IReadOnlyList<IDocumentReader> Create() => DocumentReaderSet.Create();
}
