using System.Text;
using Coach.Rag;
using Coach.Rag.Documents;

namespace Coach.Proofs.Host.Fuzzing;

/// <summary>A document's text to passages: each is a range of the document, and of Markdown and text its very characters.</summary>
internal sealed class DocumentTarget(TextFormat format, int seed) : FuzzTarget
{
    private static readonly byte[][] Markdown =
    [
        "# Title\n\nA paragraph with *stars*, `code` and [a link](http://example.com \"x\").\n\n- one\n- two\n  1. deep\n\n> quote\n\n```cs\nvar x = 1;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"u8.ToArray(),
        "Setext\n===\n\ntext[^1] and **bold** ~~gone~~ <b>html</b> &amp; \\* escaped\n\n[^1]: note\n\n[ref]: /url 'title'\n\n---\nfront: matter\n---\n"u8.ToArray(),
    ];

    private static readonly byte[][] Html =
    [
        "<!doctype html><html><head><title>T</title><style>p{}</style></head><body><h1>One</h1><p>Text &amp; more &#x41;<br>line</p><table><tr><td>a<td>b</table><script>x()</script><h2>Two</h2><ul><li>i<li>j</ul><pre>  code\n</pre></body></html>"u8.ToArray(),
        "<p>un<b>closed<i>deep<div><svg><math><mi>x</mi></math></svg><template><p>t</template><!-- c --><![CDATA[x]]><textarea>&lt;/p></textarea>"u8.ToArray(),
    ];

    private static readonly byte[][] Words =
    [
        "a\n===\n"u8.ToArray(), "[a]: b\n"u8.ToArray(), "> "u8.ToArray(), "```"u8.ToArray(), "|"u8.ToArray(), "**"u8.ToArray(), "[["u8.ToArray(), "]("u8.ToArray(), "<div>"u8.ToArray(),
        "<!--"u8.ToArray(), "&#"u8.ToArray(), "</"u8.ToArray(), "<![CDATA["u8.ToArray(), "\t"u8.ToArray(), "    - "u8.ToArray(), "<table><tr>"u8.ToArray(), "![](data:"u8.ToArray(), "\u00a0\u200d"u8.ToArray(),
    ];

    // What a reader may be given; larger ones are the documents' own time budget's.
    private readonly Mutator _mutator = new(seed, format == TextFormat.Html ? Html : Markdown, Words, maxBytes: 16 * 1024);

    public override string Name => format == TextFormat.Html ? "html" : "markdown";

    public override Task<bool> ReadsGoodAsync()
    {
        var document = new KnowledgeDocument("d", Encoding.UTF8.GetString((format == TextFormat.Html ? Html : Markdown)[0])) { Format = format };
        return Task.FromResult(new Chunker(200, 30).Split(DocumentReader.Read(document)).Count > 0);
    }

    public override byte[] Next() => _mutator.Next();

    public override Task<string?> TryAsync(byte[] input)
    {
        var document = new KnowledgeDocument("d", Encoding.UTF8.GetString(input)) { Format = format };
        StructuredText text = DocumentReader.Read(document);
        foreach (Chunk chunk in new Chunker(200, 30).Split(text))
        {
            Chunk source = text.InSource(chunk);
            if (chunk.Start < 0 || chunk.Length <= 0 || chunk.Start + chunk.Length > text.Text.Length)
            {
                return Task.FromResult<string?>("a passage outside the text");
            }

            if (source.Start < 0 || source.Length < 0 || source.Start + source.Length > document.Text.Length)
            {
                return Task.FromResult<string?>("a passage outside the document");
            }
        }

        return Task.FromResult<string?>(null);
    }
}
