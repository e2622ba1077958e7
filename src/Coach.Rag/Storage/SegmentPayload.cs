namespace Coach.Rag;

/// <summary>A segment to append: its sections, in the order they are added.</summary>
internal sealed class SegmentPayload
{
    /// <summary>The most sections a segment may have.</summary>
    internal const int MaxSections = 256;

    private readonly List<(SectionKind Kind, Action<SectionWriter> Write)> _sections = [];

    internal IReadOnlyList<(SectionKind Kind, Action<SectionWriter> Write)> Sections => _sections;

    /// <summary>The segment's id, once it is committed; 0 before.</summary>
    public long Id { get; internal set; }

    /// <summary>Adds a section that is in memory already.</summary>
    public SegmentPayload Add(SectionKind kind, ReadOnlyMemory<byte> bytes) => Add(kind, writer => writer.Write(bytes.Span));

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
