using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using UglyToad.PdfPig;
using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.DocumentLayoutAnalysis;
using UglyToad.PdfPig.DocumentLayoutAnalysis.PageSegmenter;
using UglyToad.PdfPig.DocumentLayoutAnalysis.ReadingOrderDetector;
using UglyToad.PdfPig.Exceptions;
using UglyToad.PdfPig.Util;

namespace Coach.Rag.Documents.Pages;

/// <summary>
/// Reads the text of PDF files page by page: columns in reading order, headings by their size, lines that repeat on
/// most
/// pages left out.
/// </summary>
internal sealed partial class PdfReader : IDocumentReader
{
    private const int StackBytes = 64 << 20;

    // Finding an order compares every block with every other; a page of so many is a drawing or a table.
    private const int MaxOrdered = 200;
    private static readonly SearchValues<byte> Nesting = SearchValues.Create("[]<>es"u8);

    private const double HeadingSize = 1.15;
    private const double EdgeShare = 0.07;
    private const int LeastRepeated = 3;

    public string Name => "pdf/3";

    public DocumentMatch Match(DocumentFile file)
    {
        // Writers may put up to a kilobyte before the header.
        ReadOnlySpan<byte> head = file.Head;
        bool isPdf = head[..Math.Min(head.Length, 1024)].IndexOf("%PDF-"u8) >= 0
            && (file.HasExtension(".pdf") || head.StartsWith("%PDF-"u8));
        return isPdf ? DocumentMatch.Content
            : file.HasExtension(".pdf") || file.MediaType == "application/pdf" ? DocumentMatch.Name
                : DocumentMatch.None;
    }

    public async ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        RefuseDeepNesting(file);
        PdfGuard.CheckColumns(file.Content.Span);

        // The library walks objects by recursion; on a thread of its own that cannot take the process down.
        var result = new TaskCompletionSource<StructuredText>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(
            () =>
            {
                try
                {
                    result.SetResult(Read(file, cancellationToken));
                }
                catch (Exception e)
                {
                    result.SetException(e);
                }
            },
            StackBytes)
        {
            IsBackground = true,
            Name = "Coach.Rag PDF reader",
        };
        thread.Start();
        return await result.Task.ConfigureAwait(false);
    }

    private static StructuredText Read(DocumentFile file, CancellationToken cancellationToken)
    {
        using PdfDocument pdf = Open(file);
        var pages = new List<IReadOnlyList<Paragraph>>();
        long letters = 0;
        long written = 0;
        bool hasImages = false;
        int failed = 0;
        HashSet<int> endless = new PdfGuard(pdf).Endless(cancellationToken);
        for (int number = 1; number <= pdf.NumberOfPages; number++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                if (endless.Contains(number))
                {
                    pages.Add([]);
                    failed++;
                    continue;
                }

                Page page = pdf.GetPage(number);
                letters += page.Letters.Count;
                hasImages |= page.NumberOfImages > 0;
                List<Paragraph> paragraphs = Paragraphs(page);
                AddFilledIn(pdf, page, paragraphs);
                written += paragraphs.Count;
                pages.Add(paragraphs);
                Check(letters, file.Limits);
            }
            catch (Exception e) when (e
                is not (RagException or OperationCanceledException or InsufficientExecutionStackException))
            {
                pages.Add([]);
                failed++;
            }
        }

        if (letters == 0 && written == 0)
        {
            throw failed > 0
                ? RagException.DocumentRefused(DocumentRefusal.Damaged,
                    "is a damaged PDF: none of its pages could be read; write it again")
                : hasImages
                    ? RagException.DocumentRefused(
                        DocumentRefusal.Scanned,
                            "is a scanned PDF without text; run it through text recognition (OCR) and save it as a "
                                + "searchable PDF")
                    : RagException.DocumentRefused(DocumentRefusal.Empty, "is a PDF without text");
        }

        return Build(pdf, pages, failed, file.Limits);
    }

    private static void Check(long letters, DocumentLimits limits)
    {
        if (letters > limits.MaxCharacters)
        {
            throw RagException.DocumentRefused(DocumentRefusal.TooLarge,
                $"has more than {limits.MaxCharacters} characters; split it");
        }
    }

    private static PdfDocument Open(DocumentFile file)
    {
        try
        {
            return PdfDocument.Open(file.OpenRead(),
                new ParsingOptions { UseLenientParsing = true, SkipMissingFonts = true });
        }
        catch (PdfDocumentEncryptedException e)
        {
            throw RagException.DocumentRefused(DocumentRefusal.Encrypted,
                "is an encrypted PDF; save it without a password", e);
        }
        catch (Exception e) when (e is not (RagException or OperationCanceledException))
        {
            throw RagException.DocumentRefused(DocumentRefusal.Damaged,
                "is a damaged PDF; write it again, for example by printing it to a PDF", e);
        }
    }

    private static StructuredText Build(
        PdfDocument pdf, List<IReadOnlyList<Paragraph>> pages, int failed, DocumentLimits limits)
    {
        var builder = new StructuredTextBuilder(limits.MaxCharacters);
        AddInformation(pdf, builder);
        double body = BodySize(pages);
        double[] sizes =
            [.. pages.SelectMany(page => page).Where(paragraph => IsHeading(paragraph, body))
            .Select(paragraph => paragraph.Size)
            .Distinct().OrderDescending().Take(6)];
        HashSet<string> repeated = Repeated(pages);
        for (int i = 0; i < pages.Count; i++)
        {
            builder.Page = i + 1;
            foreach (Paragraph paragraph in pages[i])
            {
                bool isRunning = paragraph.IsEdge
                    && (repeated.Contains(WithoutDigits(paragraph.Text)) || PageNumber().IsMatch(paragraph.Text));
                if (isRunning)
                {
                    continue;
                }

                if (paragraph.Rows is { } rows)
                {
                    builder.AddTable(rows);
                }
                else if (IsHeading(paragraph, body))
                {
                    builder.AddHeading(Math.Max(0, Array.IndexOf(sizes, paragraph.Size)) + 1, paragraph.Text);
                }
                else
                {
                    builder.AddParagraph(paragraph.Text);
                }
            }
        }

        if (failed > 0)
        {
            builder.AddNote($"is a PDF of which {failed} page(s) are damaged and were left out");
        }

        return builder.Build();
    }

    private static void AddInformation(PdfDocument pdf, StructuredTextBuilder builder)
    {
        DocumentInformation information = pdf.Information;
        builder.AddMetadata("author", information.Author);
        builder.AddMetadata("keywords", information.Keywords);
        builder.AddMetadata("description", information.Subject);
        if (!string.IsNullOrWhiteSpace(information.Title)
            && !information.Title.EndsWith(".doc", StringComparison.OrdinalIgnoreCase))
        {
            builder.Title = information.Title.Trim();
        }
    }

    private static List<Paragraph> Paragraphs(Page page)
    {
        var paragraphs = new List<Paragraph>();
        foreach (PdfDirection direction in PdfDirection.Of(page))
        {
            AddParagraphs(direction, paragraphs);
        }

        return paragraphs;
    }

    private static void AddParagraphs(PdfDirection page, List<Paragraph> paragraphs)
    {
        IReadOnlyList<Letter> letters = page.Letters.Any(IsHiddenLigature)
            ? [.. page.Letters.Select(Visible)] : page.Letters;
        List<Word> words = PdfLines.JoinSpaced([.. DefaultWordExtractor.Instance.GetWords(letters)
            .Where(word => !string.IsNullOrWhiteSpace(word.Text))]);
        List<PdfTable> tables = PdfTable.Find(words);
        HashSet<Word> drawn = [.. tables.SelectMany(table => table.Words)];
        words.RemoveAll(drawn.Contains);
        IReadOnlyList<UglyToad.PdfPig.DocumentLayoutAnalysis.TextBlock> blocks =
            words.Count == 0 ? [] : RecursiveXYCut.Instance.GetBlocks(words);
        List<UglyToad.PdfPig.DocumentLayoutAnalysis.TextBlock> ordered = [.. blocks.Count is > 1 and < MaxOrdered
            ? UnsupervisedReadingOrderDetector.Instance.Get(blocks) : blocks];
        int[] places = [.. tables.Select(table => PlaceOf(table, ordered))];
        for (int i = 0; i <= ordered.Count; i++)
        {
            for (int t = 0; t < tables.Count; t++)
            {
                if (places[t] == i)
                {
                    paragraphs.Add(new Paragraph("", 0, 0, IsEdge: false, 0) { Rows = tables[t].Rows });
                }
            }

            if (i < ordered.Count && ParagraphOf(ordered[i], page) is { } paragraph)
            {
                paragraphs.Add(paragraph);
            }
        }
    }

    // Before the first block that stands below it in its column.
    private static int PlaceOf(PdfTable table, List<UglyToad.PdfPig.DocumentLayoutAnalysis.TextBlock> blocks)
    {
        int found = blocks.FindIndex(block => block.BoundingBox.Top < table.Top
            && block.BoundingBox.Left < table.Right && block.BoundingBox.Right > table.Left);
        return found < 0 ? blocks.Count : found;
    }

    private static Paragraph? ParagraphOf(UglyToad.PdfPig.DocumentLayoutAnalysis.TextBlock block, PdfDirection page)
    {
        string text = Join(block.TextLines);
        if (text.Length == 0)
        {
            return null;
        }

        double[] sizes =
            [.. block.TextLines.SelectMany(line => line.Words).SelectMany(word => word.Letters)
            .Select(letter => Math.Round(letter.PointSize, 1))];
        Array.Sort(sizes);
        bool isEdge = block.BoundingBox.Bottom > page.Height * (1 - EdgeShare)
            || block.BoundingBox.Top < page.Height * EdgeShare;
        double size = sizes.Length == 0 ? 0 : sizes[sizes.Length / 2];
        return new Paragraph(text, size, block.TextLines.Count, isEdge, sizes.Length);
    }

    // What is damaged of a form costs only that.
    private static void AddFilledIn(PdfDocument pdf, Page page, List<Paragraph> paragraphs)
    {
        try
        {
            IReadOnlyList<string> fields = PdfForm.FieldsOf(pdf, page.Number);
            foreach (string words in PdfForm.NotesOf(page).Prepend(string.Join('\n', fields)))
            {
                if (words.Length > 0)
                {
                    paragraphs.Add(new Paragraph(words, 0, 1, IsEdge: false, 0));
                }
            }
        }
        catch (Exception e) when (e
            is not (RagException or OperationCanceledException or InsufficientExecutionStackException))
        {
            paragraphs.RemoveAll(paragraph => paragraph.Size == 0 && paragraph.Rows is null);
        }
    }

    // Two of TeX's ligatures count as white space and would part their words.
    private static bool IsHiddenLigature(Letter letter) => letter.Value is "\u000B" or "\u000C";

    private static Letter Visible(Letter letter) => IsHiddenLigature(letter)
        ? new Letter(letter.Value == "\u000B" ? "\uFB00" : "\uFB01", letter.BoundingBox, letter.GlyphRectangleLoose,
            letter.StartBaseLine, letter.EndBaseLine, letter.Width, letter.FontSize, letter.FontDetails,
            letter.RenderingMode, letter.StrokeColor, letter.FillColor, letter.PointSize, letter.TextSequence)
        : letter;

    // A word that was parted at a line's end is one word again.
    private static string Join(IReadOnlyList<TextLine> lines)
    {
        var text = new StringBuilder();
        foreach (TextLine line in lines)
        {
            string words = Plain(line.Text.Trim());
            if (words.Length == 0)
            {
                continue;
            }

            bool isParted = text.Length > 1 && text[^1] is '-' or '\u00AD' && char.IsLetter(text[^2])
                && char.IsLower(words[0]);
            if (isParted)
            {
                text.Length--;
            }
            else if (text.Length > 0)
            {
                text.Append(' ');
            }

            text.Append(words);
        }

        return text.ToString();
    }

    // Ligatures and other forms of typesetting are the letters that they stand for, also as TeX's older encodings
    // have them below the space (Cork encoding, TUGboat 11:4); other control characters say nothing.
    internal static string Plain(string text)
    {
        bool hasForms = text.AsSpan().IndexOfAnyInRange('\uFB00', '\uFB06') >= 0
            || text.AsSpan().IndexOfAnyInRange('\0', '\u001F') >= 0;
        if (!hasForms)
        {
            return text;
        }

        var plain = new StringBuilder(text.Length + 8);
        foreach (char c in text)
        {
            _ = c switch
            {
                '\uFB00' or '\u001B' or '\u000B' => plain.Append("ff"),
                '\uFB01' or '\u001C' or '\u000C' => plain.Append("fi"),
                '\uFB02' or '\u001D' => plain.Append("fl"),
                '\uFB03' or '\u001E' or '\u000E' => plain.Append("ffi"),
                '\uFB04' or '\u001F' or '\u000F' => plain.Append("ffl"),
                '\uFB05' or '\uFB06' => plain.Append("st"),
                '\u0010' => plain.Append('“'),
                '\u0011' => plain.Append('”'),
                '\u0012' => plain.Append('„'),
                '\u0013' => plain.Append('«'),
                '\u0014' => plain.Append('»'),
                '\u0015' => plain.Append('–'),
                '\u0016' => plain.Append('—'),
                '\t' or '\n' or '\r' => plain.Append(' '),
                < ' ' => plain,
                _ => plain.Append(c),
            };
        }

        return plain.ToString();
    }

    private static bool IsHeading(Paragraph paragraph, double body) =>
        paragraph is { Lines: <= 3, Text.Length: <= 200, Size: > 0 } && paragraph.Size >= body * HeadingSize
            && paragraph.Text.Any(char.IsLetter);

    private static double BodySize(List<IReadOnlyList<Paragraph>> pages) =>
        pages.SelectMany(page => page).GroupBy(paragraph => paragraph.Size)
            .OrderByDescending(group => group.Sum(paragraph => paragraph.Letters)).FirstOrDefault()?.Key ?? 0;

    // Running heads and feet: the same words at the edge of half of the pages, or of several near each other as those
    // of a chapter or of every other page, whatever their numbers.
    private static HashSet<string> Repeated(List<IReadOnlyList<Paragraph>> pages)
    {
        var seen = new Dictionary<string, (int Count, int Run, int Longest, int Last)>(StringComparer.Ordinal);
        for (int i = 0; i < pages.Count; i++)
        {
            IEnumerable<string> edges = pages[i].Where(each => each.IsEdge).Select(each => WithoutDigits(each.Text));
            foreach (string text in edges.Distinct())
            {
                (int count, int run, int longest, int last) = seen.GetValueOrDefault(text, (0, 0, 0, -9));
                run = i - last <= 2 ? run + 1 : 1;
                seen[text] = (count + 1, run, Math.Max(longest, run), i);
            }
        }

        return [.. seen.Where(each => each.Value.Longest >= LeastRepeated
            || (pages.Count >= LeastRepeated && each.Value.Count * 2 >= pages.Count)).Select(each => each.Key)];
    }

    private static string WithoutDigits(string text) => string.Concat(text.Where(c => !char.IsAsciiDigit(c)));

    private static void RefuseDeepNesting(DocumentFile file)
    {
        int depth = 0;
        int most = Math.Max(file.Limits.MaxNesting, 64) * 4;
        ReadOnlySpan<byte> rest = file.Content.Span;
        for (int at; (at = rest.IndexOfAny(Nesting)) >= 0; rest = rest[(at + 1)..])
        {
            // Brackets in a stream mean nothing here, and the library bounds the depth of what it reads there itself.
            if (rest[at] == 's')
            {
                bool isStream = rest[at..].StartsWith("stream\r"u8) || rest[at..].StartsWith("stream\n"u8);
                int end = isStream ? rest[at..].IndexOf("endstream"u8) : -1;
                at += end > 0 ? end : 0;
                continue;
            }

            depth = rest[at] switch
            {
                (byte)'[' or (byte)'<' => depth + 1,
                (byte)'e' => rest[at..].StartsWith("endobj"u8) ? 0 : depth,
                _ => Math.Max(0, depth - 1),
            };
            if (depth > most && IsRun(rest[at..]))
            {
                throw RagException.DocumentRefused(
                    DocumentRefusal.TooDeep, $"is nested deeper than MaxNesting = {file.Limits.MaxNesting} allows");
            }
        }
    }

    private static bool IsRun(ReadOnlySpan<byte> rest) => rest.Length < 2 || rest[1] is (byte)'[' or (byte)'<'
        or (byte)' ' or (byte)'/' or (byte)'\n' or (byte)'\r';

    [GeneratedRegex(
        @"^[-–—|\s]*(page|seite|página|pagina|p\.|s\.)?\s*(\d{1,4}(\s*(of|/|von|de|sur|di|van)\s*\d{1,4})?|[ivxlc]{1,7})[-–—|.\s]*$",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex PageNumber();

    private sealed record Paragraph(string Text, double Size, int Lines, bool IsEdge, int Letters)
    {
        /// <summary>Of a table, instead of its text.</summary>
        public IReadOnlyList<IReadOnlyList<string>>? Rows { get; init; }
    }
}
