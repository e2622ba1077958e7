namespace Coach.Rag.Store;

/// <summary>A change checked against the commit it is applied to.</summary>
internal sealed class CommitPlan
{
    /// <summary>The largest manifest, in bytes.</summary>
    internal const int MaxManifestBytes = 64 << 20;

    private readonly IndexCommit _before;
    private readonly IndexChange _change;

    private CommitPlan(IndexCommit before, IndexChange change)
    {
        _before = before;
        _change = change;
    }

    public static CommitPlan Create(string index, IndexCommit before, IndexChange change)
    {
        if (change.BasedOn is long expected && expected != before.CommitId)
        {
            throw RagException.IndexBusy(index, $"is at commit {before.CommitId}, but the change was made for commit {expected}");
        }

        var known = before.Segments.Select(segment => segment.Id).ToHashSet();
        foreach (long id in change.RemoveSegments.Concat(change.DeletedRows.Keys))
        {
            if (!known.Contains(id))
            {
                throw new ArgumentException($"There is no segment {id}.", nameof(change));
            }
        }

        if (change.Manifest?.Length > MaxManifestBytes)
        {
            throw new ArgumentException($"The manifest has {change.Manifest.Length} bytes; the most is {MaxManifestBytes}.", nameof(change));
        }

        return new CommitPlan(before, change);
    }

    /// <summary>The segments that stay, with their bitmap as it is after the change and whether it changed.</summary>
    public IEnumerable<(IndexSegment Segment, byte[]? NewDeletedRows)> Kept()
    {
        var removed = _change.RemoveSegments.ToHashSet();
        foreach (IndexSegment segment in _before.Segments)
        {
            if (!removed.Contains(segment.Id))
            {
                yield return (segment, _change.DeletedRows.GetValueOrDefault(segment.Id));
            }
        }
    }

    /// <summary>The commit after the change.</summary>
    /// <param name="added">The change's new segments, as stored.</param>
    public IndexCommit Apply(IReadOnlyList<SegmentData> added)
    {
        var segments = new List<IndexSegment>();
        foreach ((IndexSegment segment, byte[]? deleted) in Kept())
        {
            segments.Add(deleted is null ? segment : new IndexSegment(segment.Data, new FixedBitSet((byte[])deleted.Clone())));
        }

        segments.AddRange(added.Select(data => new IndexSegment(data, default)));
        byte[] manifest = _change.Manifest is null ? _before.Manifest : (byte[])_change.Manifest.Clone();
        return new IndexCommit(_before.CommitId + 1, _before.NextSegmentId + added.Count, manifest, segments);
    }
}
