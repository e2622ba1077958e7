using System.IO.Compression;
using System.Text;

namespace Coach.Rag.Documents.Tests.Office;

/// <summary>Files of which parts are missing, damaged or of another generation, as programs and people leave them.</summary>
public sealed class OfficeRepairTests
{
    private const string Strict = "http://purl.oclc.org/ooxml/";

    [Theory]
    [InlineData("xl/sharedStrings.xml")]
    [InlineData("xl/styles.xml")]
    [InlineData("xl/worksheets/sheet2.xml")]
    public async Task ReadAsync_WorkbookWithoutAPart_IsReadWithoutIt(string part)
    {
        byte[] whole = Files.ExcelCells();
        Assert.Contains(part, Names(whole));
        StructuredText text = await Files.ReadAsync("a.xlsx", Change(whole, (name, content) => name == part ? null : content));
        Assert.Contains("TRUE", text.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("xl/sharedStrings.xml", "not XML")]
    [InlineData("xl/styles.xml", "<styleSheet><cut")]
    [InlineData("xl/calcChain.xml", "<cut")]
    public async Task ReadAsync_WorkbookWithADamagedPart_IsReadWithoutIt(string part, string damage)
    {
        byte[] damaged = Change(WithCalculations(Files.ExcelCells()), (name, content) => name == part ? Files.Bytes(damage) : content);
        Assert.Contains("TRUE", (await Files.ReadAsync("a.xlsx", damaged)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_WorkbookThatNamesCalculationsThatAreNotThere_IsRead()
    {
        byte[] dangling = WithCalculations(Files.ExcelCells(), isThere: false);
        Assert.Equal((await Files.ReadAsync("a.xlsx", Files.ExcelCells())).Text, (await Files.ReadAsync("a.xlsx", dangling)).Text);
    }

    [Fact]
    public async Task ReadAsync_DocumentWithoutStylesAndWithABrokenLink_IsRead()
    {
        byte[] word = Files.Word([Files.Style("Kapitel", "Kapitel", outline: 0)], Files.Paragraph("Chapter", "Kapitel"), Files.Paragraph("Words."));
        byte[] broken = Change(word, (name, content) => name switch
        {
            "word/styles.xml" => null,
            "word/_rels/document.xml.rels" => Files.Bytes(Encoding.UTF8.GetString(content).Replace(
                "</Relationships>", "<Relationship Id='rIdX' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink' Target='http://[broken' TargetMode='External'/></Relationships>", StringComparison.Ordinal)),
            _ => content,
        });
        Assert.Equal(["0||Paragraph: Chapter", "0||Paragraph: Words."], Files.Show(await Files.ReadAsync("a.docx", broken)));
    }

    [Fact]
    public async Task ReadAsync_NamesWithBackslashes_AreRead()
    {
        byte[] odd = Change(Files.Word(Files.Paragraph("Words.")), (_, content) => content, name => name.Replace('/', '\\'));
        Assert.Equal("0||Paragraph: Words.", Assert.Single(Files.Show(await Files.ReadAsync("a.docx", odd))));
    }

    [Theory]
    [InlineData("a.docx")]
    [InlineData("a.xlsx")]
    [InlineData("a.pptx")]
    public async Task ReadAsync_StrictNamespaces_AreRead(string name)
    {
        byte[] file = name switch
        {
            "a.docx" => Files.Word(Files.Paragraph("Guide", "Heading1"), Files.Paragraph("The wombat digs."), Files.Table(["a", "b"], ["c", "d"])),
            "a.xlsx" => Files.Excel(("Animals", [["name", "price"], ["wombat", "3"]])),
            _ => Files.PowerPoint(("Title", ["The wombat digs."], "A note.")),
        };
        byte[] strict = Change(file, (part, content) => part.EndsWith(".xml", StringComparison.Ordinal) || part.EndsWith(".rels", StringComparison.Ordinal)
            ? Files.Bytes(Encoding.UTF8.GetString(content)
                .Replace("http://schemas.openxmlformats.org/officeDocument/2006/relationships", Strict + "officeDocument/relationships", StringComparison.Ordinal)
                .Replace("http://schemas.openxmlformats.org/wordprocessingml/2006/main", Strict + "wordprocessingml/main", StringComparison.Ordinal)
                .Replace("http://schemas.openxmlformats.org/spreadsheetml/2006/main", Strict + "spreadsheetml/main", StringComparison.Ordinal)
                .Replace("http://schemas.openxmlformats.org/presentationml/2006/main", Strict + "presentationml/main", StringComparison.Ordinal)
                .Replace("http://schemas.openxmlformats.org/drawingml/2006/main", Strict + "drawingml/main", StringComparison.Ordinal))
            : content);
        Assert.Equal(Files.Show(await Files.ReadAsync(name, file)), Files.Show(await Files.ReadAsync(name, strict)));
    }

    [Theory]
    [InlineData("a.docm")]
    [InlineData("a.dotm")]
    public async Task ReadAsync_DocumentWithMacros_IsReadWithoutThem(string name)
    {
        byte[] macros = Change(Files.Word(Files.Paragraph("Words.")), (part, content) => part == "[Content_Types].xml"
            ? Files.Bytes(Encoding.UTF8.GetString(content).Replace("wordprocessingml.document.main+xml", "ms-word.document.macroEnabled.main+xml", StringComparison.Ordinal)
                .Replace("openxmlformats-officedocument.ms-word", "ms-word", StringComparison.Ordinal))
            : content);
        Assert.Equal("0||Paragraph: Words.", Assert.Single(Files.Show(await Files.ReadAsync(name, Files.WithEntry(macros, "word/vbaProject.bin", [1, 2, 3])))));
    }

    [Theory]
    [InlineData("a.docx", "word/document.xml")]
    [InlineData("a.xlsx", "xl/workbook.xml")]
    public async Task ReadAsync_WithoutTheMainPart_IsRefused(string name, string part)
    {
        byte[] file = name == "a.docx" ? Files.Word(Files.Paragraph("Words.")) : Files.ExcelCells();
        byte[] damaged = Change(file, (each, content) => each == part ? Files.Bytes("<cut") : content);
        Assert.Equal(DocumentRefusal.Damaged, await Files.RefusalAsync(name, damaged));
    }

    private static byte[] WithCalculations(byte[] workbook, bool isThere = true)
    {
        byte[] named = Change(workbook, (name, content) => name == "xl/_rels/workbook.xml.rels"
            ? Files.Bytes(Encoding.UTF8.GetString(content).Replace("</Relationships>",
                "<Relationship Id='rIdC' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/calcChain' Target='calcChain.xml'/></Relationships>", StringComparison.Ordinal))
            : content);
        return isThere ? Files.WithEntry(named, "xl/calcChain.xml", Files.Bytes("<calcChain xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'/>")) : named;
    }

    private static IEnumerable<string> Names(byte[] file)
    {
        using var zip = new ZipArchive(new MemoryStream(file));
        return [.. zip.Entries.Select(entry => entry.FullName)];
    }

    private static byte[] Change(byte[] file, Func<string, byte[], byte[]?> change, Func<string, string>? rename = null)
    {
        using var zip = new ZipArchive(new MemoryStream(file));
        var entries = new List<(string, byte[])>();
        foreach (ZipArchiveEntry entry in zip.Entries)
        {
            using var content = new MemoryStream();
            using Stream stream = entry.Open();
            stream.CopyTo(content);
            if (change(entry.FullName, content.ToArray()) is { } changed)
            {
                entries.Add((rename?.Invoke(entry.FullName) ?? entry.FullName, changed));
            }
        }

        return Files.Zip([.. entries]);
    }
}
