using DocumentFormat.OpenXml;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Presentation;
using A = DocumentFormat.OpenXml.Drawing;
using C = DocumentFormat.OpenXml.Drawing.Charts;

namespace Coach.Rag.Documents.Office;

/// <summary>Reads PowerPoint presentations: a slide's title, text, tables and notes, with the slide's number.</summary>
internal sealed class PresentationReader : IDocumentReader
{
    private const int MaxChartWords = 200;

    public string Name => "presentation/2";

    public DocumentMatch Match(DocumentFile file) =>
        OfficeFile.Match(file, "ppt/", [".pptx", ".pptm", ".potx", ".potm", ".ppsx", ".ppsm"], [".ppt", ".pps"]);

    public ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        StructuredText text = OfficeFile.Read(file, ".pptx", "PowerPoint", Open, cancellationToken);
        return ValueTask.FromResult(text);

        StructuredText Open(Stream package, OpenSettings settings)
        {
            using var document = PresentationDocument.Open(package, isEditable: false, settings);
            return Read(document, file.Limits, cancellationToken);
        }
    }

    private static StructuredText Read(PresentationDocument document, DocumentLimits limits,
        CancellationToken cancellationToken)
    {
        var builder = new StructuredTextBuilder(limits.MaxCharacters);
        OfficeFile.AddProperties(document, builder);
        PresentationPart? part = document.PresentationPart;
        foreach (SlideId id in part?.Presentation?.SlideIdList?.Elements<SlideId>() ?? [])
        {
            cancellationToken.ThrowIfCancellationRequested();
            builder.Page++;
            if (id.RelationshipId?.Value is { } relation && part!.TryGetPartById(relation, out OpenXmlPart? found)
                && found is SlidePart slide)
            {
                Add(slide, builder);
            }
        }

        return builder.Build();
    }

    private static void Add(SlidePart slide, StructuredTextBuilder builder)
    {
        Shape[] shapes = [.. slide.Slide?.Descendants<Shape>() ?? []];
        Shape? title = shapes.FirstOrDefault(IsTitle);
        string name = title is null ? "" : string.Join(' ', Paragraphs(title).Select(each => each.Text));
        bool hasWords = slide.Slide?.Descendants<A.Text>().Any(text => !string.IsNullOrWhiteSpace(text.Text)) == true;
        builder.ClearHeadings();
        builder.AddHeading(1, name.Length == 0 && hasWords ? $"Slide {builder.Page}" : name);
        foreach (OpenXmlElement element in slide.Slide?.Descendants() ?? [])
        {
            if (element is Shape shape && shape != title)
            {
                foreach ((string text, int depth) in Paragraphs(shape))
                {
                    builder.AddListItem(text, depth);
                }
            }
            else if (element is A.Table table)
            {
                builder.AddTable(table.Elements<A.TableRow>().Select(row => (IReadOnlyList<string>)
                    [.. row.Elements<A.TableCell>()
                        .Select(cell => string.Join(' ', cell.Descendants<A.Text>().Select(text => text.Text)))]));
            }
        }

        AddCharts(slide, builder);
        foreach (Shape note in slide.NotesSlidePart?.NotesSlide?.Descendants<Shape>() ?? [])
        {
            if (TypeOf(note) == PlaceholderValues.Body)
            {
                builder.AddParagraph(string.Join('\n', Paragraphs(note).Select(each => each.Text)));
            }
        }
    }

    // What a chart says in words: its titles, its categories and its series.
    private static void AddCharts(SlidePart slide, StructuredTextBuilder builder)
    {
        foreach (ChartPart chart in slide.ChartParts)
        {
            IEnumerable<string> titles = chart.ChartSpace?.Descendants<A.Text>().Select(text => text.Text) ?? [];
            IEnumerable<string> names = chart.ChartSpace?.Descendants<C.StringPoint>()
                .Select(point => point.NumericValue?.Text ?? "") ?? [];
            builder.AddParagraph(string.Join(", ", titles.Concat(names)
                .Where(each => !string.IsNullOrWhiteSpace(each)).Distinct().Take(MaxChartWords)));
        }
    }

    private static bool IsTitle(Shape shape) =>
        TypeOf(shape) is { } type && (type == PlaceholderValues.Title || type == PlaceholderValues.CenteredTitle);

    private static PlaceholderValues? TypeOf(Shape shape) =>
        shape.NonVisualShapeProperties?.ApplicationNonVisualDrawingProperties?.PlaceholderShape?.Type?.Value;

    private static IEnumerable<(string Text, int Depth)> Paragraphs(Shape shape) =>
        (shape.TextBody?.Elements<A.Paragraph>() ?? []).Select(paragraph =>
            (string.Concat(paragraph.Descendants<A.Text>().Select(text => text.Text)),
                paragraph.ParagraphProperties?.Level?.Value ?? 0))
            .Where(each => !string.IsNullOrWhiteSpace(each.Item1));
}
