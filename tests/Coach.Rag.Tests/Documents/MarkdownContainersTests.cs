using Coach.Rag.Documents;

namespace Coach.Rag.Tests.Documents;

/// <summary>What stands in lists, admonitions and tabs, as documentation tools nest them.</summary>
public sealed class MarkdownContainersTests
{
    private const string Tabs = """"
        # Guide

        ## Install

        === "Linux"

            Words of Linux.

            === "Debian"

                ```bash
                # no heading
                apt install wombat
                ```

                !!! note "Mind this"

                    Words of the note.

                    1. First step:

                        ```yaml
                        # no heading either
                        key: value
                        ```

                    2. Second step.

                ### From source

                Words of the source.

            === "Fedora"

                    dnf install wombat
                    # indented code

                Words of Fedora.

        === "Mac"

            ??? tip
                Words of the tip.

                ~~~~python
                x = """
                ~~~
                # still code
                """
                ~~~~

        Words after the tabs.

        ## Use

        Words of use.
        """";

    [Fact]
    public void Read_NestedTabs_CodeIsCodeAndHeadingsHoldWithinTheirTab()
    {
        StructuredText structure = MarkdownReader.Read(Tabs);
        Assert.Equal(
            ["apt install wombat", "key: value", "dnf install wombat", "# still code"],
            structure.Blocks.Where(block => block.Kind == TextBlockKind.Code)
                .Select(block => Text(structure, block).Split('\n').Select(line => line.Trim()).First(IsKnown)));
        Assert.Equal("Guide/Install", HeadingOf(structure, "Words of Linux"));
        Assert.Equal("Guide/Install", HeadingOf(structure, "Words of the note"));
        Assert.Equal("Guide/Install", HeadingOf(structure, "Second step"));
        Assert.Equal("Guide/Install/From source", HeadingOf(structure, "Words of the source"));
        Assert.Equal("Guide/Install", HeadingOf(structure, "Words of Fedora"));
        Assert.Equal("Guide/Install", HeadingOf(structure, "Words after the tabs"));
        Assert.Equal("Guide/Use", HeadingOf(structure, "Words of use"));
        Assert.DoesNotContain("===", structure.Text, StringComparison.Ordinal);
        AssertExact(Tabs, structure);

        static bool IsKnown(string line) => line is "apt install wombat" or "key: value" or "dnf install wombat" or "# still code";
    }

    [Theory]
    [InlineData("- a\n\n    ```sh\n    # x\n    ```\n\n- b\n", "# x")]
    [InlineData("1. a\n\n    !!! warning\n\n        ```sh\n        # x\n        ```\n\n2. b\n", "# x")]
    [InlineData("- a\n  - b\n    - c\n\n      ~~~\n      # x\n      ~~~\n", "# x")]
    [InlineData("- ````md\n  ```\n  # x\n  ```\n  ````\n", "```\n  # x\n  ```")]
    [InlineData("1. a\n   ```\n# x\n   ```\n", "# x")]
    [InlineData("1. a\n\n    ```\n    # x\n```\n", "# x")]
    [InlineData("Text.\n\n    ```sh\n    # x\n    ```\n", "# x")]
    [InlineData("!!! note\n\n        # x\n        y\n", "# x\n        y")]
    [InlineData("- a\n\n      # x\n", "# x")]
    [InlineData("> - a\n>\n>   ```\n>   # x\n>   ```\n", "# x")]
    [InlineData("=== \"A\"\n\n    > ```\n    > # x\n    > ```\n", "# x")]
    [InlineData("```text\n> ```\n# x\n```\n", "> ```\n# x")]
    [InlineData("```text\n```js\n# x\n```\nmore\n```\n", "```js\n# x\n```\nmore")]
    [InlineData("Term\n\n:   Words of it.\n\n    === \"A\"\n\n        ```sh\n        # x\n        ```\n", "# x")]
    [InlineData("Text.[^1]\n\n[^1]: Words of it.\n\n    ```sh\n    # x\n    ```\n", "# x")]
    [InlineData(": Words of it.\n\n    ~~~\n    # x\n    ~~~\n", "# x")]
    [InlineData(":::tip\n\n```sh\n# x\n```\n\n:::\n", "# x")]
    [InlineData("::: code-group\n\n```sh [npm]\n# x\n```\n\n:::\n", "# x")]
    [InlineData("/// tab | A\n\n```sh\n# x\n```\n\n///\n", "# x")]
    public void Read_CodeWithinOthers_IsCodeAndNoHeading(string source, string code)
    {
        StructuredText structure = MarkdownReader.Read("# T\n\n" + source + "\n## After\n\nWords after.\n");
        TextBlock block = Assert.Single(structure.Blocks, block => block.Kind == TextBlockKind.Code);
        bool isQuoted = source.Contains("> #", StringComparison.Ordinal) || source.Contains(">   #", StringComparison.Ordinal);
        Assert.Equal(code, structure.Text[block.BodyStart..block.BodyEnd].Trim(isQuoted ? [' ', '\n', '>'] : [' ', '\n']));
        Assert.Equal("T/After", HeadingOf(structure, "Words after"));
        AssertExact("# T\n\n" + source + "\n## After\n\nWords after.\n", structure);
    }

    [Theory]
    [InlineData("- a\n\n  ```sh\n  run\n\nWords after.\n\n## B\n\nWords of b.\n\n```sh\nx\n```\n", "T", "T/B")]
    [InlineData("=== \"A\"\n\n    ```sh\n    run\n\nWords after.\n\n## B\n\nWords of b.\n", "T", "T/B")]
    [InlineData("```sh\nrun\n\n```python\nx\n```\n\nWords after.\n\n## B\n\nWords of b.\n", "T", "T/B")]
    [InlineData("    ```sh\n    run\n\nWords after.\n\n## B\n\nWords of b.\n", "T", "T/B")]
    [InlineData("> ```sh\n> run\n\nWords after.\n\n## B\n\nWords of b.\n", "T", "T/B")]
    [InlineData("1. a\n\n   ```sh\n   run\n\n2. b\n\nWords after.\n\n## B\n\nWords of b.\n", "T", "T/B")]
    public void Read_FenceThatIsNotClosed_EndsWithWhatItStandsIn(string source, string after, string last)
    {
        StructuredText structure = MarkdownReader.Read("# T\n\n" + source);
        Assert.Equal(after, HeadingOf(structure, "Words after"));
        Assert.Equal(last, HeadingOf(structure, "Words of b"));
        Assert.Contains(structure.Blocks, block => block.Kind == TextBlockKind.Code && Text(structure, block).Contains("run", StringComparison.Ordinal));
        Assert.All(new Chunker(200, 30).Split(structure), chunk => Assert.Equal(0, structure.Text.Substring(chunk.Start, chunk.Length)
            .Split('\n').Count(line => line.TrimStart(' ', '>', '-').StartsWith("```", StringComparison.Ordinal)) % 2));
    }

    [Theory]
    [InlineData("/// details | Mind this\n    type: warning\n\nWords.\n///", "Mind this Words.")]
    [InlineData("///// note\nWords.\n/////", "Words.")]
    [InlineData("/// html | div.class\nWords.\n///", "Words.")]
    [InlineData("/// not a block of it", "/// not a block of it")]
    [InlineData("??? note \"Title\"\n    Words.", "note \"Title\" Words.")]
    [InlineData("???+ note\n    Words.", "note Words.")]
    [InlineData("!!!note\n    Words.", "note Words.")]
    [InlineData("===+ \"Title\"\n    Words.", "\"Title\" Words.")]
    [InlineData("- a\n\n    !!! tip\n        Words.\n\n- b", "- a tip Words. - b")]
    [InlineData(":::: tip Title\n::: info\nWords.\n:::\n::::", "tip Title info Words.")]
    [InlineData("::: details Click me {open}\nWords.\n:::", "details Click me Words.")]
    public void Read_Admonitions_KeepTheirWords(string source, string words)
    {
        StructuredText structure = MarkdownReader.Read("# T\n\n" + source + "\n");
        string text = string.Join(' ', new Chunker(200, 0).Split(structure).Select(chunk => structure.Text.Substring(chunk.Start, chunk.Length)));
        Assert.Equal(words, string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Replace("# T ", "", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_ListsAsPeopleIndentThem_AreText()
    {
        const string Source = "# T\n\n1. One\n\n    more of one\n\n   - inner\n\n      more of inner\n\n10. Ten\n\n    more of ten\n  lazy\n\n* a\n\n\tmore of a\n\n> - q\n>\n>     more of q\n\nEnd.\n";
        StructuredText structure = MarkdownReader.Read(Source);
        Assert.DoesNotContain(structure.Blocks, block => block.Kind == TextBlockKind.Code);
        AssertExact(Source, structure);
    }

    private static string Text(StructuredText structure, TextBlock block) => structure.Text[block.Start..block.End];

    private static string HeadingOf(StructuredText structure, string words) =>
        structure.Blocks.First(block => Text(structure, block).Contains(words, StringComparison.Ordinal)).Heading.Replace(TextBlock.Separator, '/');

    private static void AssertExact(string source, StructuredText structure)
    {
        foreach (Chunk chunk in new Chunker(100, 20).Split(structure))
        {
            Chunk range = structure.InSource(chunk);
            string passage = structure.Text.Substring(chunk.Start, chunk.Length);
            Assert.Equal((passage[0], passage[^1]), (source[range.Start], source[range.Start + range.Length - 1]));
        }
    }
}
