using System.Buffers;
using System.Buffers.Text;
using UglyToad.PdfPig;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Tokens;

namespace Coach.Rag.Documents.Pages;

/// <summary>
/// Finds what the library would follow for ever, before it does: drawings that show themselves, or one another so often
/// that no page can be meant, and cross-reference tables whose columns no stack holds. A stack that overflows takes the
/// process with it, so it cannot be left to a catch.
/// </summary>
internal sealed class PdfGuard(PdfDocument pdf)
{
    private const int MaxDepth = 32;
    private const int MaxPages = 100_000;
    private const int MaxDrawings = 20_000;
    private const long MaxColumn = 1_024;

    private static readonly SearchValues<byte> Ends = SearchValues.Create(" \t\r\n\f\0/[]<>()%{}"u8);

    private readonly Dictionary<IndirectReference, Drawing> _drawings = [];
    private readonly HashSet<IndirectReference> _open = [];

    private sealed record Drawing(DictionaryToken? Resources, IReadOnlyDictionary<string, int> Shown)
    {
        // How many drawings it comes to; counted once it has resources of its own.
        public int Count { get; set; }
    }

    /// <summary>Refuses a file whose cross-reference streams have columns of an impossible width.</summary>
    public static void CheckColumns(ReadOnlySpan<byte> file)
    {
        for (int at; (at = file.IndexOf("/W"u8)) >= 0; file = file[(at + 2)..])
        {
            ReadOnlySpan<byte> rest = file[(at + 2)..];
            rest = rest[Math.Min(rest.Length, Math.Max(0, rest.IndexOfAnyExcept(" \r\n\t"u8)))..];
            if (rest.IsEmpty || rest[0] != '[' || !IsXref(file, at))
            {
                continue;
            }

            int end = rest.IndexOf((byte)']');
            ReadOnlySpan<byte> columns = end < 0 ? default : rest[1..end];
            while (!columns.IsEmpty)
            {
                int start = columns.IndexOfAnyExcept(Ends);
                columns = start < 0 ? default : columns[start..];
                int length = columns.IndexOfAny(Ends);
                ReadOnlySpan<byte> column = length < 0 ? columns : columns[..length];
                bool isWidth = Utf8Parser.TryParse(column, out long width, out int read) && read == column.Length
                    && width is >= 0 and <= MaxColumn;
                if (!column.IsEmpty && !isWidth)
                {
                    throw RagException.DocumentRefused(DocumentRefusal.Damaged,
                        "is a damaged PDF: its cross-reference table has columns of an impossible width");
                }

                columns = columns[column.Length..];
            }
        }
    }

    /// <summary>The pages that cannot be drawn: their drawings have no end, or are too many.</summary>
    public HashSet<int> Endless(CancellationToken cancellationToken)
    {
        var endless = new HashSet<int>();
        if (pdf.Structure.Catalog.CatalogDictionary is not { } catalog
            || Get<DictionaryToken>(catalog, NameToken.Pages) is not { } root)
        {
            return endless;
        }

        int number = 0;
        var seen = new HashSet<DictionaryToken>(ReferenceEqualityComparer.Instance);
        var left = new Stack<(DictionaryToken Node, DictionaryToken? Resources)>([(root, null)]);
        while (left.TryPop(out (DictionaryToken Node, DictionaryToken? Resources) each))
        {
            cancellationToken.ThrowIfCancellationRequested();
            DictionaryToken? resources = Get<DictionaryToken>(each.Node, NameToken.Resources) ?? each.Resources;
            if (Get<ArrayToken>(each.Node, NameToken.Kids) is { } kids)
            {
                foreach (IToken kid in seen.Add(each.Node) && seen.Count < MaxPages ? kids.Data.Reverse() : [])
                {
                    if (Resolve(kid) is DictionaryToken child)
                    {
                        left.Push((child, resources));
                    }
                }

                continue;
            }

            number++;
            if (resources is not null && !IsDrawable(each.Node, resources))
            {
                endless.Add(number);
            }
        }

        // A page tree that is counted otherwise: no page is safe.
        bool isCounted = endless.Count == 0 || number == pdf.NumberOfPages;
        return isCounted ? endless : [.. Enumerable.Range(1, pdf.NumberOfPages)];
    }

    private bool IsDrawable(DictionaryToken page, DictionaryToken resources)
    {
        if (Drawings(resources) is null)
        {
            return true;
        }

        var shown = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (StreamToken content in Contents(page))
        {
            Count(content, shown);
        }

        return Count(shown, resources, 0) < MaxDrawings;
    }

    // How many drawings the names come to; too many once there is no end to them.
    private int Count(IReadOnlyDictionary<string, int> shown, DictionaryToken resources, int depth)
    {
        DictionaryToken? drawings = Drawings(resources);
        long count = 0;
        foreach ((string name, int times) in shown)
        {
            if (drawings is not null && drawings.Data.TryGetValue(name, out IToken? found)
                && found is IndirectReferenceToken { Data: var reference } && Find(reference) is { } drawing)
            {
                count += (long)times * Count(reference, drawing, resources, depth + 1);
            }

            if (count >= MaxDrawings)
            {
                return MaxDrawings;
            }
        }

        return (int)count;
    }

    private int Count(IndirectReference reference, Drawing drawing, DictionaryToken resources, int depth)
    {
        if (drawing.Count > 0)
        {
            return drawing.Count;
        }

        if (depth > MaxDepth || !_open.Add(reference))
        {
            return MaxDrawings;
        }

        int count = 1 + Count(drawing.Shown, drawing.Resources ?? resources, depth);
        _open.Remove(reference);
        drawing.Count = drawing.Resources is null ? 0 : count;
        return Math.Min(count, MaxDrawings);
    }

    // Null when it is a picture, or nothing.
    private Drawing? Find(IndirectReference reference)
    {
        if (_drawings.TryGetValue(reference, out Drawing? known))
        {
            return known;
        }

        if (pdf.Structure.GetObject(reference)?.Data is not StreamToken stream
            || Get<NameToken>(stream.StreamDictionary, NameToken.Subtype)?.Data != "Form")
        {
            return null;
        }

        var shown = new Dictionary<string, int>(StringComparer.Ordinal);
        Count(stream, shown);
        var drawing = new Drawing(Get<DictionaryToken>(stream.StreamDictionary, NameToken.Resources), shown);
        _drawings.Add(reference, drawing);
        return drawing;
    }

    private DictionaryToken? Drawings(DictionaryToken resources) =>
        Get<DictionaryToken>(resources, NameToken.Xobject) is { Data.Count: > 0 } drawings ? drawings : null;

    private IEnumerable<StreamToken> Contents(DictionaryToken page)
    {
        if (!page.TryGet(NameToken.Contents, out IToken contents))
        {
            yield break;
        }

        switch (Resolve(contents))
        {
            case StreamToken stream:
                yield return stream;
                break;
            case ArrayToken array:
                foreach (IToken each in array.Data)
                {
                    if (Resolve(each) is StreamToken part)
                    {
                        yield return part;
                    }
                }

                break;
        }
    }

    // "/Name Do" draws.
    private static void Count(StreamToken stream, Dictionary<string, int> shown)
    {
        ReadOnlySpan<byte> content = stream.Decode(UglyToad.PdfPig.Filters.DefaultFilterProvider.Instance).Span;
        for (int at, from = 0; (at = content[from..].IndexOf("Do"u8)) >= 0; from += at + 2)
        {
            int end = from + at;
            bool isWord = end + 2 >= content.Length || Ends.Contains(content[end + 2]);
            while (isWord && end > 0 && content[end - 1] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
            {
                end--;
            }

            int slash = isWord ? content[Math.Max(0, end - 128)..end].LastIndexOf((byte)'/') : -1;
            if (slash >= 0)
            {
                string name = Name(content[(Math.Max(0, end - 128) + slash + 1)..end]);
                shown[name] = Math.Min(MaxDrawings, shown.GetValueOrDefault(name) + 1);
            }
        }
    }

    // "#20" is a character by its number.
    private static string Name(ReadOnlySpan<byte> name)
    {
        var text = new System.Text.StringBuilder(name.Length);
        for (int i = 0; i < name.Length; i++)
        {
            bool isNumber = name[i] == '#' && i + 2 < name.Length
                && Utf8Parser.TryParse(name.Slice(i + 1, 2), out byte value, out int read, 'X') && read == 2;
            text.Append(isNumber ? (char)Hex(name.Slice(i + 1, 2)) : (char)name[i]);
            i += isNumber ? 2 : 0;
        }

        return text.ToString();
    }

    private static byte Hex(ReadOnlySpan<byte> digits) =>
        Utf8Parser.TryParse(digits, out byte value, out _, 'X') ? value : (byte)0;

    private static bool IsXref(ReadOnlySpan<byte> file, int at) =>
        file[at..Math.Min(file.Length, at + 512)].IndexOf("/XRef"u8) >= 0
            || file[Math.Max(0, at - 512)..at].IndexOf("/XRef"u8) >= 0;

    private T? Get<T>(DictionaryToken dictionary, NameToken name)
        where T : class, IToken => dictionary.TryGet(name, out IToken found) ? Resolve(found) as T : null;

    private IToken? Resolve(IToken? token)
    {
        for (int i = 0; i < MaxDepth && token is IndirectReferenceToken { Data: var reference }; i++)
        {
            token = pdf.Structure.GetObject(reference)?.Data ?? NullToken.Instance;
        }

        return token;
    }
}
