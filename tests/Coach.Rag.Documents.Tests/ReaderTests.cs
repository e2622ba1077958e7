using System.Text;
using Coach.Rag.Tests;
using Microsoft.Extensions.DependencyInjection;
using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Writer;

namespace Coach.Rag.Documents.Tests;

public sealed class ReaderTests
{
    [Fact]
    public async Task Pdf_HeadingsColumnsAndPages_AreInReadingOrder()
    {
        byte[] pdf = Files.Pdf(
            (builder, font, number) =>
            {
                PdfPageBuilder page = builder.AddPage(PageSize.A4);
                page.AddText($"Annual report page {number}", 8, new PdfPoint(50, 820), font);
                page.AddText($"Chapter {number}", 20, new PdfPoint(50, 760), font);
                for (int i = 0; i < 12; i++)
                {
                    page.AddText($"left{number} line {i} of words", 10, new PdfPoint(50, 700 - (i * 14)), font);
                    page.AddText($"right{number} line {i} of words", 10, new PdfPoint(330, 700 - (i * 14)), font);
                }
            },
            3);
        StructuredText text = await Files.ReadAsync("a.pdf", pdf);
        Assert.Equal([1, 2, 3], text.Blocks.Select(block => block.Page).Distinct());
        Assert.Equal(["Chapter 1", "Chapter 2", "Chapter 3"], text.Blocks.Select(block => block.Heading).Distinct());
        string first = string.Join('\n', text.Blocks.Where(block => block.Page == 1).Select(block => text.Text[block.Start..block.End]));
        Assert.True(first.LastIndexOf("left1", StringComparison.Ordinal) < first.IndexOf("right1", StringComparison.Ordinal), first);
        Assert.DoesNotContain("Annual report", first, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pdf_PartedWord_IsOneAgainAndNameDoesNotMatter()
    {
        StructuredText text = await Files.ReadAsync("a.txt", Files.PdfText("The num-", "bat eats termites."));
        Assert.Equal("The numbat eats termites.", text.Text);
    }

    [Fact]
    public async Task RetrieveAsync_Pdf_CitesThePage()
    {
        byte[] pdf = Files.Pdf((builder, font, number) => builder.AddPage(PageSize.A4).AddText($"Animal number {number} is the {new[] { "wombat", "quokka", "numbat" }[number - 1]}.", 12, new PdfPoint(50, 700), font), 3);
        await using var host = new RagHost(rag => rag.WithDocumentReaders(), o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("zoo.pdf", "") { File = new DocumentFile("zoo.pdf", pdf) }], cancellationToken: TestContext.Current.CancellationToken);
        Passage passage = (await host.Retriever.RetrieveAsync("numbat", cancellationToken: TestContext.Current.CancellationToken)).Passages[0];
        Assert.Contains("numbat", passage.Text, StringComparison.Ordinal);
        Assert.InRange(passage.Page ?? 0, 1, 3);
    }

    [Fact]
    public async Task Word_HeadingsListsTablesAndNotes_AreKept()
    {
        byte[] word = Files.Word(
            Files.Paragraph("Guide", "Heading1"), Files.Paragraph("Some words."), Files.Paragraph("Install", "Heading2"),
            Files.Paragraph("First", list: 0), Files.Paragraph("Second", list: 1),
            Files.Table(["Animal", "Price"], ["wombat", "3"], ["", "4"]));
        StructuredText text = await Files.ReadAsync("a.docx", word);
        Assert.Equal(("The handbook", "Nobody"), (text.Title, text.Metadata["author"]));
        Assert.Equal(
            ["0|Guide|Paragraph: Some words.", "0|Guide/Install|ListItem: - First", "0|Guide/Install|ListItem:   - Second", "0|Guide/Install|Table: Animal | Price\nwombat | 3\n | 4"],
            Files.Show(text));
        Assert.Equal(Files.Show(text), Files.Show(await Files.ReadAsync("a.bin", word)));       // by its content
    }

    [Fact]
    public async Task Word_StylesOfItsOwn_AreHeadingsByTheirDefinition()
    {
        byte[] word = Files.Word(
            styles:
            [
                Files.Style("Kapitel", "Kapitel", outline: 0),
                Files.Style("Abschnitt", "heading 2"),
                Files.Style("Unterabschnitt", "own", basedOn: "Abschnitt"),
                Files.Style("Titel", "Title"),
            ],
            Files.Paragraph("Book", "Titel"), Files.Paragraph("Chapter", "Kapitel"), Files.Paragraph("Words."),
            Files.Paragraph("Section", "Abschnitt"), Files.Boxed(Files.Paragraph("Boxed words.")),
            Files.Paragraph("Part", "Unterabschnitt"), Files.Paragraph("More words."),
            Files.SpanningTable());
        StructuredText text = await Files.ReadAsync("a.docx", word);
        Assert.Equal(
            [
                "0||Paragraph: Book", "0|Chapter|Paragraph: Words.", "0|Chapter/Section|Paragraph: Boxed words.", "0|Chapter/Part|Paragraph: More words.",
                "0|Chapter/Part|Table: wide |  | last\na | b | c",
            ],
            Files.Show(text));
    }

    [Fact]
    public async Task Word_TextBoxes_AreReadOnce()
    {
        StructuredText text = await Files.ReadAsync("a.docx", Files.Word(Files.ParagraphWithTextBox("Before. ", "In the box.")));
        Assert.Equal("0||Paragraph: Before. In the box.", Assert.Single(Files.Show(text)));
    }

    [Fact]
    public async Task Excel_CellsOfEachType_AreReadAsTheyAreShown()
    {
        byte[] excel = Files.ExcelCells();
        StructuredText text = await Files.ReadAsync("a.xlsx", excel);
        Assert.Equal(
            ["1|Types|Table: shared 東京 | TRUE | FALSE\n2024-03-05 | 2024-03-05 12:00 | 06:00\n45356 | 3.5"],
            Files.Show(text));
    }

    [Fact]
    public async Task Json_ListsOfLists_StandAfterTheirIndices()
    {
        StructuredText text = await Files.ReadAsync("a.json", """{"grid":[[1,2],[3,{"x":null,"y":true}]]}""");
        Assert.Equal("0||Paragraph: grid[0]: 1, 2\ngrid[1][0]: 3\ngrid[1][1].y: true", Assert.Single(Files.Show(text)));
        Assert.Equal(["0||Paragraph: 1", "0||Paragraph: two"], Files.Show(await Files.ReadAsync("a.json", """[1,"two"]""")));
        Assert.Equal("0||Paragraph: alone", Assert.Single(Files.Show(await Files.ReadAsync("a.json", "\"alone\""))));
        Assert.Equal(DocumentRefusal.Damaged, await Files.RefusalAsync("a.jsonl", Files.Bytes("no\nlines\n")));
    }

    [Fact]
    public async Task PowerPoint_Slides_AreNumberedWithTheirNotes()
    {
        StructuredText text = await Files.ReadAsync("a.pptx", Files.PowerPoint(("Intro", ["One", "Two"], null), ("Prices", ["Three"], "Say it slowly.")));
        Assert.Equal(["1|Intro|ListItem: - One", "1|Intro|ListItem: - Two", "2|Prices|ListItem: - Three", "2|Prices|Paragraph: Say it slowly."], Files.Show(text));
    }

    [Fact]
    public async Task Excel_Sheets_AreTablesWithCellsInTheirColumns()
    {
        StructuredText text = await Files.ReadAsync("a.xlsx", Files.Excel(("Animals", [["Animal", "Price", "Note"], ["wombat", "", "digs"], ["quokka", "4"]]), ("Empty", [])));
        Assert.Equal(["1|Animals|Table: Animal | Price | Note\nwombat |  | digs\nquokka | 4"], Files.Show(text).Where(line => line.Contains("Table", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("a.csv", "Animal,Price\n\"wombat, old\",3\n\"two\nlines\",4\n", "Animal | Price\nwombat, old | 3\ntwo lines | 4")]
    [InlineData("a.csv", "Animal;Price\nwombat;3,5\n", "Animal | Price\nwombat | 3,5")]
    [InlineData("a.tsv", "Animal\tPrice\nwom\"bat\t3\n", "Animal | Price\nwom\"bat | 3")]
    [InlineData("a.csv", "Animal,Price\nwombat\nquokka,4,more\n,5\n", "Animal | Price\nwombat\nquokka | 4 | more\n | 5")]
    public async Task Csv_Rows_AreATable(string name, string content, string expected)
    {
        StructuredText text = await Files.ReadAsync(name, content);
        Assert.Equal("0||Table: " + expected, Assert.Single(Files.Show(text)));
    }

    [Fact]
    public async Task Json_Values_StandAfterTheirPaths()
    {
        StructuredText text = await Files.ReadAsync("a.json", """{"name":"Zoo","tags":["a","b"],"animals":[{"name":"wombat","price":{"amount":3}},{"name":"quokka"}],"logo":"data:image/png;base64,AAAA"}""");
        Assert.Equal(["0||Paragraph: name: Zoo", "0||Paragraph: tags: a, b", "0|animals|Paragraph: name: wombat\nprice.amount: 3", "0|animals|Paragraph: name: quokka"], Files.Show(text));
        StructuredText lines = await Files.ReadAsync("a.jsonl", "{\"q\":\"What?\",\"a\":\"That.\"}\nnot json\n{\"q\":\"Who?\"}\n");
        Assert.Equal(["0||Paragraph: q: What?\na: That.", "0||Paragraph: q: Who?"], Files.Show(lines));
        Assert.Contains("1 line(s) that are no JSON", Assert.Single(lines.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Notebook_Cells_AreTextAndCode()
    {
        StructuredText text = await Files.ReadAsync("a.ipynb", """
            {"nbformat":4,"metadata":{"kernelspec":{"language":"python"}},"cells":[
              {"cell_type":"markdown","source":["# Guide\n","\n","Some words."]},
              {"cell_type":"code","source":["x = 1\n","x"],"outputs":[{"data":{"text/plain":["1"],"image/png":"AAAA"}}]},
              {"cell_type":"markdown","source":"## Part"},
              {"cell_type":"code","source":"y = 2","outputs":[]}]}
            """);
        Assert.Equal(["0|Guide|Paragraph: Some words.", "0|Guide|Code: x = 1\nx", "0|Guide|Code: 1", "0|Guide/Part|Code: y = 2"], Files.Show(text));
    }

    [Fact]
    public async Task Epub_Chapters_AreInTheOrderOfTheSpine()
    {
        byte[] book = Files.Zip(
            ("mimetype", Files.Bytes("application/epub+zip")),
            ("META-INF/container.xml", Files.Bytes("<container xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles><rootfile full-path='OPS/a.opf'/></rootfiles></container>")),
            ("OPS/a.opf", Files.Bytes("<package xmlns='http://www.idpf.org/2007/opf'><metadata xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:title>Zoo</dc:title><dc:creator>Nobody</dc:creator></metadata><manifest><item id='b' href='b.xhtml'/><item id='a' href='a%20a.xhtml'/></manifest><spine><itemref idref='a'/><itemref idref='b'/></spine></package>")),
            ("OPS/b.xhtml", Files.Bytes("<html><body><h1>Two</h1><p>Quokkas.</p></body></html>")),
            ("OPS/a a.xhtml", Files.Bytes("<html><body><h1>One</h1><p>Wombats.</p></body></html>")));
        StructuredText text = await Files.ReadAsync("a.epub", book);
        Assert.Equal(["0|One|Paragraph: Wombats.", "0|Two|Paragraph: Quokkas."], Files.Show(text));
        Assert.Equal(("Zoo", "Nobody"), (text.Title, text.Metadata["author"]));
    }

    [Fact]
    public async Task Mail_BodyAndAttachments_AreRead()
    {
        const string Mail = "From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: =?utf-8?B?w4RwZmVs?= and pears\r\nDate: Tue, 03 Feb 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
            + "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>The <b>wombat</b> digs.</p>\r\n"
            + "--x\r\nContent-Type: text/csv; name=a.csv\r\nContent-Disposition: attachment; filename=a.csv\r\nContent-Transfer-Encoding: base64\r\n\r\nQW5pbWFsLFByaWNlCnF1b2trYSw0Cg==\r\n--x--\r\n";
        StructuredText text = await Files.ReadAsync("a.eml", Mail);
        Assert.Equal(["0|Äpfel and pears|Paragraph: The wombat digs.", "0|a.csv|Table: Animal | Price\nquokka | 4"], Files.Show(text));
        Assert.Equal(("Äpfel and pears", "2026-02-03", "\"Ann\" <ann@example.org>"), (text.Title, text.Metadata["date"], text.Metadata["from"]));
    }

    [Fact]
    public async Task AsciiDoc_TitlesBlocksAndTables_PointAtTheFile()
    {
        const string Source = "= The Guide\n:author: Nobody\n\n// no\n[[one]]\n== Install {x}\n\nRun it with\nwords.\n\n[source,sh]\n----\napt install\n----\n\n|===\n|Animal |Price\n\n|wombat |3\n|===\n\n* one\n* two\n\nNOTE: Mind the gap.\n\ninclude::x.adoc[]\n";
        StructuredText text = await Files.ReadAsync("a.adoc", Source);
        Assert.Equal("The Guide", text.Title);
        Assert.Equal(
            ["Paragraph: Run it with\nwords.", "Code: apt install", "Table: Animal | Price\nwombat | 3", "ListItem: * one", "ListItem: * two", "Paragraph: NOTE: Mind the gap."],
            Files.Show(text).Select(line => line[(line.LastIndexOf('|', line.IndexOf(": ", StringComparison.Ordinal)) + 1)..]));
        Assert.All(text.Blocks, block => Assert.StartsWith("The Guide", block.Heading, StringComparison.Ordinal));
    }

    [Fact]
    public async Task ReStructuredText_TitlesDirectivesAndTables_AreRead()
    {
        const string Source = "=====\nGuide\n=====\n\n.. meta::\n   :description: About it\n\n.. _anchor:\n\nIntro words.\n\nInstall\n-------\n\nRun this::\n\n    apt install\n\n.. note:: Mind the gap.\n\n   And more.\n\n.. code-block:: python\n   :linenos:\n\n   print(1)\n\n.. image:: x.png\n   :alt: no\n\n=====  =====\nA      B\n=====  =====\n1      2\n=====  =====\n\nOther\n-----\n\n- one\n- two\n";
        StructuredText text = await Files.ReadAsync("a.rst", Source);
        Assert.Equal(
            ["0|Guide|Paragraph: Intro words.", "0|Guide/Install|Paragraph: Run this:", "0|Guide/Install|Code:     apt install", "0|Guide/Install|Paragraph: Mind the gap.",
             "0|Guide/Install|Paragraph: And more.", "0|Guide/Install|Code:    print(1)", "0|Guide/Install|Table: A | B\n1 | 2",
             "0|Guide/Other|ListItem: - one", "0|Guide/Other|ListItem: - two"],
            Files.Show(text));
        Assert.Equal("About it", text.Metadata["description"]);
    }

    [Theory]
    [InlineData("a.py", "import os\n\n# Adds.\ndef add(a, b):\n    return a + b\n\nclass Zoo:\n    def open(self):\n        pass\n", "def add(a, b)", "class Zoo")]
    [InlineData("a.cs", "using System;\n\n/// <summary>Adds.</summary>\npublic static class Add\n{\n    int x;\n}\n\ninternal enum Zoo\n{\n    A,\n}\n", "public static class Add", "internal enum Zoo")]
    [InlineData("a.go", "package main\n\nfunc add(a int) {\n}\n\ntype Zoo struct {\n}\n", "func add(a int)", "type Zoo struct")]
    public async Task Code_Declarations_AreBlocksWithTheirComments(string name, string source, string first, string second)
    {
        await using var host = new RagHost(rag => rag.WithDocumentReaders(), o => o.Learn = false);
        StructuredText text = await Files.ReadAsync(name, source);
        Assert.Contains(first, text.Blocks.Select(block => block.Heading));
        Assert.Contains(second, text.Blocks.Select(block => block.Heading));
        Assert.Equal(string.Concat(source.Where(c => !char.IsWhiteSpace(c))), string.Concat(text.Blocks.SelectMany(block => text.Text[block.Start..block.End]).Where(c => !char.IsWhiteSpace(c))));
        await host.Knowledge.AddOrUpdateAsync([new(name, "") { File = new DocumentFile(name, Files.Bytes(source)) }], cancellationToken: TestContext.Current.CancellationToken);
        Passage passage = (await host.Retriever.RetrieveAsync("zoo", cancellationToken: TestContext.Current.CancellationToken)).Passages[0];
        Assert.Equal(source.Substring(passage.Start, passage.Length), passage.Text);
    }

    [Theory]
    [InlineData("a.adoc", "= Guide\n\nThe wombat digs deep holes.\n\n== Part\n\nThe quokka smiles.\n", "wombat", "The wombat digs deep holes.")]
    [InlineData("a.rst", "Guide\n=====\n\nThe wombat digs deep holes.\n\nPart\n----\n\nThe quokka smiles.\n", "wombat", "The wombat digs deep holes.")]
    public async Task RetrieveAsync_TextFormats_RangesSliceTheFile(string name, string source, string question, string text)
    {
        await using var host = new RagHost(rag => rag.WithDocumentReaders(), o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new(name, "") { File = new DocumentFile(name, Files.Bytes(source)) }], cancellationToken: TestContext.Current.CancellationToken);
        Passage passage = (await host.Retriever.RetrieveAsync(question, cancellationToken: TestContext.Current.CancellationToken)).Passages[0];
        Assert.StartsWith(text, source[passage.Start..], StringComparison.Ordinal);
        Assert.Contains(text, passage.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mailbox_Mails_StandUnderTheirSubjects()
    {
        const string Box = "From ann Tue Feb  3 10:00:00 2026\nFrom: Ann <ann@example.org>\nSubject: Apples\nDate: Tue, 03 Feb 2026 10:00:00 +0000\n\nThe wombat digs.\n\n"
            + "From bob Wed Feb  4 10:00:00 2026\nFrom: bob@example.org\nSubject: Pears\nDate: Wed, 04 Feb 2026 10:00:00 +0000\n\nThe quokka smiles.\n";
        StructuredText text = await Files.ReadAsync("a.mbox", Box);
        Assert.Equal(
            ["0|Apples|Paragraph: \"Ann\" <ann@example.org>, 2026-02-03", "0|Apples|Paragraph: The wombat digs.",
             "0|Pears|Paragraph: bob@example.org, 2026-02-04", "0|Pears|Paragraph: The quokka smiles."],
            Files.Show(text));
        Assert.Equal("", text.Title);
        Assert.Equal(DocumentRefusal.Damaged, await Files.RefusalAsync("a.mbox", Files.Bytes("no mail")));
    }

    [Fact]
    public async Task Excel_Numbers_HaveTheDigitsThatExcelShows()
    {
        StructuredText text = await Files.ReadAsync("a.xlsx", Files.ExcelNumbers("32.799999999999997", "0.10000000000000001", "12345678901234", "1.5", "not a number at all"));
        Assert.Equal("1|Numbers|Table: 32.8 | 0.1 | 12345678901234 | 1.5 | not a number at all", Assert.Single(Files.Show(text)));
    }

    [Fact]
    public async Task PowerPoint_SlidesWithoutWords_AreNone()
    {
        StructuredText text = await Files.ReadAsync("a.pptx", Files.PowerPoint(("", [], null), ("Intro", ["One"], null), ("", ["Two"], null)));
        Assert.Equal(["2|Intro|ListItem: - One", "3|Slide 3|ListItem: - Two"], Files.Show(text));
    }

    [Fact]
    public async Task PowerPoint_Charts_SayTheirWords()
    {
        StructuredText text = await Files.ReadAsync("a.pptx", Files.WithChart(Files.PowerPoint(("Prices", ["All"], null)), "Price by animal", ["wombat", "quokka"]));
        Assert.Equal(["1|Prices|ListItem: - All", "1|Prices|Paragraph: Price by animal, wombat, quokka"], Files.Show(text));
    }

    [Fact]
    public async Task Mhtml_SavedPage_IsItsMainContent()
    {
        string page = "From: <Saved by x>\r\nSubject: Zoo\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x; type=\"text/html\"\r\n\r\n--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
            + "<html><body><nav>Menu of things</nav><main><h1>Zoo</h1><p>" + string.Concat(Enumerable.Repeat("The wombat digs. ", 40)) + "</p></main><footer>Imprint</footer></body></html>\r\n--x--\r\n";
        StructuredText text = await Files.ReadAsync("a.mhtml", page);
        Assert.Contains("wombat", text.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(Files.Show(text), line => line.Contains("Menu", StringComparison.Ordinal) || line.Contains("Imprint", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Zip_Files_AreReadUnderTheirNames()
    {
        byte[] zip = Files.Zip(
            ("docs/a.md", Files.Bytes("# Guide\n\nThe wombat digs.")), ("b.docx", Files.Word(Files.Paragraph("The quokka smiles."))),
            ("inner.zip", Files.Zip(("c.txt", Files.Bytes("The numbat eats.")))), ("d.exe", [1, 2, 3]), ("../../evil.md", Files.Bytes("Climbs out.")), ("broken.docx", Files.Bytes("PK\u0003\u0004x")));
        StructuredText text = await Files.ReadAsync("all.zip", zip);
        Assert.Equal(["0|b.docx|Paragraph: The quokka smiles.", "0|docs/a.md/Guide|Paragraph: The wombat digs.", "0|inner.zip/c.txt|Paragraph: The numbat eats."], Files.Show(text).Order());
        Assert.Contains(text.Notes, note => note.Contains("2 file(s) were left out", StringComparison.Ordinal));
    }
}
