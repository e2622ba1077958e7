using System.IO.Compression;
using System.Text;
using Coach.Rag.Documents.Hosting;
using DocumentFormat.OpenXml;
using DocumentFormat.OpenXml.Packaging;
using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Fonts.Standard14Fonts;
using UglyToad.PdfPig.Writer;
using A = DocumentFormat.OpenXml.Drawing;
using P = DocumentFormat.OpenXml.Presentation;
using S = DocumentFormat.OpenXml.Spreadsheet;
using W = DocumentFormat.OpenXml.Wordprocessing;

namespace Coach.Rag.Documents.Tests;

/// <summary>Files of each format, made here, and how they are read.</summary>
internal static class Files
{
    public static async Task<StructuredText> ReadAsync(string name, byte[] content, DocumentLimits? limits = null)
    {
        var file = new DocumentFile(name, content, limits);
        IReadOnlyList<IDocumentReader> readers = [.. DocumentReaderSet.Create(), .. TextDocumentReaders.All];
        IDocumentReader? reader = readers.FirstOrDefault(each => each.Match(file) == DocumentMatch.Content)
            ?? readers.FirstOrDefault(each => each.Match(file) == DocumentMatch.Name);
        return reader is null
            ? throw RagException.DocumentRefused(DocumentRefusal.NoReader, "has no reader")
            : await reader.ReadAsync(file, TestContext.Current.CancellationToken);
    }

    public static Task<StructuredText> ReadAsync(string name, string content) => ReadAsync(name, Encoding.UTF8.GetBytes(content));

    public static async Task<DocumentRefusal?> RefusalAsync(string name, byte[] content, DocumentLimits? limits = null)
    {
        RagException refused = await Assert.ThrowsAsync<RagException>(() => ReadAsync(name, content, limits));
        Assert.Equal(RagError.DocumentRefused, refused.Error);
        return refused.Refusal;
    }

    /// <summary>Each block as "page|headings|kind: text".</summary>
    public static string[] Show(StructuredText text) => [.. text.Blocks.Select(block =>
        $"{block.Page}|{block.Heading.Replace('\u001F', '/')}|{block.Kind}: {text.Text[block.Start..block.End].TrimEnd()}")];

    public static byte[] Pdf(Action<PdfDocumentBuilder, PdfDocumentBuilder.AddedFont, int> page, int pages = 1)
    {
        using var builder = new PdfDocumentBuilder();
        PdfDocumentBuilder.AddedFont font = builder.AddStandard14Font(Standard14Font.Helvetica);
        for (int i = 1; i <= pages; i++)
        {
            page(builder, font, i);
        }

        return builder.Build();
    }

    public static byte[] PdfText(params string[] lines) => Pdf((builder, font, _) =>
    {
        PdfPageBuilder page = builder.AddPage(PageSize.A4);
        for (int i = 0; i < lines.Length; i++)
        {
            page.AddText(lines[i], 12, new PdfPoint(50, 780 - (i * 16)), font);
        }
    });

    public static byte[] Word(params OpenXmlElement[] body)
    {
        using var stream = new MemoryStream();
        using (var document = WordprocessingDocument.Create(stream, WordprocessingDocumentType.Document))
        {
            document.PackageProperties.Title = "The handbook";
            document.PackageProperties.Creator = "Nobody";
            MainDocumentPart part = document.AddMainDocumentPart();
            part.Document = new W.Document(new W.Body(body));
        }

        return stream.ToArray();
    }

    public static W.Paragraph Paragraph(string text, string? style = null, int list = -1)
    {
        var properties = new W.ParagraphProperties();
        if (style is not null)
        {
            properties.ParagraphStyleId = new W.ParagraphStyleId { Val = style };
        }

        if (list >= 0)
        {
            properties.NumberingProperties = new W.NumberingProperties(new W.NumberingLevelReference { Val = list }, new W.NumberingId { Val = 1 });
        }

        return new W.Paragraph(properties, new W.Run(new W.Text(text)));
    }

    public static W.Table Table(params string[][] rows) => new(rows.Select(row => new W.TableRow(row.Select(cell => new W.TableCell(Paragraph(cell))))));

    public static byte[] Excel(params (string Name, string[][] Rows)[] sheets)
    {
        using var stream = new MemoryStream();
        using (var document = SpreadsheetDocument.Create(stream, SpreadsheetDocumentType.Workbook))
        {
            WorkbookPart workbook = document.AddWorkbookPart();
            var list = new S.Sheets();
            workbook.Workbook = new S.Workbook(list);
            uint number = 1;
            foreach ((string name, string[][] rows) in sheets)
            {
                WorksheetPart part = workbook.AddNewPart<WorksheetPart>();
                part.Worksheet = new S.Worksheet(new S.SheetData(rows.Select((row, r) => new S.Row(
                    row.Select((cell, c) => (Cell: cell, Column: c)).Where(each => each.Cell.Length > 0).Select(each => new S.Cell(new S.InlineString(new S.Text(each.Cell)))
                    {
                        DataType = S.CellValues.InlineString,
                        CellReference = $"{(char)('A' + each.Column)}{r + 1}",
                    })))));
                list.Append(new S.Sheet { Id = workbook.GetIdOfPart(part), SheetId = number++, Name = name });
            }
        }

        return stream.ToArray();
    }

    public static byte[] PowerPoint(params (string Title, string[] Lines, string? Note)[] slides)
    {
        using var stream = new MemoryStream();
        using (var document = PresentationDocument.Create(stream, PresentationDocumentType.Presentation))
        {
            PresentationPart part = document.AddPresentationPart();
            var list = new P.SlideIdList();
            part.Presentation = new P.Presentation(list);
            uint number = 256;
            foreach ((string title, string[] lines, string? note) in slides)
            {
                SlidePart slide = part.AddNewPart<SlidePart>();
                slide.Slide = new P.Slide(new P.CommonSlideData(new P.ShapeTree(Shape(P.PlaceholderValues.Title, title), Shape(P.PlaceholderValues.Body, lines))));
                if (note is not null)
                {
                    slide.AddNewPart<NotesSlidePart>().NotesSlide = new P.NotesSlide(new P.CommonSlideData(new P.ShapeTree(Shape(P.PlaceholderValues.Body, note))));
                }

                list.Append(new P.SlideId { Id = number++, RelationshipId = part.GetIdOfPart(slide) });
            }
        }

        return stream.ToArray();
    }

    public static byte[] Zip(params (string Name, byte[] Content)[] entries)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in entries)
            {
                using Stream entry = zip.CreateEntry(name).Open();
                entry.Write(content);
            }
        }

        return stream.ToArray();
    }

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static P.Shape Shape(P.PlaceholderValues type, params string[] lines) => new(
        new P.NonVisualShapeProperties(
            new P.NonVisualDrawingProperties { Id = 2, Name = "x" }, new P.NonVisualShapeDrawingProperties(),
            new P.ApplicationNonVisualDrawingProperties(new P.PlaceholderShape { Type = type })),
        new P.ShapeProperties(),
        new P.TextBody(new OpenXmlElement[] { new A.BodyProperties() }.Concat(lines.Select(line => new A.Paragraph(new A.Run(new A.Text(line)))))));
}
