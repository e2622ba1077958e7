using Coach.Rag.Tests;
using Microsoft.Extensions.DependencyInjection;
using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Writer;

namespace Coach.Rag.Documents.Tests.Pages;

/// <summary>Pages as other programs set them.</summary>
public sealed class PdfLayoutTests
{
    private static readonly string[][] Rows =
        [["Animal", "Price", "Eats"], ["wombat", "12.50", "grass and roots"], ["quokka", "8.00", "leaves"], ["numbat", "30.25", "termites"]];

    [Fact]
    public async Task ReadAsync_Table_KeepsItsCellsInRows()
    {
        byte[] pdf = Files.Pdf((builder, font, _) =>
        {
            PdfPageBuilder page = builder.AddPage(PageSize.A4);
            page.AddText("What the animals of the park cost, and what it is that they eat:", 11, new PdfPoint(50, 760), font);
            AddTable(page, font, 730, Rows);
            page.AddText("All prices are in coins, and they hold until the end of the next year.", 11, new PdfPoint(50, 640), font);
        });
        StructuredText text = await Files.ReadAsync("a.pdf", pdf);
        Assert.Equal(
            [
                "1||Paragraph: What the animals of the park cost, and what it is that they eat:",
                "1||Table: Animal | Price | Eats\nwombat | 12.50 | grass and roots\nquokka | 8.00 | leaves\nnumbat | 30.25 | termites",
                "1||Paragraph: All prices are in coins, and they hold until the end of the next year.",
            ],
            Files.Show(text));
    }

    [Fact]
    public async Task ReadAsync_CellsOfTwoLinesAndEmptyCells_StayInTheirRow()
    {
        byte[] pdf = Files.Pdf((builder, font, _) =>
            AddTable(builder.AddPage(PageSize.A4), font, 730, [["Name", "Code", "Note"], ["first", "A1", "says one"], ["", "", "and goes on"], ["second", "", "nothing"], ["third", "C3", ""], ["fourth", "D4", "last"]]));
        Assert.Equal("1||Table: Name | Code | Note\nfirst | A1 | says one and goes on\nsecond |  | nothing\nthird | C3\nfourth | D4 | last", Assert.Single(Files.Show(await Files.ReadAsync("a.pdf", pdf))));
    }

    [Fact]
    public async Task RetrieveAsync_LongTable_EachPassageHasItsHead()
    {
        byte[] pdf = Files.Pdf((builder, font, _) => AddTable(builder.AddPage(PageSize.A4), font, 800, [["Animal", "Price", "Eats"], .. Enumerable.Range(1, 45).Select(i => new[] { $"animal{i}", $"{i}.50", $"leaf{i}" })]));
        await using var host = new RagHost(rag => rag.WithDocumentReaders(), o => (o.Learn, o.ChunkTokens) = (false, 100));
        await host.Knowledge.AddOrUpdateAsync([new("a.pdf", "") { File = new DocumentFile("a.pdf", pdf) }], cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(host.Knowledge.PassageCount > 3);
        for (int i = 1; i <= 45; i++)
        {
            Passage passage = (await host.Retriever.RetrieveAsync($"animal{i}", cancellationToken: TestContext.Current.CancellationToken)).Passages[0];
            Assert.StartsWith("Animal | Price | Eats\n", passage.Text, StringComparison.Ordinal);
            Assert.Contains($"animal{i} | {i}.50 | leaf{i}", passage.Text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("•", "•", "•", "•")]
    [InlineData("1.", "2.", "3.", "4.")]
    [InlineData("(a)", "(b)", "(c)", "(d)")]
    public async Task ReadAsync_ListWithItsMarksApart_IsNoTable(params string[] marks)
    {
        byte[] pdf = Files.Pdf((builder, font, _) =>
        {
            PdfPageBuilder page = builder.AddPage(PageSize.A4);
            for (int i = 0; i < marks.Length; i++)
            {
                page.AddText(marks[i] == "•" ? "-" : marks[i], 11, new PdfPoint(50, 700 - (i * 14)), font);
                page.AddText("wombats dig", 11, new PdfPoint(80, 700 - (i * 14)), font);
            }
        });
        Assert.DoesNotContain((await Files.ReadAsync("a.pdf", pdf)).Blocks, block => block.Kind == TextBlockKind.Table);
    }

    [Fact]
    public async Task ReadAsync_HeadingOverTwoColumns_ComesBeforeThem()
    {
        byte[] pdf = Files.Pdf((builder, font, _) =>
        {
            PdfPageBuilder page = builder.AddPage(PageSize.A4);
            page.AddText("A heading that spans both of the columns below it", 20, new PdfPoint(50, 760), font);
            for (int i = 0; i < 20; i++)
            {
                page.AddText($"the left column says in its line {i} this", 10, new PdfPoint(50, 720 - (i * 13)), font);
                page.AddText($"the right column says in its line {i} that", 10, new PdfPoint(320, 720 - (i * 13)), font);
            }

            page.AddText("A second heading over all of the page", 20, new PdfPoint(50, 420), font);
            for (int i = 0; i < 20; i++)
            {
                page.AddText($"more of the left column in line {i} here", 10, new PdfPoint(50, 390 - (i * 13)), font);
                page.AddText($"more of the right column in line {i} there", 10, new PdfPoint(320, 390 - (i * 13)), font);
            }
        });
        string text = (await Files.ReadAsync("a.pdf", pdf)).Text.ReplaceLineEndings(" ");
        string[] order = ["A heading", "left column says in its line 0", "left column says in its line 19", "right column says in its line 0", "right column says in its line 19",
            "A second", "more of the left column in line 0", "more of the left column in line 19", "more of the right column in line 0"];
        int[] places = [.. order.Select(words => text.IndexOf(words, StringComparison.Ordinal))];
        Assert.All(places, place => Assert.True(place >= 0));
        Assert.Equal(places.Order(), places);
    }

    [Fact]
    public async Task ReadAsync_LetterSpacedWords_AreWords()
    {
        byte[] pdf = RawPdf.Page(
            "q BT /F 18 Tf 6 Tc 50 740 Td (ANNUAL REPORT) Tj ET Q\nBT /F 12 Tf 50 700 Td (H e l l o   w o r l d) Tj ET\n"
            + "BT /F 12 Tf 50 660 Td (The letters a, b and c are in this line of words.) Tj ET");
        string text = (await Files.ReadAsync("a.pdf", pdf)).Text;
        Assert.Contains("ANNUAL REPORT", text, StringComparison.Ordinal);
        Assert.Contains("Hello world", text, StringComparison.Ordinal);
        Assert.Contains("The letters a, b and c are", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_RunningHeadsFeetAndPageNumbers_AreInNoPassage()
    {
        byte[] pdf = Files.Pdf(
            (builder, font, number) =>
            {
                PdfPageBuilder page = builder.AddPage(PageSize.A4);
                page.AddText(number % 2 == 0 ? "The handbook of animals" : $"Part {(number / 6) + 1}", 8, new PdfPoint(50, 815), font);
                page.AddText($"Words of page number {number} say what they say.", 11, new PdfPoint(50, 600), font);
                page.AddText($"- {number} -", 9, new PdfPoint(280, 30), font);
                page.AddText("Confidential", 9, new PdfPoint(50, 30), font);
            },
            12);
        StructuredText text = await Files.ReadAsync("a.pdf", pdf);
        Assert.Equal(Enumerable.Range(1, 12).Select(i => $"{i}||Paragraph: Words of page number {i} say what they say."), Files.Show(text));
    }

    [Theory]
    [InlineData("Page 1 of 2")]
    [InlineData("1")]
    [InlineData("– 1 –")]
    [InlineData("xiv")]
    [InlineData("Seite 1")]
    public async Task ReadAsync_PageNumberOfAFewPages_IsNoText(string number)
    {
        byte[] pdf = RawPdf.Page($"BT /F 12 Tf 50 700 Td (The wombat digs.) Tj ET BT /F 9 Tf 300 20 Td ({number.Replace('–', '\u0096')}) Tj ET");
        Assert.Equal("1||Paragraph: The wombat digs.", Assert.Single(Files.Show(await Files.ReadAsync("a.pdf", pdf))));
    }

    [Theory]
    [InlineData("/Rotate 90", "BT /F 12 Tf 0 1 -1 0 {0} 100 Tm ({1}) Tj ET\n", 300, 16)]
    [InlineData("", "BT /F 12 Tf 0 1 -1 0 {0} 100 Tm ({1}) Tj ET\n", 300, 16)]
    [InlineData("", "BT /F 12 Tf 0 -1 1 0 {0} 700 Tm ({1}) Tj ET\n", 300, -16)]
    [InlineData("", "BT /F 12 Tf -1 0 0 -1 500 {0} Tm ({1}) Tj ET\n", 300, 16)]
    [InlineData("/Rotate 180", "BT /F 12 Tf 1 0 0 1 100 {0} Tm ({1}) Tj ET\n", 300, -16)]
    public async Task ReadAsync_TurnedPage_IsReadInItsDirection(string page, string line, int start, int step)
    {
        string[] lines = ["The wombat digs a hole that", "is as long as it needs to be", "for a wombat and its young."];
        string content = string.Concat(lines.Select((words, i) => string.Format(System.Globalization.CultureInfo.InvariantCulture, line, start + (i * step), words)));
        Assert.Equal($"1||Paragraph: {string.Join(' ', lines)}", Assert.Single(Files.Show(await Files.ReadAsync("a.pdf", RawPdf.Page(content, page)))));
    }

    [Fact]
    public async Task ReadAsync_FormOnly_IsReadByItsFields()
    {
        byte[] pdf = RawPdf.Page("", "/Annots[7 0 R 8 0 R 9 0 R]", "/AcroForm 6 0 R",
            "<</Fields[7 0 R 8 0 R 9 0 R]>>",
            "<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/TU(Full name)/V(Ada Wombat)/Rect[10 10 90 30]/P 4 0 R>>",
            "<</Type/Annot/Subtype/Widget/FT/Tx/T(empty)/Rect[10 40 90 60]/P 4 0 R>>",
            "<</Type/Annot/Subtype/Widget/FT/Ch/Ff 131072/T(colour)/Opt[(red)(green)]/V(green)/Rect[10 70 90 90]/P 4 0 R>>");
        Assert.Equal("1||Paragraph: Full name: Ada Wombat\ncolour: green", Assert.Single(Files.Show(await Files.ReadAsync("a.pdf", pdf))));
    }

    [Fact]
    public async Task ReadAsync_AnnotationsOnly_AreRead()
    {
        byte[] pdf = RawPdf.Page("", "/Annots[6 0 R 7 0 R]", "",
            "<</Type/Annot/Subtype/FreeText/Contents(The numbat was here.)/Rect[10 10 90 30]>>",
            "<</Type/Annot/Subtype/Link/Contents(no words)/Rect[10 40 90 60]>>");
        Assert.Equal("1||Paragraph: The numbat was here.", Assert.Single(Files.Show(await Files.ReadAsync("a.pdf", pdf))));
    }

    private static void AddTable(PdfPageBuilder page, PdfDocumentBuilder.AddedFont font, int top, string[][] rows)
    {
        int[] left = [50, 160, 260];
        for (int i = 0; i < rows.Length; i++)
        {
            for (int cell = 0; cell < rows[i].Length; cell++)
            {
                if (rows[i][cell].Length > 0)
                {
                    page.AddText(rows[i][cell], 10, new PdfPoint(left[cell], top - (i * 15)), font);
                }
            }
        }
    }
}
