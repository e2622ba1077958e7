namespace Coach.Rag;

/// <summary>What one commit changes. Everything not named here stays as it is.</summary>
internal sealed class IndexChange
{
    /// <summary>Segments to append, in this order. Their ids are <see cref="IndexSnapshot.NextSegmentId"/> and the numbers after it.</summary>
    public IReadOnlyList<SegmentPayload> Add { get; init; } = [];

    /// <summary>Ids of segments that leave the index.</summary>
    public IReadOnlyCollection<long> RemoveSegments { get; init; } = [];

    /// <summary>
    /// Segment id → the whole bitmap of its deleted rows (row r is bit r % 8 of byte r / 8); it replaces the one before.
    /// </summary>
    public IReadOnlyDictionary<long, byte[]> DeletedRows { get; init; } = new Dictionary<long, byte[]>();

    /// <summary>A small blob that describes the commit; null keeps the one before.</summary>
    public byte[]? Manifest { get; init; }

    /// <summary>
    /// The commit this change was computed from: when the newest one is another, the commit is refused as
    /// <see cref="RagError.IndexBusy"/>. Null when it does not matter.
    /// </summary>
    public long? BasedOn { get; init; }
}
