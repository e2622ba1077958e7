using Coach.Rag.Documents;

namespace Coach.Rag.Tests.Documents;

public sealed class HtmlTableMarkupTests
{
    private const string Table = """
        # T

        <table class="x">
          <thead>
            <tr><th>Name</th><th>Type</th>
              <th>What it <b>does</b></th></tr>
          </thead>
          <tbody>
            <tr>
              <td><code>first</code></td>
              <td></td>
              <td>
                Says one thing,
                and &amp; another.
              </td>
            </tr>
            <tr> <td></td> <td>text</td> <td>a<br/>b</td> </tr>
            <!-- no row -->
            <tr><td colspan="2">wide</td><td>last</td></tr>
          </tbody>
        </table>

        After it.
        """;

    [Fact]
    public void Read_Table_IsARowALineWithItsCellsInTheirColumns()
    {
        StructuredText structure = MarkdownReader.Read(Table);
        TextBlock block = structure.Blocks[0];
        Assert.Equal(TextBlockKind.Table, block.Kind);
        Assert.Equal(
            "Name | Type | What it does\nfirst |  | Says one thing, and & another.\n | text | a b\nwide |  | last",
            structure.Text[block.Start..block.End]);
        Assert.Equal("Name | Type | What it does\n", structure.Text[block.Start..block.HeadEnd]);
        Assert.Equal("After it.", structure.Text[structure.Blocks[1].Start..structure.Blocks[1].End].Trim());
    }

    [Fact]
    public void Split_LongTable_BeginsWithRowsOfTheFile()
    {
        string source = "# T\n\n<table>\n<tr><th>Name</th><th>Price</th></tr>\n"
            + string.Concat(Enumerable.Range(0, 80).Select(i => $"<tr>\n  <td>animal{i}</td>\n  <td>{i} coins, paid. In advance.</td>\n</tr>\n")) + "</table>\n";
        StructuredText structure = MarkdownReader.Read(source);
        List<Chunk> chunks = new Chunker(100, 20).Split(structure);
        Assert.True(chunks.Count > 5);
        Assert.All(chunks, chunk =>
        {
            string passage = structure.Text.Substring(chunk.Start, chunk.Length);
            Chunk range = structure.InSource(chunk);
            string slice = source.Substring(range.Start, range.Length);
            Assert.Equal((passage[0], passage[^1]), (slice[0], slice[^1]));
            Assert.All(passage.Split('\n'), row => Assert.Matches("^(animal[0-9]+ \\| [0-9]+ coins, paid. In advance.|Name \\| Price)$", row));
        });
        Assert.All(chunks.Skip(1), chunk => Assert.Equal("Name | Price", structure.Text.Substring(chunk.HeadStart, chunk.HeadLength)));
    }

    [Fact]
    public void Read_CellOverRows_KeepsTheColumnsBelow()
    {
        StructuredText structure = MarkdownReader.Read("<table><tr><td rowspan=\"2\">a</td><td>b</td></tr> <tr> <td>c</td></tr> <tr><td>d</td><td>e</td></tr></table>");
        Assert.Equal("a | b\n | c\nd | e", structure.Text.Trim());
    }

    [Theory]
    [InlineData("<table><tr><td>\n\n```sh\n# x\n```\n\n</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>")]
    [InlineData("<table><tr><td><table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table></td></tr></table>")]
    [InlineData("<table><tr><td>a</td><td><pre>\nb\n</pre></td></tr><tr><td>c</td><td>d</td></tr></table>")]
    [InlineData("<table><tr><td>only</td></tr><tr><td>one column</td></tr></table>")]
    [InlineData("<table>words between<tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>")]
    [InlineData("<table><tr><td>a</td><td>b</td></tr> and no end")]
    public void Read_TableThatLaysOut_IsText(string source) =>
        Assert.DoesNotContain(MarkdownReader.Read("# T\n\n" + source + "\n\nAfter.\n").Blocks, block => block.Kind == TextBlockKind.Table);

    [Fact]
    public void Read_WordsAroundATable_AreKept()
    {
        StructuredText structure = MarkdownReader.Read("<div><table><caption>All of them</caption><tr><td>a</td><td>b</td></tr></table> and more</div>\n\nAfter.\n");
        Assert.Equal("All of them\na | b and more\n\nAfter.", structure.Text.Trim());
        Assert.Equal([TextBlockKind.Table, TextBlockKind.Paragraph, TextBlockKind.Paragraph], structure.Blocks.Select(block => block.Kind));
    }
}
