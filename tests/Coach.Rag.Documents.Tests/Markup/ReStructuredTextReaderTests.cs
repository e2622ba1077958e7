namespace Coach.Rag.Documents.Tests.Markup;

public sealed class ReStructuredTextReaderTests
{
    [Theory]
    [InlineData("See :ref:`the guide <install>` and :py:func:`~zoo.open`.", "See the guide and zoo.open.")]
    [InlineData("Call ``zoo.open()`` or `the page <https://example.org/a>`_ or `Other`_.", "Call `zoo.open()` or the page <https://example.org/a> or Other.")]
    [InlineData("A fact [1]_ and one more [#note]_ of [Ann2001]_.", "A fact  and one more  of [Ann2001].")]
    [InlineData("Use Flask_ here, and snake_case_ there.\n\n.. _Flask: https://example.org", "Use Flask here, and snake_case_ there.")]
    [InlineData("H\\ :sub:`2`\\ O and \\*no emphasis\\*.", "H2O and *no emphasis*.")]
    [InlineData("An _`inline target` is text, at 10:30:15 `as is`.", "An inline target is text, at 10:30:15 `as is`.")]
    [InlineData(".. versionadded:: 2.0\n   Opens at night.", "versionadded 2.0\n\nOpens at night.")]
    [InlineData(".. only:: html\n\n   Shown words.", "Shown words.")]
    [InlineData(".. our-own-box:: Title of it\n   :color: red\n\n   Words of it.", "Title of it\n   Words of it.")]
    [InlineData(".. confval:: zoo_hours\n   :type: int\n   :default: 8\n\n   How long it is open.", "zoo_hours\ntype: int\ndefault: 8\n   How long it is open.")]
    [InlineData(".. figure:: cat.png\n   :alt: no\n\n   A cat sleeps.", "A cat sleeps.")]
    [InlineData(".. toctree::\n   :caption: no\n\n   a\n   b\n\n.. comment of mine\n   goes on\n\nText.", "Text.")]
    [InlineData(".. autoclass:: zoo.Cage\n   :members:\n\n.. image:: a.png\n\nText.", "Text.")]
    [InlineData(":orphan:\n\nText.", "Text.")]
    [InlineData(".. [1] The note says more.", "[1] The note says more.")]
    public async Task ReadAsync_Markup_BecomesItsWords(string source, string expected)
    {
        StructuredText text = await Files.ReadAsync("a.rst", source);
        Assert.Equal(expected, string.Join("\n\n", text.Blocks.Select(block => text.Text[block.Start..block.End])));
    }

    [Theory]
    [InlineData("+----+------+\n| A  | B    |\n+====+======+\n| 1  | two  |\n|    | line |\n+----+------+\n", "A | B\n1 | two line")]
    [InlineData("===  =====\nA    B\n===  =====\n1    two\n     line\n2    ``x``\n===  =====\n", "A | B\n1 | two line\n2 | `x`")]
    [InlineData(".. list-table:: Prices\n   :header-rows: 1\n\n   * - A\n     - B\n   * - 1\n     - two\n       lines\n", "A | B\n1 | two lines")]
    [InlineData(".. csv-table::\n   :header: \"A\", \"B\"\n\n   1, \"two, three\"\n", "A | B\n1 | two, three")]
    public async Task ReadAsync_Tables_AreRowsOfCells(string source, string expected)
    {
        StructuredText text = await Files.ReadAsync("a.rst", source + "\nAfter.\n");
        TextBlock table = Assert.Single(text.Blocks, block => block.Kind == TextBlockKind.Table);
        Assert.Equal(expected, text.Text[table.Start..table.End]);
    }

    [Fact]
    public async Task ReadAsync_TableThatIsDrawnCrooked_StaysAsItStands()
    {
        const string Crooked = "+----+------+\n| 東京 | B |\n+----+------+";
        StructuredText text = await Files.ReadAsync("a.rst", Crooked + "\n\nAfter.\n");
        Assert.Equal(["0||Table: " + Crooked, "0||Paragraph: After."], Files.Show(text));
    }

    [Fact]
    public async Task ReadAsync_Session_IsCode()
    {
        StructuredText text = await Files.ReadAsync("a.rst", "Try it:\n\n>>> 1 + 1\n2\n\nText.\n");
        Assert.Equal(["0||Paragraph: Try it:", "0||Code: >>> 1 + 1\n2", "0||Paragraph: Text."], Files.Show(text));
    }
}
