namespace Coach.Rag;

/// <summary>What a metadata filter sees of a document.</summary>
internal readonly record struct DocumentFields(string Id, string Source, IReadOnlyDictionary<string, string> Metadata)
{
    public string? TryGet(string key) => key switch
    {
        MetadataFilter.SourceKey => Source,
        MetadataFilter.IdKey => Id,
        _ => Metadata.TryGetValue(key, out string? value) ? value : null,
    };
}
