using System.Globalization;

namespace Coach.Rag;

/// <summary>
/// Documents of folders and fixed lists that were registered once and are not any more: a folder that was moved has another name. Those of an app's own sources,
/// and those added in code, are the app's to remove.
/// </summary>
internal sealed class OrphanedDocuments(IReadOnlyList<KnowledgeSource> sources)
{
    private readonly HashSet<string> _claimed = [.. sources.Select(source => source.Name)];
    private long _tidied = -1;

    /// <summary>Removes them. An index that none of the registered sources has changed since the last time costs nothing.</summary>
    /// <returns>How many there were.</returns>
    public int Remove(IngestBatch batch)
    {
        long commit = batch.CommitId;
        if (sources.Count == 0 || commit == _tidied)
        {
            return 0;
        }

        int removed = batch.DocumentsOf(IsOrphaned).Count(document => batch.Remove(document.Collection, document.Id));
        _tidied = commit;
        return removed;
    }

    private bool IsOrphaned(string collection) => !_claimed.Contains(collection)
        && (collection.StartsWith(FolderSource.NamePrefix, StringComparison.Ordinal) || (collection.StartsWith(KnowledgeSources.ListPrefix, StringComparison.Ordinal)
            && int.TryParse(collection.AsSpan(KnowledgeSources.ListPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out _)));
}
