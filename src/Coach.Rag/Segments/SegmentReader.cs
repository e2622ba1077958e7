using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Coach.Rag.Documents;
using Coach.Rag.Store;

namespace Coach.Rag.Segments;

/// <summary>Reads a segment's sections in place. Use it only while a snapshot that holds the segment is held.</summary>
internal sealed class SegmentReader
{
    private const int PassageRecordSize = 24;
    private const int MaxAnalyserBytes = 2048;

    private readonly IndexSection _documents;
    private readonly IndexSection _passages;
    private readonly IndexSection? _text;
    private readonly IndexSection? _compressed;
    private readonly IndexSection _terms;
    private readonly IndexSection _postings;
    private readonly IndexSection _rows;
    private readonly IndexSection? _pages;
    private readonly int _headings;
    private TextBlockReader? _blocks;

    public SegmentReader(IndexSegment segment)
    {
        Id = segment.Id;
        Analyser = segment.TryGetSection(SectionKind.Analyser, out IndexSection? analyser)
            && analyser.Length <= MaxAnalyserBytes
            ? Encoding.UTF8.GetString(analyser.Span) : "unknown";
        _pages = segment.TryGetSection(SectionKind.Pages, out IndexSection? pages) ? pages : null;
        _documents = Section(segment, SectionKind.Documents);
        _passages = Section(segment, SectionKind.Passages);
        _compressed = segment.TryGetSection(SectionKind.TextBlocks, out IndexSection? blocks) ? blocks : null;
        _text = _compressed is null ? Section(segment, SectionKind.Text) : null;
        _terms = Section(segment, SectionKind.Terms);
        _postings = Section(segment, SectionKind.Postings);
        _rows = Section(segment, SectionKind.LexicalRows);
        ReadOnlySpan<byte> head = _rows.Slice(0, 16);
        Rows = BinaryPrimitives.ReadInt32LittleEndian(head);
        TotalTokens = BinaryPrimitives.ReadInt64LittleEndian(head[8..]);
        Documents = BinaryPrimitives.ReadInt32LittleEndian(_documents.Slice(0, 4));
        _headings = BinaryPrimitives.ReadInt32LittleEndian(_passages.Slice(4, 4));
        ReadOnlySpan<byte> terms = _terms.Slice(0, 16);
        Terms = BinaryPrimitives.ReadInt32LittleEndian(terms);
        BuiltWith = new Bm25(
            BinaryPrimitives.ReadSingleLittleEndian(terms[4..]), BinaryPrimitives.ReadSingleLittleEndian(terms[8..]),
            BinaryPrimitives.ReadSingleLittleEndian(terms[12..]));
    }

    public static SegmentReader Of(IndexSegment segment) => segment.GetOrAdd(static s => new SegmentReader(s));

    // Opened when text is first asked for: damage to it costs no question that needs none.
    private TextBlockReader? Blocks => _compressed is null
        ? null
        : LazyInitializer.EnsureInitialized(ref _blocks, () => new TextBlockReader(_compressed));

    /// <summary>Whether the segment holds passages at all: some segments hold a model only.</summary>
    public static bool HoldsPassages(IndexSegment segment) => segment.TryGetSection(SectionKind.Passages, out _);

    public long Id { get; }

    /// <summary>The identity of the analysis that made the terms.</summary>
    public string Analyser { get; }

    public int Rows { get; }

    public int Documents { get; }

    public int Terms { get; }

    public long TotalTokens { get; }

    /// <summary>The parameters that the block maxima were computed with.</summary>
    public Bm25 BuiltWith { get; }

    public ReadOnlySpan<ushort> Lengths => MemoryMarshal.Cast<byte, ushort>(_rows.Slice(16, Rows * 2));

    public ReadOnlySpan<byte> Postings => _postings.Span;

    public long LexicalBytes => _terms.Length + _postings.Length + _rows.Length;

    /// <summary>Bytes of the passages' text, before it is compressed.</summary>
    public long TextBytes => Blocks?.Length ?? _text!.Length;

    public int FindDocument(string collection, string id) =>
        FindDocument(StoredDocuments.KeyOf(collection, id), collection, id);

    public int FindDocument(ulong key, string collection, string id) =>
        StoredDocuments.Find(_documents.Span, key, collection, id);

    public DocumentEntry Document(int document) => StoredDocuments.Read(_documents.Span, document);

    public (int First, int Count) RowsOf(int document) => StoredDocuments.Rows(_documents.Span, document);

    public int DocumentOf(int row) =>
        BinaryPrimitives.ReadInt32LittleEndian(_passages.Slice(8 + ((long)row * PassageRecordSize) + 8, 4));

    public (string Text, Chunk Chunk) Passage(int row)
    {
        ReadOnlySpan<byte> record = _passages.Slice(8 + ((long)row * PassageRecordSize), PassageRecordSize);
        int offset = BinaryPrimitives.ReadInt32LittleEndian(record);
        int bytes = BinaryPrimitives.ReadInt32LittleEndian(record[4..]);
        int start = BinaryPrimitives.ReadInt32LittleEndian(record[12..]);
        int length = BinaryPrimitives.ReadInt32LittleEndian(record[16..]);
        int heading = BinaryPrimitives.ReadInt32LittleEndian(record[20..]);
        int table = 8 + (Rows * PassageRecordSize);
        string path = StringBlock.Text(_passages.Slice(table, (int)(_passages.Length - table)), _headings, heading);
        int page = _pages is null ? 0 : _pages.Slice<int>(row, 1)[0];
        string text = Blocks?.Text(offset, bytes) ?? Encoding.UTF8.GetString(_text!.Slice(offset, bytes));
        return (text, new Chunk(start, length, path) { Page = page });
    }

    /// <summary>The bytes of a row's text.</summary>
    public int TextBytesOf(int row) =>
        BinaryPrimitives.ReadInt32LittleEndian(_passages.Slice(8 + ((long)row * PassageRecordSize) + 4, 4));

    /// <summary>Finds a term by its UTF-8 bytes.</summary>
    public bool TryFind(ReadOnlySpan<byte> term, out TermStatistics statistics)
    {
        int index = IndexOf(term);
        statistics = index < 0 ? default : Statistics(index);
        return index >= 0;
    }

    public int IndexOf(ReadOnlySpan<byte> term)
    {
        ReadOnlySpan<byte> section = _terms.Span;
        ReadOnlySpan<int> offsets = MemoryMarshal.Cast<byte, int>(section.Slice(16, (Terms + 1) * 4));
        ReadOnlySpan<byte> names = section[(16 + ((Terms + 1) * 4) + (Terms * TermStatistics.Size))..];
        int low = 0;
        int high = Terms - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int order = names[offsets[middle]..offsets[middle + 1]].SequenceCompareTo(term);
            if (order == 0)
            {
                return middle;
            }

            if (order < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return -1;
    }

    /// <summary>The number of the first term that is not before some bytes; how many there are if all are.</summary>
    public int FirstFrom(ReadOnlySpan<byte> bytes)
    {
        int low = 0;
        int high = Terms;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (Term(middle).SequenceCompareTo(bytes) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    public ReadOnlySpan<byte> Term(int index)
    {
        ReadOnlySpan<byte> section = _terms.Span;
        ReadOnlySpan<int> offsets = MemoryMarshal.Cast<byte, int>(section.Slice(16, (Terms + 1) * 4));
        return section[(16 + ((Terms + 1) * 4) + (Terms * TermStatistics.Size))..][offsets[index]..offsets[index + 1]];
    }

    public TermStatistics Statistics(int index) =>
        MemoryMarshal.Read<TermStatistics>(
            _terms.Slice(16 + ((Terms + 1) * 4) + ((long)index * TermStatistics.Size), TermStatistics.Size));

    private static IndexSection Section(IndexSegment segment, SectionKind kind) =>
        segment.TryGetSection(kind, out IndexSection? section) ? section
            : throw RagException.IndexCorrupt("index", $"lacks section {kind} in segment {segment.Id}");
}

/// <summary>
/// What the dictionary says of a term: how many rows hold it, where their list starts, its largest weight.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct TermStatistics(int Rows, int Offset, float LargestWeight)
{
    public const int Size = 12;
}
