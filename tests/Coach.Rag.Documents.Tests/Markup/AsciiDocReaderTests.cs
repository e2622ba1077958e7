namespace Coach.Rag.Documents.Tests.Markup;

public sealed class AsciiDocReaderTests
{
    [Theory]
    [InlineData("See xref:a/b.adoc#part[the part] and <<install,how to install>>.", "See the part and how to install.")]
    [InlineData("See https://example.org/x[the page,window=_blank] or link:a.pdf[\"the file\"^].", "See the page or the file.")]
    [InlineData("Go to https://example.org/x[] or {base-url}/x[there].", "Go to https://example.org/x or there.")]
    [InlineData("[[here]]Press kbd:[Ctrl+C] image:a.png[no] now.", "Press Ctrl+C  now.")]
    [InlineData("The ((wombat)) digs(((animal, wombat))) [.lead]#deep# holes in `a[0]`.", "The wombat digs deep holes in `a[0]`.")]
    [InlineData("Term:: What it is.", "Term: What it is.")]
    [InlineData("[NOTE]\n====\nMind the gap.\n====", "NOTE\n\nMind the gap.")]
    [InlineData("ifdef::x[]\nShown.\nendif::[]\n\n'''\n\n:a: b \\\n  c\n\nEnd.", "Shown.\nendif::[]\n\nEnd.")]
    public async Task ReadAsync_Markup_BecomesItsWords(string source, string expected)
    {
        StructuredText text = await Files.ReadAsync("a.adoc", source);
        Assert.Equal(expected, string.Join("\n\n", text.Blocks.Select(block => text.Text[block.Start..block.End])));
    }

    [Theory]
    [InlineData("[cols=\"1,2\",options=\"header\"]\n|===\n|A\n|B\n\n|1\na|two\nlines\n|===\n", "A | B\n1 | two lines")]
    [InlineData("[%header,cols=2*]\n|===\n|A |B\n|1 |two\n|===\n", "A | B\n1 | two")]
    [InlineData("[cols=\"3*\"]\n|===\n2+|wide |x\n|1 |2 |3\n|===\n", "wide |  | x\n1 | 2 | 3")]
    [InlineData("|===\n|A |B\n\n|1 |xref:x[two]\n|===\n", "A | B\n1 | two")]
    public async Task ReadAsync_Tables_AreRowsOfCells(string source, string expected)
    {
        StructuredText text = await Files.ReadAsync("a.adoc", source);
        Assert.Equal("0||Table: " + expected, Assert.Single(Files.Show(text)));
    }

    [Theory]
    [InlineData("[source,java]\nint a = 1;\nint b = 2;\n\nText.", "int a = 1;\nint b = 2;")]
    [InlineData("  indented\n  lines\n\nText.", "  indented\n  lines")]
    [InlineData("----\ninclude::a.java[]\nint a;\n----\n\nText.", "int a;")]
    public async Task ReadAsync_Code_IsWhatIsThere(string source, string code)
    {
        StructuredText text = await Files.ReadAsync("a.adoc", source);
        Assert.Equal(["0||Code: " + code, "0||Paragraph: Text."], Files.Show(text));
    }

    [Fact]
    public async Task ReadAsync_ListingThatIsElsewhere_IsNoBlock()
    {
        StructuredText text = await Files.ReadAsync("a.adoc", "----\ninclude::a.java[]\n----\n\nText.");
        Assert.Equal("0||Paragraph: Text.", Assert.Single(Files.Show(text)));
    }
}
