using System.Text;
using Coach.Rag.Documents;
using FsCheck;
using FsCheck.Fluent;

namespace Coach.Rag.Tests.Documents;

public sealed class HtmlReaderTests
{
    private static readonly string[] Pieces =
        ["<p>", "</p>", "<b>", "</b>", "word ", "two words", "&amp;", "&copy;", "&#128512;", "&#x41;", "&nope;", " ", "\r\n", "\n\n", "<br>", "<!-- no -->", "<script>if (a<b) no()</script>",
         "<h2>Part</h2>", "<td>cell</td>", "a < b", "😀", "é", "<a href='x>y'>", "</a>", "<style>p{}</style>", "<li>item</li>", "\t", "<?no?>", "</", "\0"];

    [Fact]
    public void Read_AnyMarkup_RangesSliceTheOriginalFromTheFirstToTheLastCharacter()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Gen.Elements(Pieces).ListOf().Select(pieces => string.Concat(pieces)).ToArbitrary(), html =>
        {
            StructuredText structure = DocumentReader.Read(new KnowledgeDocument("x", html) { Format = TextFormat.Html });
            foreach (Chunk chunk in new Chunker(32, 8).Split(structure))
            {
                Chunk range = structure.InSource(chunk);
                string slice = html.Substring(range.Start, range.Length);
                string text = structure.Text.Substring(chunk.Start, chunk.Length);

                // Rendered by itself the slice gives the same text again: it begins and ends where the passage does. Headings are in its path.
                Assert.Equal(Visible(text), Visible(HtmlReader.Read(slice).Text));
            }
        }));
    }

    [Fact]
    public async Task RetrieveAsync_HtmlDocument_RangeIsTheMarkupOfThePassage()
    {
        const string Html = "<html><head><title>Opening hours</title></head>\r\n<body><h1>Shop</h1>\r\n<p>We open at <b>nine</b> &amp; close at six.</p></body></html>";
        await using var host = new RagHost();
        await host.Knowledge.AddOrUpdateAsync([new("shop.html", Html) { Format = TextFormat.Html }]);
        Passage passage = Assert.Single((await host.Retriever.RetrieveAsync("nine")).Passages);
        Assert.Equal("We open at nine & close at six.", passage.Text);
        Assert.Equal("We open at <b>nine</b> &amp; close at six.", Html.Substring(passage.Start, passage.Length));
        Assert.Equal(("Opening hours", "Shop"), (passage.Title, passage.Heading));
    }

    [Theory]
    [InlineData("&amp;", "&")]
    [InlineData("&lt;b&gt;", "<b>")]
    [InlineData("&copy 2026", "© 2026")]
    [InlineData("&#x20AC;&#8364;", "€€")]
    [InlineData("&#0;&#xD800;", "\uFFFD\uFFFD")]
    [InlineData("&CounterClockwiseContourIntegral;", "∳")]
    [InlineData("&unknown; & &;", "&unknown; & &;")]
    public void Read_CharacterReferences_AreHtmls(string html, string text) => Assert.Equal(text, HtmlReader.Read(html).Text.Trim());

    [Fact]
    public async Task RetrieveAsync_HeadingAfterATinyBlock_IsFound()
    {
        const string Html = "<nav>Home Docs</nav><h1>A</h1><p>Some words.</p><h2>Numbat release</h2><p>It came out in May.</p><h2>Last</h2>";
        await using var host = new RagHost(configure: o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("a.html", Html) { Format = TextFormat.Html }]);
        Passage passage = (await host.Retriever.RetrieveAsync("numbat release")).Passages[0];
        Assert.Contains("It came out in May.", passage.Text, StringComparison.Ordinal);
        Assert.Contains("Numbat release", passage.Heading + passage.Text, StringComparison.Ordinal);
        Assert.NotEmpty((await host.Retriever.RetrieveAsync("last")).Passages);
    }

    [Fact]
    public void Read_Preformatted_KeepsItsLines()
    {
        StructuredText structure = HtmlReader.Read("<p>Before</p>\n<pre><code>if (a)\n{\n    b &lt; c;\n}\n</code></pre><p>After</p>");
        Assert.Contains("if (a)\n{\n    b < c;\n}", structure.Text, StringComparison.Ordinal);
        Assert.Equal([TextBlockKind.Paragraph, TextBlockKind.Code, TextBlockKind.Paragraph], structure.Blocks.Select(block => block.Kind));
    }

    [Theory]
    [InlineData("<table><tr><th>A<th>B<th>C<tr><td>1<td><td>3<tr><td><td>2<td></table>", "A | B | C\n1 |  | 3\n|  2 | ")]
    [InlineData("<table><thead><tr><td>A</td><td>B</td></tr></thead><tbody><tr><td><p>1</p><p>2</p></td><td><ul><li>3</li></ul></td></tr></tbody></table>", "A | B\n1 2 | 3")]
    public void Read_Table_KeepsCellsInTheirColumns(string html, string text)
    {
        StructuredText structure = HtmlReader.Read(html);
        Assert.Equal(text.Replace(" ", "", StringComparison.Ordinal), structure.Text.TrimEnd().Replace(" ", "", StringComparison.Ordinal));
        TextBlock table = Assert.Single(structure.Blocks);
        Assert.Equal((TextBlockKind.Table, text.IndexOf('\n', StringComparison.Ordinal) + 1), (table.Kind, table.HeadEnd));
    }

    [Fact]
    public void Split_LongTable_RepeatsItsHead()
    {
        string html = "<table><tr><th>Animal</th><th>Price</th></tr>" + string.Concat(Enumerable.Range(0, 200).Select(i => $"<tr><td>animal{i}</td><td>{i}</td></tr>")) + "</table>";
        StructuredText structure = HtmlReader.Read(html);
        List<Chunk> chunks = new Chunker(100, 20).Split(structure);
        Assert.True(chunks.Count > 5);
        Assert.All(chunks.Skip(1), chunk => Assert.Equal("Animal | Price", structure.Text.Substring(chunk.HeadStart, chunk.HeadLength)));
        Assert.All(chunks, chunk => Assert.StartsWith(chunk.HeadLength > 0 ? "animal" : "Animal", structure.Text[chunk.Start..], StringComparison.Ordinal));
    }

    [Fact]
    public void Read_LayoutTable_KeepsItsHeadings()
    {
        StructuredText structure = HtmlReader.Read("<table><tr><td>Menu</td><td><h1>Guide</h1><p>Words.</p><table><tr><td>a</td><td>b</td></tr></table></td></tr></table>");
        Assert.Equal("Guide", structure.Blocks[^1].Heading);
        Assert.Contains(structure.Blocks, block => structure.Text[block.Start..block.End] == "Words.");
    }

    private static string Visible(string text)
    {
        var kept = new StringBuilder();
        foreach (char c in text)
        {
            if (!char.IsWhiteSpace(c) && c != '|')       // what keeps cells apart is no text of theirs
            {
                kept.Append(c);
            }
        }

        return kept.ToString();
    }
}
