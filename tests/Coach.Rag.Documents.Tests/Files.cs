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
using C = DocumentFormat.OpenXml.Drawing.Charts;
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

    public static byte[] Word(params OpenXmlElement[] body) => Word([], body);

    public static byte[] Word(W.Style[] styles, params OpenXmlElement[] body)
    {
        using var stream = new MemoryStream();
        using (var document = WordprocessingDocument.Create(stream, WordprocessingDocumentType.Document))
        {
            document.PackageProperties.Title = "The handbook";
            document.PackageProperties.Creator = "Nobody";
            MainDocumentPart part = document.AddMainDocumentPart();
            part.Document = new W.Document(new W.Body(body));
            if (styles.Length > 0)
            {
                part.AddNewPart<StyleDefinitionsPart>().Styles = new W.Styles(styles);
            }
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

    public static W.Style Style(string id, string name, int outline = -1, string? basedOn = null)
    {
        var style = new W.Style(new W.StyleName { Val = name }) { StyleId = id, Type = W.StyleValues.Paragraph };
        if (basedOn is not null)
        {
            style.BasedOn = new W.BasedOn { Val = basedOn };
        }

        if (outline >= 0)
        {
            style.StyleParagraphProperties = new W.StyleParagraphProperties(new W.OutlineLevel { Val = outline });
        }

        return style;
    }

    /// <summary>A paragraph within a content control.</summary>
    public static W.SdtBlock Boxed(W.Paragraph paragraph) => new(new W.SdtContentBlock(paragraph));

    /// <summary>A box as today's programs draw it, and once more for older ones.</summary>
    public static W.Paragraph ParagraphWithTextBox(string text, string boxed) => new(
        $"""
        <w:p xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"
          xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"
          xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" xmlns:v="urn:schemas-microsoft-com:vml">
          <w:r><w:t xml:space="preserve">{text}</w:t></w:r>
          <w:r><mc:AlternateContent>
            <mc:Choice Requires="wps"><w:drawing><wp:inline><a:graphic><a:graphicData uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape">
              <wps:wsp><wps:txbx><w:txbxContent><w:p><w:r><w:t>{boxed}</w:t></w:r></w:p></w:txbxContent></wps:txbx></wps:wsp>
            </a:graphicData></a:graphic></wp:inline></w:drawing></mc:Choice>
            <mc:Fallback><w:pict><v:shape><v:textbox><w:txbxContent><w:p><w:r><w:t>{boxed}</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict></mc:Fallback>
          </mc:AlternateContent></w:r>
        </w:p>
        """);

    /// <summary>Three columns, of which the first row's first cell spans two.</summary>
    public static W.Table SpanningTable() => new(
        new W.TableRow(
            new W.TableCell(new W.TableCellProperties(new W.GridSpan { Val = 2 }), Paragraph("wide")),
            new W.TableCell(Paragraph("last"))),
        new W.TableRow(new[] { "a", "b", "c" }.Select(cell => new W.TableCell(Paragraph(cell)))));

    /// <summary>A sheet with cells of each type, and one that is hidden.</summary>
    public static byte[] ExcelCells()
    {
        using var stream = new MemoryStream();
        using (var document = SpreadsheetDocument.Create(stream, SpreadsheetDocumentType.Workbook))
        {
            WorkbookPart workbook = document.AddWorkbookPart();
            workbook.AddNewPart<SharedStringTablePart>().SharedStringTable = new S.SharedStringTable(new S.SharedStringItem(
                new S.Run(new S.Text("shared ")), new S.Run(new S.Text("東京")),
                new S.PhoneticRun(new S.Text("トウキョウ")) { BaseTextStartIndex = 7, EndingBaseIndex = 9 }));
            workbook.AddNewPart<WorkbookStylesPart>().Stylesheet = new S.Stylesheet(
                new S.NumberingFormats(
                    new S.NumberingFormat { NumberFormatId = 170, FormatCode = "h:mm \"o'clock\"" },
                    new S.NumberingFormat { NumberFormatId = 171, FormatCode = "0.0 \"days\"" }),
                new S.CellFormats(
                    new S.CellFormat(), new S.CellFormat { NumberFormatId = 14 }, new S.CellFormat { NumberFormatId = 22 },
                    new S.CellFormat { NumberFormatId = 170 }, new S.CellFormat { NumberFormatId = 171 }));
            WorksheetPart part = workbook.AddNewPart<WorksheetPart>();
            part.Worksheet = new S.Worksheet(new S.SheetData(
                new S.Row(Cell("A1", "0", S.CellValues.SharedString), Cell("B1", "1", S.CellValues.Boolean), Cell("C1", "0", S.CellValues.Boolean)),
                new S.Row(Cell("A2", "45356", style: 1), Cell("B2", "45356.5", style: 2), Cell("C2", "0.25", style: 3)),
                new S.Row(Cell("A3", "45356"), Cell("B3", "3.5", style: 4), Cell("C3", "99", S.CellValues.SharedString))));
            WorksheetPart hidden = workbook.AddNewPart<WorksheetPart>();
            hidden.Worksheet = new S.Worksheet(new S.SheetData(new S.Row(Cell("A1", "7"))));
            workbook.Workbook = new S.Workbook(new S.Sheets(
                new S.Sheet { Id = workbook.GetIdOfPart(part), SheetId = 1, Name = "Types" },
                new S.Sheet { Id = workbook.GetIdOfPart(hidden), SheetId = 2, Name = "Hidden", State = S.SheetStateValues.Hidden }));
        }

        return stream.ToArray();

        static S.Cell Cell(string at, string value, S.CellValues? type = null, uint style = 0) =>
            new(new S.CellValue(value)) { CellReference = at, DataType = type, StyleIndex = style };
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

    /// <summary>A workbook of one row of numbers as they are stored.</summary>
    public static byte[] ExcelNumbers(params string[] values)
    {
        using var stream = new MemoryStream();
        using (var document = SpreadsheetDocument.Create(stream, SpreadsheetDocumentType.Workbook))
        {
            WorkbookPart workbook = document.AddWorkbookPart();
            WorksheetPart part = workbook.AddNewPart<WorksheetPart>();
            part.Worksheet = new S.Worksheet(new S.SheetData(new S.Row(values.Select(value => new S.Cell(new S.CellValue(value))))));
            workbook.Workbook = new S.Workbook(new S.Sheets(new S.Sheet { Id = workbook.GetIdOfPart(part), SheetId = 1, Name = "Numbers" }));
        }

        return stream.ToArray();
    }

    /// <summary>The presentation with a chart on its first slide.</summary>
    public static byte[] WithChart(byte[] show, string title, string[] categories)
    {
        using var stream = new MemoryStream();
        stream.Write(show);
        using (var document = PresentationDocument.Open(stream, isEditable: true))
        {
            ChartPart chart = document.PresentationPart!.SlideParts.First().AddNewPart<ChartPart>();
            chart.ChartSpace = new C.ChartSpace(new C.Chart(
                new C.Title(new C.ChartText(new C.RichText(new A.BodyProperties(), new A.Paragraph(new A.Run(new A.Text(title)))))),
                new C.PlotArea(new C.BarChart(new C.BarChartSeries(new C.CategoryAxisData(new C.StringReference(
                    new C.StringCache(categories.Select((name, i) => new C.StringPoint(new C.NumericValue(name)) { Index = (uint)i })))))))));
        }

        return stream.ToArray();
    }

    /// <summary>The zip file with one more entry, stored as it is.</summary>
    public static byte[] WithEntry(byte[] zip, string name, byte[] content) => Change(zip, archive =>
    {
        using Stream entry = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
        entry.Write(content);
    });

    /// <summary>The Office file with a date that is none among what it says of itself.</summary>
    public static byte[] WithDamagedProperties(byte[] office) => Change(office, archive =>
    {
        foreach (ZipArchiveEntry entry in archive.Entries.ToArray())
        {
            string text;
            using (var reader = new StreamReader(entry.Open()))
            {
                text = reader.ReadToEnd();
            }

            if (text.Contains("</coreProperties>", StringComparison.Ordinal))
            {
                string name = entry.FullName;
                entry.Delete();
                using Stream other = archive.CreateEntry(name).Open();
                other.Write(Bytes(text.Replace("</coreProperties>",
                    "<dcterms:created xmlns:dcterms=\"http://purl.org/dc/terms/\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"dcterms:W3CDTF\">no date</dcterms:created></coreProperties>",
                    StringComparison.Ordinal)));
            }
        }
    });

    /// <summary>Says of an entry that it is packed in another way.</summary>
    public static void ChangeMethod(byte[] zip, string name, byte method)
    {
        byte[] bytes = Bytes(name);
        for (int at = 0, found; (found = zip.AsSpan(at).IndexOf(bytes)) >= 0; at += found + 1)
        {
            // The name ends the fixed part of a local header (30 bytes, method at 8) and of a central one (46, at 10).
            int start = at + found;
            if (start >= 30 && zip.AsSpan(start - 30).StartsWith("PK\u0003\u0004"u8))
            {
                zip[start - 22] = method;
            }

            if (start >= 46 && zip.AsSpan(start - 46).StartsWith("PK\u0001\u0002"u8))
            {
                zip[start - 36] = method;
            }
        }
    }

    private static byte[] Change(byte[] zip, Action<ZipArchive> change)
    {
        using var stream = new MemoryStream();
        stream.Write(zip);
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Update, leaveOpen: true))
        {
            change(archive);
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
