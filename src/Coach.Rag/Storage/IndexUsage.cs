namespace Coach.Rag;

/// <summary>Space: all of it, and the part the newest commit needs, in bytes. The rest is what compaction gives back.</summary>
internal readonly record struct IndexUsage(long TotalBytes, long LiveBytes);
