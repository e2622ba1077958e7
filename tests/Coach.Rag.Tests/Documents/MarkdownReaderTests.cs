using System.Text;
using Coach.Rag.Analysis;
using Coach.Rag.Documents;
using Markdig;
using Markdig.Syntax;

namespace Coach.Rag.Tests.Documents;

public sealed class MarkdownReaderTests
{
    [Theory]
    [InlineData("## Install {#install}\n\nRun it.", "Install", "Run it.")]
    [InlineData("## Install [](#x) {.unnumbered #i}\n\nRun it.", "Install", "Run it.")]
    [InlineData("# A\n\nSee {{< ref \"x.md\" >}} for more.", "A", "See  for more.")]
    [InlineData("# A\n\n{{% notice warning %}}\nMind the gap.\n{{% /notice %}}", "A", "Mind the gap.")]
    [InlineData("# A\n\nA {{< glossary_tooltip text=\"pod\" term_id=\"pod\" >}} runs.", "A", "A pod runs.")]
    [InlineData("# A\n\nThe {{domxref(\"Element.id\", \"id\")}} and {{HTMLElement(\"a\")}}.", "A", "The id and a.")]
    [InlineData("# A\n\n{% raw %}Text{% endraw %} here.", "A", "Text here.")]
    [InlineData("# A\n\nText ends.\n{: .note }", "A", "Text ends.")]
    [InlineData("# A\n\n:::tip Pay attention\nDrink tea.\n:::", "A", "tip Pay attention\nDrink tea.")]
    [InlineData("# A\n\n::: {.callout-note}\nDrink tea.\n:::\n", "A", "Drink tea.")]
    [InlineData("# A\n\n!!! note \"Mind this\"\n    Drink tea.\n", "A", "note \"Mind this\"\n    Drink tea.")]
    [InlineData("# A\n\n> [!WARNING]\n> Drink tea.\n", "A", "> WARNING\n> Drink tea.")]
    [InlineData("# A\n\n```{note}\nDrink tea.\n```\n", "A", "Drink tea.")]
    [InlineData("# A\n\n```{admonition} Title words\nDrink tea.\n```\n", "A", "Title words\nDrink tea.")]
    [InlineData("import Tabs from '@theme/Tabs';\nimport {\n  A,\n  B\n} from 'x';\n\n# A\n\nText.", "A", "Text.")]
    [InlineData("# A\n\n<Tabs defaultValue=\"a\" values={[{a: '>'}]}>\n<TabItem value=\"a\" label=\"Linux\">\n\nText.\n\n</TabItem>\n</Tabs>\n", "A", "Linux\n\nText.")]
    [InlineData("# A\n\n<script>\nif (a < b) no();\n\nmore();\n</script>\n\nText.", "A", "Text.")]
    [InlineData("# A\n\n<!-- no\n\nno -->\n\nText <!-- no --> here.", "A", "Text  here.")]
    [InlineData("# A\n\nOne<br/>two and H<sub>2</sub>O.", "A", "One two and H2O.")]
    [InlineData("# A\n\n![A cat](data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==) sleeps.", "A", "A cat sleeps.")]
    [InlineData("# A\n\n![A cat][cat] sleeps.\n\n[cat]: data:image/png;base64,iVBORw0KGgo=\n", "A", "![A cat][cat] sleeps.")]
    [InlineData("# A\n\n<img src=\"x.png\" alt=\"A cat\"/> sleeps.", "A", "A cat sleeps.")]
    [InlineData("## Install { #install }\n\nRun it.", "Install", "Run it.")]
    [InlineData("## 1.2 <small>May</small> { id=\"1.2\" }\n\nRun it.", "1.2 May", "Run it.")]
    [InlineData("## Guide { data-toc-label=\"G\" }\n\nA [page](x.md){ .button target=_blank } of it.", "Guide", "A [page](x.md) of it.")]
    [InlineData("# A\n\nText.\n{ .annotate style=\"margin: 0; height: 0\" }", "A", "Text.")]
    [InlineData("# A\n\n<Step id={1}>Call</Step>s it, <Note>mind</Note> the <nobr>gap</nobr>.", "A", "Calls it, mind the gap.")]
    [InlineData("# A\n\n:::{note}\nDrink tea.\n:::\n\n% no comment\n\nText.", "A", "Drink tea.\n\nText.")]
    [InlineData("## The [guide](x.md) of `List[str]` [it][ref] \\*\\*\n\nText.", "The guide of List[str] it **", "Text.")]
    [InlineData("# A\n\n| a | b |\n|:-------|--------:|\n| &nbsp; | 1 |", "A", "| a | b |\n|:---|---:|\n|  | 1 |")]
    [InlineData("# A\n\n&lt;x&gt; is &lt;y&gt; of &lt;z&gt;", "A", "&lt;x> is <y> of <z&gt;")]
    [InlineData("# A\n\n````go\nx := 1\n```", "A", "x := 1")]
    [InlineData("# A\n\n```md\n=== \"C\"\n\n    ```c\n    x\n    ```\n\n# no heading\n```", "A", "```md\n=== \"C\"\n\n    ```c\n    x\n    ```\n\n# no heading\n```")]
    [InlineData("# A\n\n* - ```md\n    # no heading\n    ```\n  - Text.", "A", "* - ```md\n    # no heading\n    ```\n  - Text.")]
    [InlineData("# A\n\n{* ../docs/a.py hl[1:2] *}\n\nText.", "A", "Text.")]
    [InlineData("# A\n\nText :smile: and :material-check:{ .ok } more.", "A", "Text  and  more.")]
    [InlineData("# A\n\n| a | b |\n|---|---|\n| x | :material-check: |\n| y | :x_mark: |", "A", "| a | b |\n|---|---|\n| x | check |\n| y | x_mark |")]
    [InlineData("# A\n\nOne &mdash; two&nbsp;three, 1 &lt; 2 &amp; so&shy;on.", "A", "One — two three, 1 < 2 & soon.")]
    [InlineData("# A\n\n| a |\n|---|\n| x &vert; y |", "A", "| a |\n|---|\n| x \\| y |")]
    [InlineData("# A\n\nPress ++ctrl+alt++ in C++ and C++.", "A", "Press ctrl+alt in C++ and C++.")]
    [InlineData("# A\n\nSee [the {{< b >}}guide]({{< relref \"/x.md\" >}}#y) and [more]({% link b.md %}).", "A", "See the guide and more.")]
    [InlineData("# A\n\nSee [the guide]() for more.", "A", "See the guide for more.")]
    [InlineData("# A\n\nSee [[Other page]] for more.", "A", "See Other page for more.")]
    [InlineData("# A\n\nSee {ref}`the guide <x>` and {py:func}`f`.", "A", "See `the guide <x>` and `f`.")]
    [InlineData("# A\n\nA <xref:System.String?displayProperty=nameWithType> holds.", "A", "A System.String holds.")]
    [InlineData("# A\n\n[TOC]\n\n[[_TOC_]]\n\n(label)=\n\n[!INCLUDE [x](y.md)]\n\nText.", "A", "Text.")]
    [InlineData("# A\n\n```rust\n{{#include ../a.rs}}\n```\n\nText.", "A", "Text.")]
    [InlineData("# A\n\n```rust\nfn a() {}\n{{#include ../a.rs}}\n```", "A", "```rust\nfn a() {}\n```")]
    [InlineData("# A\n\n```{toctree}\na\nb\n```\n\nText.", "A", "Text.")]
    [InlineData("# A\n\n```{note}\n:class: dropdown\nDrink tea.\n```", "A", "Drink tea.")]
    [InlineData("# A\n\n:::warning[Watch out]{id=x}\nDrink tea.\n:::", "A", "warning Watch out\nDrink tea.")]
    [InlineData("# A\n\n::: {.callout-tip title=\"Mind this\"}\nDrink tea.\n:::", "A", "Mind this\nDrink tea.")]
    [InlineData("# A\n\n:::: panel-tabset\n::: column\nDrink tea.\n:::\n::::", "A", "Drink tea.")]
    [InlineData("# A\n\n:::image type=\"content\" source=\"a.png\" alt-text=\"A cat sleeps\":::", "A", "A cat sleeps")]
    [InlineData("# A\n\n{{< highlight go >}}\n# no heading\nx := 1\n{{< / highlight >}}\n\nText.", "A", "# no heading\nx := 1\n\nText.")]
    [InlineData("# A\n\n<pre><code class=\"x\">\n# no heading\n  x\n</code></pre>\n\nText.", "A", "# no heading\n  x\n\nText.")]
    [InlineData("# A\n\nText of [it].\n\n[it]: https://example.org \"It\"\n\nMore.", "A", "Text of [it].\n\nMore.")]
    [InlineData("---\ndescription: Soft&shy;ware &mdash; free\n---\n\n# A\n\nText.", "A", "Software — free\n# A\n\nText.")]
    public void Read_MarkupOfTools_IsLeftOutAndWordsStay(string source, string heading, string text)
    {
        StructuredText structure = MarkdownReader.Read(source);
        List<Chunk> chunks = new Chunker(200, 30).Split(structure);
        Chunk chunk = chunks[^1];
        Assert.Equal(heading, chunk.Heading.Split(TextBlock.Separator)[^1]);
        Assert.Equal(text, string.Join("\n\n", chunks.Select(each => structure.Text.Substring(each.Start, each.Length)))
            .Replace("\n\n\n", "\n\n", StringComparison.Ordinal));

        // The range begins and ends at the same words in the source.
        Chunk range = structure.InSource(chunk);
        string slice = source.Substring(range.Start, range.Length);
        Assert.Equal((text[^1], structure.Text[chunk.Start]), (slice[^1], slice[0]));
    }

    [Theory]
    [InlineData("Use `{{ x }}`, `<Tabs>`, ``a ` {#b}`` and `List<String>`.")]
    [InlineData("A List<String> holds <your-name> and 1 < 2 > 0; see <https://example.org/a> and <me@example.org>.")]
    [InlineData("```\nimport X from 'y';\n{{ x }} <div> {#a} :::tip\n```")]
    [InlineData("    import X from 'y';\n    {{ x }} <div> {#a}")]
    [InlineData("| a | b |\n|---|---|\n| `{{x}}` | 1 |")]
    [InlineData("At 10:30:15 a::b, x:y: and C++ or i++ + ++j; [Note]: this is a sentence of words.")]
    [InlineData("AT&T; R&D &unknown; and `&amp;` {x=1} [[ -f x ]].")]
    [InlineData("```{python}\n#| echo: false\nx = {'a': 1}\n```")]
    [InlineData("A set {a, b} and {1..3}, a [link](https://example.org/?a=b) and [^1].\n\n[^1]: A footnote says more.")]
    public void Read_TextThatLooksLikeMarkup_StaysAsItIs(string source)
    {
        StructuredText structure = MarkdownReader.Read(source);
        Assert.Equal(source, structure.Text);
        Assert.NotEmpty(structure.Blocks);
    }

    [Fact]
    public async Task ReadAsync_Mdx_LeavesOutExpressionsAndExports()
    {
        const string Source = "export const meta = {\n  a: 1,\n};\n\n# Guide\n\n{/* no */}Hello {props.name}, <Trans>{'good day'}</Trans> and <>more</>.\n";
        StructuredText structure = await new MarkdownReader().ReadAsync(new DocumentFile("a.mdx", Encoding.UTF8.GetBytes(Source)), TestContext.Current.CancellationToken);
        Chunk chunk = Assert.Single(new Chunker(200, 30).Split(structure));
        Assert.Equal("Hello , good day and more.", structure.Text.Substring(chunk.Start, chunk.Length));
    }

    [Fact]
    public async Task ReadAsync_OwnPatterns_AreLeftOutOutsideCode()
    {
        const string Source = "See @@ref:17@@ and `@@ref:18@@` {#x} and @@ref:19@@ there.";
        var reader = new MarkdownReader(["@@[a-z]+:[0-9]+@@"]);
        StructuredText structure = await reader.ReadAsync(new DocumentFile("a.md", Encoding.UTF8.GetBytes(Source)), TestContext.Current.CancellationToken);
        Assert.Equal("See  and `@@ref:18@@`  and  there.", structure.Text);
    }

    [Fact]
    public async Task RetrieveAsync_FrontMatterOnly_IsFoundByItsDescription()
    {
        const string Source = "---\ntitle: Refund policy\ndescription: \"How long a refund of a wombat takes\"\ntags: [money, returns]\ndate: 2026-01-02\ndraft: false\n---\n";
        await using var host = new RagHost(configure: o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("a.md", Source) { Format = TextFormat.Markdown }, new("b.md", "---\ntitle: Only a quokka\n---\n") { Format = TextFormat.Markdown }]);
        Passage passage = Assert.Single((await host.Retriever.RetrieveAsync("refund of a wombat")).Passages);
        Assert.Equal("How long a refund of a wombat takes money returns", passage.Text);
        Assert.StartsWith("How long", Source[passage.Start..], StringComparison.Ordinal);
        Assert.Equal(("Refund policy", "money, returns", "2026-01-02"), (passage.Title, passage.Metadata["tags"], passage.Metadata["date"]));
        Assert.Equal("Only a quokka", Assert.Single((await host.Retriever.RetrieveAsync("quokka")).Passages).Text);
    }

    [Theory]
    [InlineData("---\ntitle: 'It''s'\nsummary: |\n  Line one\n  line two\nkeywords:\n  - red fox\n  - hare\n---\n\nText.", "Line one\n  line two red fox hare\nText.")]
    [InlineData("+++\ntitle = \"Guide\"\ndescription = \"About foxes\"\ntags = [\"a\", \"b\"]\n+++\nText.", "About foxes a b Text.")]
    [InlineData("---\n\nText after a break.\n\n---\n\nMore.", "---\n\nText after a break.\n\n---\n\nMore.")]
    public void Read_FrontMatter_LeavesItsWords(string source, string text) => Assert.Equal(text, MarkdownReader.Read(source).Text.Trim());

    [Fact]
    public async Task AddOrUpdateAsync_EmptyDocuments_AreNeverAPassage()
    {
        await using var host = new RagHost(configure: o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("a", "") { Title = "Wombat" }, new("b", " \n ") { Title = "Wombat" }, new("c", "A wombat digs."), new("d", "") { Title = "Wombat", IsOnePassage = true }]);
        Assert.Equal("c", Assert.Single((await host.Retriever.RetrieveAsync("wombat")).Passages).Source);
    }

    public static TheoryData<string> Slow() => ["setext", "references", "emoji", "entities", "keys", "links", "pages", "attributes", "shortcodes", "pre", "quotes", "brackets", "tags", "braces", "backticks", "fences", "comments", "tables", "components", "bold", "front", "grids", "dashes", "columns", "html", "lists", "infos", "dedents"];

    /// <summary>Each is quadratic for a parser that looks back or ahead without a bound: minutes instead of a part of a second.</summary>
    [Theory]
    [MemberData(nameof(Slow))]
    public async Task Read_QuadraticText_TakesAsLongAsItsLength(string kind)
    {
        string text = kind switch
        {
            "setext" => Repeat("a\n===\n", 131_000),
            "references" => Repeat("[a]: http://b\n", 50_000) + Repeat("[a] ", 50_000),
            "emoji" => Repeat(":a", 260_000),
            "entities" => Repeat("&a", 260_000),
            "keys" => Repeat("++a", 170_000),
            "links" => Repeat("[a]({{", 90_000),
            "pages" => Repeat("[[a", 170_000),
            "attributes" => Repeat("{ #a", 130_000),
            "shortcodes" => Repeat("{{< highlight a >}}\n/highlight\n", 15_000),
            "pre" => Repeat("<pre>\n", 90_000),
            "quotes" => string.Concat(Enumerable.Range(1, 1_200).Select(i => new string('>', i) + " a\n")),
            "brackets" => Repeat("[![", 260_000),
            "tags" => Repeat("<a b=\"", 130_000),
            "braces" => Repeat("{{ {% {# ", 90_000),
            "backticks" => string.Concat(Enumerable.Range(1, 1_200).Select(i => new string('`', i) + " ")),
            "fences" => Repeat("```\n~~~\n", 100_000),
            "comments" => Repeat("<!-- ", 160_000),
            "tables" => Repeat("a|b\n-|-\n", 100_000),
            "components" => Repeat("<A>", 260_000),
            "bold" => Repeat("**a _b ", 110_000),
            "grids" => Repeat("+--+\n", 130_000),
            "dashes" => Repeat("-----\na\n-- --\n", 50_000),
            "columns" => Repeat("--- ---\na\n", 60_000) + Repeat("--- ---\n", 60_000),
            "html" => Repeat("<table>\n", 80_000) + "</table>",
            "lists" => string.Concat(Enumerable.Range(0, 1_200).Select(i => new string(' ', i) + "- a\n")),
            "infos" => Repeat("```a\n", 130_000),
            "dedents" => Repeat("- ```\na\n", 80_000),
            _ => "---\n" + Repeat("a: [\n", 150_000),
        };
        Task<long> reading = Task.Run(() =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            StructuredText structure = MarkdownReader.Read(text);
            new Chunker(200, 30).Split(structure);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        });

        // A limit for what hangs, not a measure: it is a part of a second.
        long allocated = await reading.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.InRange(allocated, 0, 1L << 30);
    }

    /// <summary>The library is the judge of what is a heading in plain Markdown.</summary>
    [Fact]
    public void Read_ProjectDocumentation_HasTheHeadingsOfMarkdig()
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Coach.sln")))
        {
            root = Path.GetDirectoryName(root)!;
        }

        string[] files = [.. Directory.GetFiles(Path.Combine(root, "docs"), "*.md", SearchOption.AllDirectories), .. Directory.GetFiles(Path.Combine(root, "src"), "README.md", SearchOption.AllDirectories)];
        Assert.True(files.Length > 20);
        foreach (string file in files)
        {
            string text = File.ReadAllText(file);
            string[] expected = [.. Markdown.Parse(text).Descendants<HeadingBlock>().Where(heading => heading.Parent is MarkdownDocument && heading.Inline?.FirstChild is not null).Select(heading => Words(text.Substring(heading.Span.Start, heading.Span.Length)))];
            StructuredText structure = MarkdownReader.Read(text);
            string[] found = [.. new Chunker(200, 30).Split(structure).SelectMany(chunk => chunk.Heading.Split(TextBlock.Separator).Concat(
                structure.Text.Substring(chunk.Start, chunk.Length).Split('\n').Where(line => line.StartsWith('#'))).Select(Words)).Distinct()];
            Assert.All(expected, heading => Assert.Contains(heading, found));
        }

        static string Words(string heading) => string.Concat(heading.Split('\n')[0].Where(char.IsLetterOrDigit).Take(60));
    }

    [Fact]
    public void Split_CodeOf400Characters_IsWhole()
    {
        string code = "```csharp\n" + string.Concat(Enumerable.Range(0, 12).Select(i => $"    Call({i}); // does. it. now.\n")) + "```";
        string text = "# A\n\n" + Repeat("Words before the code are many. ", 20) + "\n\nAs follows:\n\n" + code + "\n\n" + Repeat("Words after it. ", 60);
        StructuredText structure = MarkdownReader.Read(text);
        List<Chunk> chunks = new Chunker(200, 30).Split(structure);
        string whole = Assert.Single(chunks.Select(chunk => text.Substring(chunk.Start, chunk.Length)), chunk => chunk.Contains("```", StringComparison.Ordinal));
        Assert.Contains("As follows:\n\n" + code, whole, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("```", "```")]
    [InlineData("````md", "````")]
    [InlineData("> ```sh", "> ```")]
    [InlineData("- a\n\n  ```", "  ```")]
    [InlineData("~~~", "")]
    public void Split_LongCode_IsCutAtLinesWithItsFirstLineAndNoFenceIsOdd(string open, string close)
    {
        string prefix = open.StartsWith('>') ? "> " : "";
        string text = $"# A\n\nBefore.\n\n{open}\n{prefix}public void Signature(int a)\n" + string.Concat(Enumerable.Range(0, 150).Select(i => $"{prefix}    statement{i}(a, b. c);\n")) + close + "\n\nAfter.\n";
        StructuredText structure = MarkdownReader.Read(text);
        List<Chunk> chunks = new Chunker(200, 30).Split(structure);
        List<Chunk> code = [.. chunks.Where(chunk => structure.Text.Substring(chunk.Start, chunk.Length).Contains("statement", StringComparison.Ordinal))];
        Assert.True(code.Count > 3);
        Assert.All(chunks, chunk =>
        {
            string slice = structure.Text.Substring(chunk.Start, chunk.Length);
            Assert.Equal(0, slice.Split('\n').Count(line => line.TrimStart(' ', '>').StartsWith("```", StringComparison.Ordinal) || line.StartsWith("~~~", StringComparison.Ordinal)) % 2);
            Assert.True(chunk.Start == 0 || structure.Text[chunk.Start - 1] is '\n' or ' ', "begins within a line");
        });
        Assert.All(code.Skip(1), chunk => Assert.Contains("public void Signature(int a)", structure.Text.Substring(chunk.HeadStart, chunk.HeadLength), StringComparison.Ordinal));
    }

    [Fact]
    public async Task RetrieveAsync_TableOf60Rows_EachPassageHasTheHead()
    {
        string text = "# Prices\n\nAll of them:\n\n| Animal | Price | Note |\n|:--|--:|---|\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"| animal{i} | {i * 3} | eats. sleeps. |\n")) + "\nThe end.\n";
        await using var host = new RagHost(configure: o => o.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("p.md", text) { Format = TextFormat.Markdown }]);
        for (int i = 0; i < 60; i++)
        {
            Passage passage = (await host.Retriever.RetrieveAsync($"animal{i}")).Passages[0];
            Assert.Contains("| Animal | Price | Note |", passage.Text, StringComparison.Ordinal);
            Assert.True(text[passage.Start - 1] == '\n' || text[passage.Start] == 'A');
            Assert.EndsWith(text.Substring(passage.Start, passage.Length), passage.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Split_Questions_StayWithTheirAnswers()
    {
        string text = string.Concat(Enumerable.Range(0, 30).Select(i => $"**Is number {i} a question?**\n\n" + Repeat($"Answer {i} says so. ", 8) + "\n\n"));
        StructuredText structure = MarkdownReader.Read(text);
        foreach (Chunk chunk in new Chunker(120, 0).Split(structure))
        {
            Assert.DoesNotContain('?', structure.Text.Substring(chunk.Start, chunk.Length).TrimEnd()[^4..]);
        }
    }

    [Fact]
    public void Split_RandomMarkdown_EveryHeadingIsAboveItsText()
    {
        var random = new Random(7);
        for (int round = 0; round < 200; round++)
        {
            var text = new StringBuilder();
            var expected = new List<(string Heading, string Word)>();
            for (int i = 0; i < 12; i++)
            {
                text.Append(new string('#', random.Next(1, 5))).Append($" heading{i}\n\n");
                for (int p = random.Next(0, 3); p > 0; p--)
                {
                    text.Append(Repeat($"word{i} ", random.Next(1, 120))).Append("\n\n");
                    expected.Add(($"heading{i}", $"word{i} "));
                }
            }

            StructuredText structure = MarkdownReader.Read(text.ToString());
            List<Chunk> chunks = new Chunker(100, 20).Split(structure);
            foreach ((string heading, string word) in expected)
            {
                Assert.Contains(chunks, chunk => structure.Text.Substring(chunk.Start, chunk.Length) is var slice && slice.Contains(word.TrimEnd(), StringComparison.Ordinal)
                    && (chunk.Heading.Contains(heading, StringComparison.Ordinal) || slice.Contains("# " + heading, StringComparison.Ordinal)));
            }

            Assert.All(chunks, chunk => Assert.InRange(TokenCounter.Count(structure.Text.AsSpan(chunk.Start, chunk.Length)), 1, 108));
        }
    }

    private static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));
}
