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
            StructuredText structure = DocumentReader.Read(new KnowledgeDocument("x", html) { Format = DocumentFormat.Html });
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
        await host.Knowledge.AddOrUpdateAsync([new("shop.html", Html) { Format = DocumentFormat.Html }]);
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

    private static string Visible(string text)
    {
        var kept = new StringBuilder();
        foreach (char c in text)
        {
            if (!char.IsWhiteSpace(c))
            {
                kept.Append(c);
            }
        }

        return kept.ToString();
    }
}
