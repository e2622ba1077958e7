using Coach.Rag.Documents;

namespace Coach.Rag.Tests.Documents;

public sealed class DrawnTableTests
{
    private const string Grid = """
        +---------------+---------------+--------------------+
        | Fruit         | Price         | Advantages         |
        +===============+===============+====================+
        | Bananas       | $1.34         | - built-in wrapper |
        |               |               | - bright color     |
        +---------------+---------------+--------------------+
        | Oranges       | $2.10         | - cures scurvy     |
        +---------------+---------------+--------------------+
        """;

    private const string MultiLine = """
        -------------------------------------------------------------
         Centered   Default           Right Left
          Header    Aligned         Aligned Aligned
        ----------- ------- --------------- -------------------------
           First    row                12.0 Example of a row that
                                            spans multiple lines.

          Second    row                 5.0 Here's another one. Note
                                            the blank line between
                                            rows.
        -------------------------------------------------------------
        """;

    private const string Simple = """
              Right     Left     Center     Default
            -------     ------ ----------   -------
                 12     12        12            12
                123     123       123          123
        """;

    [Theory]
    [InlineData(Grid, "Advantages", "Bananas", "Oranges")]
    [InlineData(MultiLine, "Aligned", "First", "Second")]
    [InlineData(Simple, "Right", "12     12", "123")]
    public void Read_DrawnTable_IsATableWithItsHead(string table, string head, string first, string second)
    {
        string source = "# T\n\nBefore it.\n\n" + table + "\n\nAfter it.\n";
        StructuredText structure = MarkdownReader.Read(source);
        TextBlock block = Assert.Single(structure.Blocks, block => block.Kind == TextBlockKind.Table);
        string above = structure.Text[block.Start..block.HeadEnd];
        string below = structure.Text[block.HeadEnd..block.End];
        Assert.Contains(head, above, StringComparison.Ordinal);
        Assert.DoesNotContain(first, above, StringComparison.Ordinal);
        Assert.Contains(first, below, StringComparison.Ordinal);
        Assert.Contains(second, below, StringComparison.Ordinal);
        Assert.Equal(["Before it.", "After it."], structure.Blocks.Where(other => other.Kind == TextBlockKind.Paragraph).Select(other => structure.Text[other.Start..other.End].Trim()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Split_LongDrawnTable_IsCutBetweenRows(bool isGrid)
    {
        string head = isGrid
            ? "+------+--------------+\n| Name | Words        |\n+======+==============+\n"
            : "---------------------\n Name  Words\n------ --------------\n";
        string row = isGrid ? "| n{0}  | begins here  |\n|      | ends here    |\n+------+--------------+\n" : " n{0}   begins here\n       ends here\n\n";
        string rows = string.Concat(Enumerable.Range(0, 60).Select(i => string.Format(System.Globalization.CultureInfo.InvariantCulture, row, i)));
        string source = "# T\n\n" + head + rows + (isGrid ? "" : "---------------------\n") + "\nAfter it.\n";
        StructuredText structure = MarkdownReader.Read(source);
        List<Chunk> chunks = [.. new Chunker(100, 20).Split(structure).Where(chunk => structure.Text.Substring(chunk.Start, chunk.Length).Contains("here", StringComparison.Ordinal))];
        Assert.True(chunks.Count > 3);
        Assert.All(chunks, chunk =>
        {
            string passage = structure.Text.Substring(chunk.Start, chunk.Length);
            Assert.Equal(passage.Split("begins").Length, passage.Split("ends").Length);
            Assert.True(passage.IndexOf("begins", StringComparison.Ordinal) < passage.IndexOf("ends", StringComparison.Ordinal));
        });
        Assert.All(chunks.Skip(1), chunk => Assert.Contains("Name", structure.Text.Substring(chunk.HeadStart, chunk.HeadLength), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("-----\n\nText.\n\n-----\n")]
    [InlineData("+ one\n+ two\n")]
    [InlineData("+---+\n+---+\n\nText.\n")]
    [InlineData("--- ---\n\nText.\n")]
    [InlineData("Heading words\n-----\n\nText.\n")]
    [InlineData("-----\ntext\n\nmore\n")]
    public void Read_LinesThatLookLikeOne_AreNoTable(string source) =>
        Assert.DoesNotContain(MarkdownReader.Read(source).Blocks, block => block.Kind == TextBlockKind.Table);

    [Fact]
    public void Read_TableWithoutHead_EndsAtItsDashes()
    {
        StructuredText structure = MarkdownReader.Read("-------  ------\n     12  12\n    123  123\n-------  ------\n\nAfter.\n");
        Assert.Equal([TextBlockKind.Table, TextBlockKind.Paragraph], structure.Blocks.Select(block => block.Kind));
    }
}
