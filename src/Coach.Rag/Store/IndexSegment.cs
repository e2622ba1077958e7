using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Coach.Rag.Store;

/// <summary>One immutable segment as a commit sees it: its sections, and which of its rows are deleted.</summary>
internal sealed class IndexSegment
{
    private readonly SegmentData _data;

    internal IndexSegment(SegmentData data, FixedBitSet deletedRows)
    {
        _data = data;
        DeletedRows = deletedRows;
    }

    internal SegmentData Data => _data;

    public long Id => _data.Id;

    /// <summary>The space it takes, in bytes.</summary>
    public long Bytes => _data.Bytes;

    public FixedBitSet DeletedRows { get; }

    public IReadOnlyList<IndexSection> Sections => _data.Sections;

    public bool TryGetSection(SectionKind kind, [NotNullWhen(true)] out IndexSection? section)
    {
        foreach (IndexSection candidate in _data.Sections)
        {
            if (candidate.Kind == kind)
            {
                section = candidate;
                return true;
            }
        }

        section = null;
        return false;
    }

    /// <summary>
    /// What a part of the engine keeps per segment (a parsed dictionary, say): made once, shared by every commit that
    /// holds the segment, forgotten with it. It may hold sections, and is to be used only while a snapshot with this
    /// segment is held.
    /// </summary>
    public T GetOrAdd<T>(Func<IndexSegment, T> create)
        where T : class => (T)_data.Cache.GetOrAdd(
            typeof(T), static (_, arguments) => arguments.create(arguments.segment), (create, segment: this));
}

/// <summary>What all commits that hold a segment share.</summary>
internal sealed class SegmentData(long id, MappedMemory region, long bytes, IReadOnlyList<IndexSection> sections)
{
    public long Id => id;

    public long Bytes => bytes;

    public MappedMemory Region => region;

    public IReadOnlyList<IndexSection> Sections => sections;

    public ConcurrentDictionary<Type, object> Cache { get; } = new();
}
