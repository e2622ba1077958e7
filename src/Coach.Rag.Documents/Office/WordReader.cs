using System.Globalization;
using System.Text;
using DocumentFormat.OpenXml;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Wordprocessing;

namespace Coach.Rag.Documents.Office;

/// <summary>Reads Word documents: headings by their styles, lists, tables, notes; what was deleted is not
/// text.</summary>
internal sealed class WordReader : IDocumentReader
{
    public string Name => "word/1";

    public DocumentMatch Match(DocumentFile file) =>
        OfficeFile.Match(file, "word/", [".docx", ".docm", ".dotx", ".dotm"], [".doc", ".dot"]);

    public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        StructuredText text = OfficeFile.Read(file, ".docx", "Word", Open, cancellationToken);
        return ValueTask.FromResult(text);

        StructuredText Open(Stream package, OpenSettings settings)
        {
            using var document = WordprocessingDocument.Open(package, isEditable: false, settings);
            return Read(document, file.Limits, cancellationToken);
        }
    }

    private static StructuredText Read(WordprocessingDocument document, DocumentLimits limits,
        CancellationToken cancellationToken)
    {
        var builder = new StructuredTextBuilder(limits.MaxCharacters);
        OfficeFile.AddProperties(document, builder);
        if (document.MainDocumentPart?.Document?.Body is { } body)
        {
            var styles = Styles(document.MainDocumentPart);
            AddAll(body, styles, builder, cancellationToken);
            AddNotes(document.MainDocumentPart.FootnotesPart?.Footnotes, builder);
            AddNotes(document.MainDocumentPart.EndnotesPart?.Endnotes, builder);
        }

        return builder.Build();
    }

    // The outline level of each style, from its definition, its name or the style that it is based on.
    private static Dictionary<string, int> Styles(MainDocumentPart part)
    {
        var levels = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        Style[] styles = [.. part.StyleDefinitionsPart?.Styles?.Elements<Style>() ?? []];
        foreach (Style style in styles)
        {
            string name = style.StyleName?.Val?.Value ?? "";
            int level = style.StyleParagraphProperties?.OutlineLevel?.Val?.Value is { } outline and < 9 ? outline + 1
                : LevelOf(name);
            if (level > 0 && style.StyleId?.Value is { } id)
            {
                levels[id] = level;
            }
        }

        foreach (Style style in styles)
        {
            if (style.StyleId?.Value is { } id && !levels.ContainsKey(id) && style.BasedOn?.Val?.Value is { } other
                && levels.TryGetValue(other, out int level))
            {
                levels[id] = level;
            }
        }

        return levels;
    }

    private static int LevelOf(string style)
    {
        if (style.Equals("Title", StringComparison.OrdinalIgnoreCase))
        {
            return 1;
        }

        string name = style.Replace(" ", "", StringComparison.Ordinal);
        return name.StartsWith("heading", StringComparison.OrdinalIgnoreCase)
            && int.TryParse(name.AsSpan(7), NumberStyles.None, CultureInfo.InvariantCulture, out int level) && level
                is > 0 and < 10
            ? level
            : 0;
    }

    private static void AddAll(
        OpenXmlElement parent, Dictionary<string, int> styles, StructuredTextBuilder builder,
            CancellationToken cancellationToken)
    {
        foreach (OpenXmlElement element in parent.ChildElements)
        {
            cancellationToken.ThrowIfCancellationRequested();
            switch (element)
            {
                case Paragraph paragraph:
                    Add(paragraph, styles, builder);
                    break;
                case Table table:
                    builder.AddTable(table.Elements<TableRow>().Select(row => (IReadOnlyList<string>)[.. Cells(row)]));
                    break;
                case SdtBlock or CustomXmlBlock or SdtContentBlock:
                    AddAll(element, styles, builder, cancellationToken);
                    break;
            }
        }
    }

    // A cell that spans columns keeps those after it in theirs.
    private static IEnumerable<string> Cells(TableRow row)
    {
        foreach (TableCell cell in row.Descendants<TableCell>()
            .Where(cell => cell.Ancestors<TableRow>().First() == row))
        {
            yield return string.Join(' ', cell.Descendants<Paragraph>().Select(TextOf)).Trim();
            for (int span = cell.TableCellProperties?.GridSpan?.Val?.Value ?? 1; span is > 1 and < 64; span--)
            {
                yield return "";
            }
        }
    }

    private static int LevelOf(string? style, Dictionary<string, int> styles)
    {
        if (style is null)
        {
            return 0;
        }

        return styles.TryGetValue(style, out int known) ? known : LevelOf(style);
    }

    private static void Add(Paragraph paragraph, Dictionary<string, int> styles, StructuredTextBuilder builder)
    {
        string text = TextOf(paragraph);
        string? style = paragraph.ParagraphProperties?.ParagraphStyleId?.Val?.Value;
        int level = paragraph.ParagraphProperties?.OutlineLevel?.Val?.Value is { } outline and < 9
            ? outline + 1
            : LevelOf(style, styles);
        NumberingProperties? numbering = paragraph.ParagraphProperties?.NumberingProperties;
        if (level > 0)
        {
            builder.AddHeading(level, text);
        }
        else if (numbering is not null || style?.StartsWith("List", StringComparison.OrdinalIgnoreCase) == true)
        {
            builder.AddListItem(text, numbering?.NumberingLevelReference?.Val?.Value ?? 0);
        }
        else
        {
            builder.AddParagraph(text);
        }
    }

    private static void AddNotes(OpenXmlPartRootElement? notes, StructuredTextBuilder builder)
    {
        foreach (OpenXmlElement note in notes?.ChildElements ?? Enumerable.Empty<OpenXmlElement>())
        {
            builder.AddParagraph(string.Join(' ', note.Descendants<Paragraph>().Select(TextOf)).Trim());
        }
    }

    private static string TextOf(OpenXmlElement paragraph)
    {
        var text = new StringBuilder();
        AddText(paragraph, text);
        return text.ToString();
    }

    private static void AddText(OpenXmlElement parent, StringBuilder text)
    {
        foreach (OpenXmlElement element in parent.ChildElements)
        {
            switch (element)
            {
                case DocumentFormat.OpenXml.Wordprocessing.Text words:
                    text.Append(words.Text);
                    break;
                case TabChar:
                    text.Append('\t');
                    break;
                case Break or CarriageReturn:
                    text.Append('\n');
                    break;
                case NoBreakHyphen:
                    text.Append('-');
                    break;
                case AlternateContent choices: // the same for several generations of programs, such as a text box
                    text.Append(choices.ChildElements.Select(TextOf).FirstOrDefault(each => each.Length > 0));
                    break;
                default:
                    AddText(element, text);
                    break;
            }
        }
    }
}
