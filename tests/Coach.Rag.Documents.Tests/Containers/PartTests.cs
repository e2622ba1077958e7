namespace Coach.Rag.Documents.Tests.Containers;

/// <summary>A part that is damaged, or of another kind, costs itself and not the file that it lies in.</summary>
public sealed class PartTests
{
    [Fact]
    public async Task ReadAsync_ExcelWithASlideShowInIt_IsExcel()
    {
        byte[] excel = Files.WithEntry(Files.Excel(("Animals", [["Animal"], ["wombat"]])), "xl/embeddings/show.pptx", Files.PowerPoint(("Intro", ["One"], null)));
        Assert.Contains("1|Animals|Table: Animal\nwombat", Files.Show(await Files.ReadAsync("a.xlsx", excel)));
        Assert.Contains("1|Animals|Table: Animal\nwombat", Files.Show(await Files.ReadAsync("a.docx", excel)));
        Assert.Contains("1|Animals|Table: Animal\nwombat", Files.Show(await Files.ReadAsync("a.bin", excel)));
    }

    [Fact]
    public async Task ReadAsync_OfficeFileWithDamagedProperties_IsRead()
    {
        byte[] word = Files.WithDamagedProperties(Files.Word(Files.Paragraph("The quokka smiles.")));
        StructuredText text = await Files.ReadAsync("a.docx", word);
        Assert.Equal("0||Paragraph: The quokka smiles.", Assert.Single(Files.Show(text)));
        Assert.Contains("damaged properties", Assert.Single(text.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_EpubWithAPictureAsChapter_IsRead()
    {
        byte[] book = Files.Zip(
            ("META-INF/container.xml", Files.Bytes("<container><rootfiles><rootfile full-path='a.opf'/></rootfiles></container>")),
            ("a.opf", Files.Bytes("<package><metadata/><manifest><item id='a' href='a.jpg'/><item id='b' href='b.xhtml'/></manifest><spine><itemref idref='a'/><itemref idref='b'/></spine></package>")),
            ("a.jpg", [0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 1, 2, 3, 0, 0, 0, 4]),
            ("b.xhtml", Files.Bytes("<html><body><p>Quokkas.</p></body></html>")));
        StructuredText text = await Files.ReadAsync("a.epub", book);
        Assert.Equal("0||Paragraph: Quokkas.", Assert.Single(Files.Show(text)));
        Assert.Contains("1 chapter(s)", Assert.Single(text.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_ZipWithAnEntryOfAnotherMethod_KeepsTheOthers()
    {
        byte[] zip = Files.Zip(("a.md", Files.Bytes("The wombat digs.")), ("b.md", Files.Bytes("The quokka smiles.")));
        Files.ChangeMethod(zip, "b.md", method: 6);
        StructuredText text = await Files.ReadAsync("a.zip", zip);
        Assert.Equal("0|a.md|Paragraph: The wombat digs.", Assert.Single(Files.Show(text)));
        Assert.Contains(text.Notes, note => note.Contains("1 file(s) were left out", StringComparison.Ordinal));
    }
}
