using System.Runtime.InteropServices;

namespace Coach.Rag.Store;

/// <summary>What one commit changes. Everything not named here stays as it is.</summary>
internal sealed class IndexChange
{
    /// <summary>The largest manifest, in bytes.</summary>
    internal const int MaxManifestBytes = 64 << 20;

    /// <summary>
    /// Segments to append, in this order. Their ids are <see cref="IndexCommitReader.NextSegmentId"/> and the numbers
    /// after it.
    /// </summary>
    public IReadOnlyList<SegmentPayload> Add { get; init; } = [];

    /// <summary>Ids of segments that leave the index.</summary>
    public IReadOnlyCollection<long> RemoveSegments { get; init; } = [];

    /// <summary>
    /// Segment id → the whole bitmap of its deleted rows (row r is bit r % 8 of byte r / 8); it replaces the one
    /// before.
    /// </summary>
    public IReadOnlyDictionary<long, byte[]> DeletedRows { get; init; } = new Dictionary<long, byte[]>();

    /// <summary>A small blob that describes the commit; null keeps the one before.</summary>
    public byte[]? Manifest { get; init; }

    /// <summary>
    /// The commit this change was computed from: when the newest one is another, the commit is refused as
    /// <see cref="RagError.IndexBusy"/>. Null when it does not matter.
    /// </summary>
    public long? BasedOn { get; init; }

    /// <summary>Checks the change against the commit that it is applied to.</summary>
    /// <exception cref="RagException">The newest commit is another than <see cref="BasedOn"/>.</exception>
    /// <exception cref="ArgumentException">A segment is not there, or the manifest is too large.</exception>
    public void Check(string index, IndexCommit before)
    {
        if (BasedOn is long expected && expected != before.CommitId)
        {
            throw RagException.IndexBusy(
                index, $"is at commit {before.CommitId}, but the change was made for commit {expected}");
        }

        var known = before.Segments.Select(segment => segment.Id).ToHashSet();
        foreach (long id in RemoveSegments.Concat(DeletedRows.Keys))
        {
            if (!known.Contains(id))
            {
                throw new ArgumentException($"There is no segment {id}.");
            }
        }

        if (Manifest?.Length > MaxManifestBytes)
        {
            throw new ArgumentException(
                $"The manifest has {Manifest.Length} bytes; the most is {MaxManifestBytes}.");
        }
    }
}

/// <summary>A segment to append: its sections, in the order they are added.</summary>
internal sealed class SegmentPayload
{
    /// <summary>The most sections a segment may have.</summary>
    internal const int MaxSections = 256;

    private readonly List<(SectionKind Kind, Action<SectionWriter> Write)> _sections = [];

    internal IReadOnlyList<(SectionKind Kind, Action<SectionWriter> Write)> Sections => _sections;

    /// <summary>The segment's id, once it is committed; 0 before.</summary>
    public long Id { get; internal set; }

    /// <summary>Rows that are deleted from the start: they were while the segment was being made.</summary>
    public byte[] DeletedRows { get; set; } = [];

    /// <summary>Adds a section that is in memory already.</summary>
    public SegmentPayload Add(SectionKind kind, ReadOnlyMemory<byte> bytes) =>
        Add(kind, writer => writer.Write(bytes.Span));

    /// <summary>Adds a section of any length that is written when the commit asks for it.</summary>
    /// <param name="kind">What it holds; once per segment.</param>
    /// <param name="write">Writes the content; called once, on the committing thread.</param>
    public SegmentPayload Add(SectionKind kind, Action<SectionWriter> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero((int)kind, nameof(kind));
        if (_sections.Exists(section => section.Kind == kind))
        {
            throw new ArgumentException($"The segment has a section {kind} already.", nameof(kind));
        }

        if (_sections.Count == MaxSections)
        {
            throw new ArgumentException($"A segment has at most {MaxSections} sections.", nameof(kind));
        }

        _sections.Add((kind, write));
        return this;
    }
}

/// <summary>Takes the bytes of one section, in order and of any total length.</summary>
internal abstract class SectionWriter
{
    /// <summary>How many bytes were written.</summary>
    public abstract long Length { get; }

    public abstract void Write(ReadOnlySpan<byte> bytes);

    /// <summary>
    /// Writes values as they are in memory; the format is little-endian, as every machine .NET 10 runs Coach on is.
    /// </summary>
    public void Write<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        const int Step = 1 << 20;
        for (int start = 0; start < values.Length; start += Step)
        {
            Write(MemoryMarshal.AsBytes(values.Slice(start, Math.Min(Step, values.Length - start))));
        }
    }

    /// <summary>Writes zeros until the length is a multiple of <paramref name="alignment"/>.</summary>
    public void Align(int alignment)
    {
        ReadOnlySpan<byte> zeros = stackalloc byte[IndexFormat.Alignment];
        ArgumentOutOfRangeException.ThrowIfGreaterThan(alignment, zeros.Length);
        int rest = (int)(Length % alignment);
        if (rest != 0)
        {
            Write(zeros[..(alignment - rest)]);
        }
    }
}
