using System.IO.Compression;
using System.Text;
using Coach.Rag.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rag.Documents.Tests;

/// <summary>Files made to cost much or to reach out: refused in bounded time and memory, with a reason that says what to do.</summary>
public sealed class HostileFileTests
{
    private static readonly DocumentLimits Small = new(1 << 20, 64, TimeSpan.FromSeconds(20));

    [Fact]
    public async Task Zip_Bomb_IsRefusedAfterTheLimit()
    {
        byte[] bomb = Files.Zip(("a.txt", new byte[64 << 20]));
        Assert.True(bomb.Length < 1 << 20);
        Assert.Equal(DocumentRefusal.TooLarge, await Files.RefusalAsync("a.zip", bomb, Small));
    }

    [Fact]
    public async Task Zip_ManyEntriesOfTheSameBomb_AreCountedTogether()
    {
        byte[] part = [.. Enumerable.Repeat((byte)'a', 200_000)];
        Assert.Equal(DocumentRefusal.TooLarge, await Files.RefusalAsync("a.zip", Files.Zip([.. Enumerable.Range(0, 10).Select(i => ($"{i}.txt", part))]), Small));
    }

    [Fact]
    public async Task Zip_InZipInZip_IsRefusedAtADepth()
    {
        byte[] zip = Files.Zip(("a.txt", Files.Bytes("The wombat digs.")));
        for (int i = 0; i < 20; i++)
        {
            zip = Files.Zip(("a.zip", zip));
        }

        Assert.Equal(DocumentRefusal.TooDeep, await Files.RefusalAsync("a.zip", zip, Small));
    }

    [Fact]
    public async Task Zip_NamesThatClimbOut_NameNothing()
    {
        byte[] zip = Files.Zip(("../a.md", Files.Bytes("no")), ("/etc/b.md", Files.Bytes("no")), ("x/../../c.md", Files.Bytes("no")), ("C:\\d.md", Files.Bytes("no")), ("..\\e.md", Files.Bytes("no")));
        Assert.Equal(DocumentRefusal.NoReader, await Files.RefusalAsync("a.zip", zip));
    }

    [Theory]
    [InlineData("a.docx", "word/document.xml")]
    [InlineData("a.xlsx", "xl/workbook.xml")]
    [InlineData("a.pptx", "ppt/presentation.xml")]
    [InlineData("a.epub", "META-INF/container.xml")]
    public async Task Office_EntitiesNestingAndBombs_AreRefused(string name, string part)
    {
        byte[] lol = Files.Bytes("<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><l>&b;</l>");
        Assert.Equal(DocumentRefusal.Damaged, await Refusal(lol));
        byte[] external = Files.Bytes("<?xml version='1.0'?><!DOCTYPE l SYSTEM 'file:///etc/passwd'><l/>");
        Assert.Equal(DocumentRefusal.Damaged, await Refusal(external));
        byte[] deep = Files.Bytes(string.Concat(Enumerable.Repeat("<a>", 50_000)) + string.Concat(Enumerable.Repeat("</a>", 50_000)));
        Assert.Equal(DocumentRefusal.TooDeep, await Refusal(deep));
        byte[] large = Files.Bytes("<a>" + new string('x', 8 << 20) + "</a>");
        Assert.Equal(DocumentRefusal.TooLarge, await Refusal(large));

        Task<DocumentRefusal?> Refusal(byte[] xml) => RefusalOf(name, Files.Zip(("[Content_Types].xml", Files.Bytes("<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'/>")), (part, xml)));
    }

    [Fact]
    public async Task Office_EncryptedAndOldFiles_SayWhatToDo()
    {
        byte[] old = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, .. new byte[1000]];
        RagException refused = await Assert.ThrowsAsync<RagException>(() => Files.ReadAsync("a.doc", old));
        Assert.Equal("The document is of the Office format before 2007; save it as .docx.", refused.Message);
        byte[] encrypted = [.. old, .. Encoding.Unicode.GetBytes("EncryptedPackage"), .. new byte[100]];
        refused = await Assert.ThrowsAsync<RagException>(() => Files.ReadAsync("a.xlsx", encrypted));
        Assert.Equal((DocumentRefusal.Encrypted, "The document is encrypted; save it without a password."), (refused.Refusal, refused.Message));
    }

    [Fact]
    public async Task Pdf_DamagedScannedAndNested_SayWhatToDo()
    {
        Assert.Equal(DocumentRefusal.Damaged, await Files.RefusalAsync("a.pdf", Files.Bytes("%PDF-1.7\nnothing here")));
        Assert.Equal(DocumentRefusal.Damaged, await Files.RefusalAsync("a.pdf", []));
        Assert.Equal(DocumentRefusal.Empty, await Files.RefusalAsync("a.pdf", Files.Pdf((builder, _, _) => builder.AddPage(100, 100))));
        byte[] png = Convert.FromBase64String("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");
        Assert.Equal(DocumentRefusal.Scanned, await Files.RefusalAsync("a.pdf", Files.Pdf((builder, _, _) => builder.AddPage(100, 100).AddPng(png, new UglyToad.PdfPig.Core.PdfRectangle(0, 0, 50, 50)))));
        byte[] nested = Files.Bytes("%PDF-1.4\n1 0 obj\n" + new string('[', 200_000) + "\nendobj\n");
        Assert.Equal(DocumentRefusal.TooDeep, await Files.RefusalAsync("a.pdf", nested));
        byte[] dictionaries = Files.Bytes("%PDF-1.4\n1 0 obj\n" + string.Concat(Enumerable.Repeat("<</a ", 100_000)) + "\nendobj\n");
        Assert.Equal(DocumentRefusal.TooDeep, await Files.RefusalAsync("a.pdf", dictionaries));
    }

    [Fact]
    public async Task Pdf_PageTreeThatLoops_Ends()
    {
        const string Loop = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2>>endobj\n3 0 obj<</Type/Pages/Parent 2 0 R/Kids[2 0 R]/Count 1>>endobj\ntrailer<</Root 1 0 R/Size 4>>\n%%EOF";
        await Assert.ThrowsAsync<RagException>(() => Files.ReadAsync("a.pdf", Files.Bytes(Loop)));
    }

    [Theory]
    [InlineData("a.json")]
    [InlineData("a.ipynb")]
    public async Task Json_DeepNesting_IsRefused(string name) =>
        Assert.Equal(DocumentRefusal.Damaged, await Files.RefusalAsync(name, Files.Bytes(new string('[', 100_000))));

    [Theory]
    [InlineData("a.pdf")]
    [InlineData("a.docx")]
    [InlineData("a.xlsx")]
    [InlineData("a.pptx")]
    [InlineData("a.zip")]
    [InlineData("a.epub")]
    [InlineData("a.ipynb")]
    [InlineData("a.json")]
    [InlineData("a.eml")]
    [InlineData("a.csv")]
    [InlineData("a.rst")]
    [InlineData("a.adoc")]
    public async Task ReadAsync_MutatedFiles_AreReadOrRefused(string name)
    {
        byte[] original = Original(name);
        var random = new Random(11);
        for (int round = 0; round < 40; round++)
        {
            byte[] mutated = Mutate(original, random);
            try
            {
                StructuredText text = await ReadWithinLimitsAsync(name, mutated);
                Assert.All(text.Blocks, block => Assert.InRange(block.End, block.Start, text.Text.Length));
            }
            catch (RagException e)
            {
                Assert.Equal(RagError.DocumentRefused, e.Error);
            }
        }
    }

    [Fact]
    public async Task SyncAsync_FolderWithHostileFiles_TheRestAnswers()
    {
        using var folder = new TempFolder();
        await File.WriteAllBytesAsync(folder.File("bomb.zip"), Files.Zip(("a.txt", new byte[64 << 20])), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.File("broken.pdf"), "%PDF-1.7", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.File("deep.json"), new string('[', 100_000), TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(folder.File("good.docx"), Files.Word(Files.Paragraph("The wombat digs.")), TestContext.Current.CancellationToken);
        await using var host = new RagHost(rag => rag.WithDocumentReaders().WithSource(folder.Path), o => (o.Learn, o.MaxExpandedBytes) = (false, 1 << 20));
        IngestReport report = await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal([("bomb.zip", DocumentRefusal.TooLarge), ("broken.pdf", DocumentRefusal.Damaged), ("deep.json", DocumentRefusal.Damaged)], report.Failed.Select(each => (each.Id, each.Refusal)));
        Assert.Equal("good.docx", Assert.Single((await host.Retriever.RetrieveAsync("wombat", cancellationToken: TestContext.Current.CancellationToken)).Passages).Source);
    }

    private static async Task<DocumentRefusal?> RefusalOf(string name, byte[] content)
    {
        try
        {
            await Files.ReadAsync(name, content, Small);
            return null;
        }
        catch (RagException e)
        {
            return e.Refusal;
        }
        catch (System.Xml.XmlException)
        {
            return DocumentRefusal.Damaged;     // as the host reports what a reader throws
        }
    }

    // As the registration runs a reader: what it throws is a damaged document.
    private static async Task<StructuredText> ReadWithinLimitsAsync(string name, byte[] content)
    {
        try
        {
            return await Files.ReadAsync(name, content, Small with { MaxExpandedBytes = 8 << 20 });
        }
        catch (Exception e) when (e is not (RagException or StackOverflowException or OutOfMemoryException))
        {
            throw RagException.DocumentRefused(DocumentRefusal.Damaged, e.GetType().Name);
        }
    }

    private static byte[] Original(string name) => name[(name.LastIndexOf('.') + 1)..] switch
    {
        "pdf" => Files.PdfText("The wombat digs.", "The quokka smiles."),
        "docx" => Files.Word(Files.Paragraph("Guide", "Heading1"), Files.Paragraph("The wombat digs."), Files.Table(["a", "b"], ["1", "2"])),
        "xlsx" => Files.Excel(("Sheet", [["a", "b"], ["1", "2"]])),
        "pptx" => Files.PowerPoint(("Title", ["One"], "Note")),
        "zip" => Files.Zip(("a.md", Files.Bytes("# A\n\nThe wombat digs.")), ("b.csv", Files.Bytes("a,b\n1,2\n"))),
        "epub" => Files.Zip(("mimetype", Files.Bytes("application/epub+zip")), ("META-INF/container.xml", Files.Bytes("<container><rootfiles><rootfile full-path='a.opf'/></rootfiles></container>")),
            ("a.opf", Files.Bytes("<package><manifest><item id='a' href='a.html'/></manifest><spine><itemref idref='a'/></spine></package>")), ("a.html", Files.Bytes("<p>The wombat digs."))),
        "ipynb" => Files.Bytes("""{"cells":[{"cell_type":"markdown","source":["# A\n","words"]},{"cell_type":"code","source":"x","outputs":[{"text":"y"}]}]}"""),
        "json" => Files.Bytes("""{"a":[{"b":1},{"c":[1,2,{"d":"e"}]}],"f":null}"""),
        "eml" => Files.Bytes("From: a@b\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nThe wombat digs.\r\n--x--\r\n"),
        "csv" => Files.Bytes("a,b\n\"1,2\",3\n"),
        "rst" => Files.Bytes("Guide\n=====\n\n.. note:: x\n\n+---+---+\n| a | b |\n+===+===+\n| 1 | 2 |\n+---+---+\n\nLit::\n\n  x\n"),
        _ => Files.Bytes("= Guide\n\n== Part\n\n----\ncode\n----\n\n|===\n|a |b\n|===\n"),
    };

    private static byte[] Mutate(byte[] original, Random random)
    {
        byte[] bytes = [.. original];
        for (int i = random.Next(1, 8); i > 0 && bytes.Length > 4; i--)
        {
            int at = random.Next(bytes.Length);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes = [.. bytes[..at], .. bytes[random.Next(at, bytes.Length)..]];
                    break;
                default:
                    int length = Math.Min(random.Next(1, 40), bytes.Length - at);
                    bytes = [.. bytes[..at], .. bytes.AsSpan(at, length), .. bytes[at..]];
                    break;
            }
        }

        return bytes;
    }
}
