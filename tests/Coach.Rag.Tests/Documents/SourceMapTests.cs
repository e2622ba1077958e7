using Coach.Rag.Documents;

namespace Coach.Rag.Tests.Documents;

/// <summary>A passage is a slice of the document as it was given, whatever stands around it.</summary>
public sealed class SourceMapTests
{
    private const string Guide = """
        ---
        title: "The *handbook*"
        author: nobody
        ---

        # Guide

        Intro with 😀 and e\u0301 and 東京都。

        | Key | Value |
        |---|---|
        | zebra | striped |

        ```text
        # not a heading
        code stays whole
        ```

        - outer item
          - inner item
            1. innermost walrus

        > quoted

        ## Empty part

        ## Setext part
        text under it

        Another title
        -------------

        <div>raw *html* block</div>

        ### Last and bare
        """;

    [Theory]
    [InlineData("\n", "")]
    [InlineData("\r\n", "")]
    [InlineData("\n", "\uFEFF")]
    [InlineData("\r\n", "\uFEFF")]
    public async Task RetrieveAsync_Markdown_RangesSliceTheDocument(string lineEnd, string before)
    {
        string text = before + Guide.ReplaceLineEndings(lineEnd);
        await using var host = new RagHost(configure: o => (o.ChunkTokens, o.ChunkOverlapTokens, o.Learn) = (32, 8, false));
        await host.Knowledge.AddOrUpdateAsync([new("guide.md", text) { Format = TextFormat.Markdown }]);
        foreach ((string word, string heading) in new[]
        {
            ("intro", "Guide"), ("zebra", "Guide"), ("code", "Guide"), ("walrus", "Guide"), ("setext", "Guide › Setext part"),
            ("empty", "Guide"), ("raw", "Guide › Another title"), ("bare", "Guide › Another title"), ("東京", "Guide"),
        })
        {
            Retrieval retrieval = await host.Retriever.RetrieveAsync(word, new RetrievalOptions { Top = 100 });
            Assert.All(retrieval.Passages, passage => Assert.Equal(text.Substring(passage.Start, passage.Length).Replace("</div>", "", StringComparison.Ordinal), passage.Text));
            Assert.True(retrieval.Passages.Any(passage => passage.Heading == heading),
                $"{word}: {string.Join(" | ", retrieval.Passages.Select(passage => $"{passage.Heading}: {passage.Text}"))}");
            Assert.All(retrieval.Passages, passage => Assert.Equal("The handbook", passage.Title));
        }
    }

    [Theory]
    [InlineData(TextFormat.PlainText, "# No heading\r\n\r\nSecond paragraph.\r\n")]
    [InlineData(TextFormat.Markdown, "# Only a heading")]
    [InlineData(TextFormat.Markdown, "# One\n\n## Two\n\n# Heading three")]
    [InlineData(TextFormat.Html, "<h1>Only a heading</h1>")]
    [InlineData(TextFormat.Html, "\uFEFF<h1>One</h1><h2>Two</h2><h1>A <b>heading</b> &amp; more</h1>")]
    [InlineData(TextFormat.Html, "<p>First</p><svg width='1'/><p>A heading behind a picture</p>")]
    [InlineData(TextFormat.Html, "<svg><svg/><title>no</title></svg><object>A heading as fallback</object>")]
    public async Task RetrieveAsync_WordAtTheEdge_IsFound(TextFormat format, string text)
    {
        await using var host = new RagHost(configure: o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("x", text) { Format = format }]);
        Passage passage = Assert.Single((await host.Retriever.RetrieveAsync("heading")).Passages);
        Assert.Contains("eading", text.Substring(passage.Start, passage.Length), StringComparison.Ordinal);
    }

    [Fact]
    public void Split_SectionWithoutText_StaysOutOfThePathOfTheNext()
    {
        const string Text = "# Guide\n\n## Bare\n\n## Full\n\nSome words here.\n";
        StructuredText structure = DocumentReader.Read(new KnowledgeDocument("x", Text) { Format = TextFormat.Markdown });
        Chunk chunk = Assert.Single(new Chunker(200, 30).Split(structure));
        Assert.Equal("Guide", chunk.Heading);
        Assert.Equal("## Bare\n\n## Full\n\nSome words here.", Text.Substring(chunk.Start, chunk.Length));
    }
}
