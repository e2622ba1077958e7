using System.IO.Compression;
using Coach.Rag.Analysis;
using Coach.Rag.Documents;

namespace Coach.Rag.Tests.Scenarios;

/// <summary>Documents made to cost much: they are taken or refused in bounded time and memory, and what is near them is found.</summary>
public sealed class HostileDocumentTests
{
    // Ends a hang: none takes a second on a quiet machine, what is quadratic takes hours.
    private static readonly TimeSpan HangLimit = TimeSpan.FromMinutes(3);

    public static TheoryData<string, TextFormat> Kinds() => new()
    {
        { "line", TextFormat.PlainText }, { "line", TextFormat.Markdown }, { "line", TextFormat.Html },
        { "tags", TextFormat.Html }, { "inline", TextFormat.Html }, { "attributes", TextFormat.Html }, { "references", TextFormat.Html },
        { "quotes", TextFormat.Markdown }, { "lists", TextFormat.Markdown }, { "headings", TextFormat.Markdown }, { "headings", TextFormat.Html },
        { "table", TextFormat.Markdown }, { "table", TextFormat.Html }, { "combining", TextFormat.PlainText }, { "rtl", TextFormat.PlainText },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AddOrUpdateAsync_HostileDocument_EndsSoonAndItsEndIsFound(string kind, TextFormat format)
    {
        string text = Make(kind, format) + (format == TextFormat.Html ? "</p><p>The lighthouse shines at nineteen.</p>" : "\n\nThe lighthouse shines at nineteen.\n");
        var document = new KnowledgeDocument("x", text) { Format = format };
        long before = GC.GetAllocatedBytesForCurrentThread();
        StructuredText structure = DocumentReader.Read(document);
        List<Chunk> chunks = new Chunker(200, 30).Split(structure);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1L << 30);
        Assert.All(chunks, chunk => Assert.InRange(TokenCounter.Count(structure.Text.AsSpan(chunk.Start, chunk.Length)), 0, 208));

        await using var host = new RagHost(configure: o => o.Learn = false);
        IngestReport report = await Task.Run(() => host.Knowledge.AddOrUpdateAsync([document])).WaitAsync(HangLimit);
        Assert.Equal(1, report.Added);
        Retrieval retrieval = await host.Retriever.RetrieveAsync("When does the lighthouse shine?");
        Assert.Contains("nineteen", retrieval.Passages[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddOrUpdateAsync_LineOfAHundredMegabytes_IsRefusedUnlessAllowedAndThenTaken()
    {
        var document = new KnowledgeDocument("x", new string('a', 100_000_000) + " lighthouse");
        await using var host = new RagHost(configure: o => o.Learn = false);
        IngestReport refused = await host.Knowledge.AddOrUpdateAsync([document]);
        Assert.Equal("The document has 100000011 characters, more than MaxDocumentBytes = 16777216.", Assert.Single(refused.Failed).Reason);

        await using var large = new RagHost(configure: o => (o.Learn, o.MaxDocumentBytes) = (false, 1 << 27));
        Assert.Equal(1, (await Task.Run(() => large.Knowledge.AddOrUpdateAsync([document])).WaitAsync(HangLimit)).Added);
        Passage passage = Assert.Single((await large.Retriever.RetrieveAsync("lighthouse")).Passages);
        Assert.Equal(document.Text.Substring(passage.Start, passage.Length), passage.Text);
    }

    [Fact]
    public async Task SyncAsync_BinaryUnderTextNames_IsReportedAndTheRestIsRead()
    {
        using var folder = new TempFolder();
        await using (ZipArchive zip = await ZipFile.OpenAsync(folder.File("archive.txt"), ZipArchiveMode.Create))
        {
            await using Stream entry = await zip.CreateEntry("all.bin").OpenAsync();
            await entry.WriteAsync(IndexContent.Bytes(new Random(1), 200_000));
        }

        await File.WriteAllBytesAsync(folder.File("noise.md"), IndexContent.Bytes(new Random(2), 100_000));
        await File.WriteAllBytesAsync(folder.File("latin.txt"), [.. "Caf"u8, 0xE9, .. " au lait"u8]);
        await File.WriteAllBytesAsync(folder.File("cut.txt"), [.. "Tea with lemon "u8, 0xE2, 0x82]);
        await using var host = new RagHost(rag => rag.WithSource(folder.Path), o => o.Learn = false);
        IngestReport report = await host.Knowledge.SyncAsync();
        Assert.Equal(["archive.txt", "noise.md"], report.Failed.Select(failure => failure.Id).Order());
        Assert.Equal("latin.txt", Assert.Single((await host.Retriever.RetrieveAsync("café")).Passages).Source);
        Assert.Equal("cut.txt", Assert.Single((await host.Retriever.RetrieveAsync("lemon")).Passages).Source);
    }

    private static string Make(string kind, TextFormat format) => kind switch
    {
        "line" => string.Concat(Enumerable.Repeat("abcdefghij", 800_000)),
        "tags" => string.Concat(Enumerable.Repeat("<div>", 100_000)),
        "inline" => string.Concat(Enumerable.Repeat("<b><i>", 50_000)),
        "attributes" => "<p " + string.Concat(Enumerable.Range(0, 50_000).Select(i => $"a{i}=\"<x>\" ")) + ">",
        "references" => string.Concat(Enumerable.Repeat("&amp;&notanentityatall;&#x1F600;&#99999999999;& ", 50_000)),
        "quotes" => string.Concat(Enumerable.Repeat("> ", 10_000)) + "deep",
        "lists" => string.Concat(Enumerable.Range(0, 1_000).Select(i => new string(' ', i * 2) + "- item\n")),
        "headings" => format == TextFormat.Html ? string.Concat(Enumerable.Repeat("<h2>Part</h2>a ", 100_000)) : string.Concat(Enumerable.Repeat("# Part\n\na\n\n", 100_000)),
        "table" => format == TextFormat.Html
            ? "<table>" + string.Concat(Enumerable.Repeat("<tr><td>one<td>two</tr>", 50_000)) + "</table>"
            : "| a | b |\n|---|---|\n" + string.Concat(Enumerable.Repeat("| one | two |\n", 50_000)),
        "combining" => "a" + new string('\u0301', 1_000_000),
        _ => string.Concat(Enumerable.Repeat("\u202Eשלום עולם \u2067مرحبا\u2069 ", 50_000)),
    };
}
