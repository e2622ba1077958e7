using System.CommandLine;
using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Coach.Rag;
using Coach.Rag.Documents;
using Coach.Rag.Documents.Hosting;
using UglyToad.PdfPig.Content;
using UglyToad.PdfPig.Core;
using UglyToad.PdfPig.Fonts.Standard14Fonts;
using UglyToad.PdfPig.Writer;

namespace Coach.Proofs.Rag;

/// <summary>Mutated PDF files, zip files, web pages, Markdown and other text, for a while: each is read or refused, soon and in bounded memory.</summary>
internal static class ReaderFuzzProof
{
    private const long MemoryLimit = 512L << 20;

    public static Command Command()
    {
        Option<int> seconds = new("--seconds") { DefaultValueFactory = _ => 60, Description = "How long." };
        Option<int> seed = new("--seed") { DefaultValueFactory = _ => 1, Description = "The seed of the mutations." };
        var command = new Command("reader-fuzz", "Feeds mutated files to all readers; counts crashes, hangs over 2 s, and what takes more than 512 MB.") { seconds, seed };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(seconds), parsed.GetValue(seed), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(int seconds, int seed, CancellationToken cancellationToken)
    {
        var options = new CoachRagOptions { MaxExpandedBytes = 8 << 20, DocumentTimeLimit = TimeSpan.FromSeconds(2) };
        var readers = new DocumentReaders([.. DocumentReaderSet.Create(), .. DocumentReaders.BuiltIn(options)], options, TimeProvider.System);
        (string Name, byte[] Content)[] originals = [.. Originals()];
        var random = new Random(seed);
        int cases = 0, read = 0, refused = 0, hangs = 0, crashes = 0, overMemory = 0;
        double slowest = 0;
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds && !cancellationToken.IsCancellationRequested)
        {
            (string name, byte[] content) = originals[random.Next(originals.Length)];
            var file = new DocumentFile(name, Mutate(content, random), readers.Limits);
            cases++;
            long before = GC.GetTotalAllocatedBytes();
            long from = Stopwatch.GetTimestamp();
            try
            {
                if (readers.Find(file) is { } reader)
                {
                    StructuredText text = await readers.ReadAsync(file, reader, cancellationToken);
                    new Chunker(200, 30).Split(text);
                    read++;
                }
                else
                {
                    refused++;
                }
            }
            catch (RagException e) when (e.Error == RagError.DocumentRefused)
            {
                refused++;
                hangs += e.Refusal == DocumentRefusal.TooSlow ? 1 : 0;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                crashes++;
                Console.WriteLine($"case {cases} ({name}): {e.GetType().Name}: {e.Message}");
            }

            slowest = Math.Max(slowest, Stopwatch.GetElapsedTime(from).TotalSeconds);
            overMemory += GC.GetTotalAllocatedBytes() - before > MemoryLimit ? 1 : 0;
        }

        int failed = crashes + hangs + overMemory;
        Console.WriteLine(JsonSerializer.Serialize(new { cases, failed, seed, read, refused, crashes, hangs, overMemory, slowestSeconds = Math.Round(slowest, 2) }));
        return failed == 0 ? 0 : 1;
    }

    private static IEnumerable<(string Name, byte[] Content)> Originals()
    {
        const string Markdown = "---\ntitle: Guide\ntags: [a, b]\n---\n# Guide {#g}\n\nWords <b>here</b> {{< ref \"x\" >}}.\n\n```sh\napt install\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n:::tip x\n- item\n:::\n";
        const string Html = "<!doctype html><html><head><meta charset=utf-8><title>Zoo</title></head><body><nav>Menu</nav><h1>A</h1><p>Words &amp; more.<pre>code\n  more</pre><table><tr><th>a<th>b<tr><td>1<td>2</table></body></html>";
        yield return ("a.md", Encoding.UTF8.GetBytes(Markdown));
        yield return ("a.mdx", Encoding.UTF8.GetBytes("import X from 'y'\nexport const a = {b: 1}\n\n# A\n\n<Tabs a={[1]}>{x}</Tabs>\n"));
        yield return ("a.html", Encoding.UTF8.GetBytes(Html));
        yield return ("a.txt", Encoding.UTF8.GetBytes("Straße und mehr.\n\nNoch ein Absatz.\n"));
        yield return ("a.rst", Encoding.UTF8.GetBytes("Guide\n=====\n\n.. note:: x\n\n+---+---+\n| a | b |\n+===+===+\n| 1 | 2 |\n+---+---+\n\nLit::\n\n  x\n"));
        yield return ("a.adoc", Encoding.UTF8.GetBytes("= Guide\n\n== Part\n\n----\ncode\n----\n\n|===\n|a |b\n|===\n"));
        yield return ("a.csv", Encoding.UTF8.GetBytes("a,b\n\"1,2\",3\n"));
        yield return ("a.json", Encoding.UTF8.GetBytes("{\"a\":[{\"b\":1},{\"c\":[1,2]}]}"));
        yield return ("a.ipynb", Encoding.UTF8.GetBytes("{\"cells\":[{\"cell_type\":\"markdown\",\"source\":[\"# A\\n\",\"words\"]},{\"cell_type\":\"code\",\"source\":\"x\",\"outputs\":[]}]}"));
        yield return ("a.eml", Encoding.UTF8.GetBytes("From: a@b\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nWords.\r\n--x--\r\n"));
        byte[] document = Encoding.UTF8.GetBytes("<w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:body><w:p><w:r><w:t>Words.</w:t></w:r></w:p></w:body></w:document>");
        byte[] types = Encoding.UTF8.GetBytes("<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'><Default Extension='rels' ContentType='application/vnd.openxmlformats-package.relationships+xml'/><Override PartName='/word/document.xml' ContentType='application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml'/></Types>");
        byte[] relations = Encoding.UTF8.GetBytes("<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'><Relationship Id='r1' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument' Target='word/document.xml'/></Relationships>");
        byte[] word = Zip(("[Content_Types].xml", types), ("_rels/.rels", relations), ("word/document.xml", document));
        yield return ("a.docx", word);
        yield return ("a.zip", Zip(("a.md", Encoding.UTF8.GetBytes(Markdown)), ("b.docx", word)));
        yield return ("a.pdf", Pdf());
    }

    private static byte[] Pdf()
    {
        using var builder = new PdfDocumentBuilder();
        PdfDocumentBuilder.AddedFont font = builder.AddStandard14Font(Standard14Font.Helvetica);
        builder.AddPage(PageSize.A4).AddText("The wombat digs.", 12, new PdfPoint(50, 700), font);
        return builder.Build();
    }

    private static byte[] Zip(params (string Name, byte[] Content)[] entries)
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

    // Bits and bytes changed, parts cut out, parts repeated up to 2,000 times.
    private static byte[] Mutate(byte[] original, Random random)
    {
        byte[] bytes = [.. original];
        for (int i = random.Next(1, 10); i > 0 && bytes.Length > 4; i--)
        {
            int at = random.Next(bytes.Length);
            switch (random.Next(5))
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
                case 3 when bytes.Length < 200_000:
                    byte[] part = bytes.AsSpan(at, Math.Min(random.Next(1, 30), bytes.Length - at)).ToArray();
                    bytes = [.. bytes[..at], .. Enumerable.Repeat(part, random.Next(1, 2_000)).SelectMany(each => each), .. bytes[at..]];
                    break;
                default:
                    bytes[at] = (byte)"[]<>{}()`'\"|#-=*_:;,.\n\r\t \\/"[random.Next(27)];
                    break;
            }
        }

        return bytes;
    }
}
