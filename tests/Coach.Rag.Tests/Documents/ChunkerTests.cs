using Coach.Rag.Analysis;
using Coach.Rag.Documents;
using FsCheck;
using FsCheck.Fluent;

namespace Coach.Rag.Tests.Documents;

public sealed class ChunkerTests
{
    private static readonly string[] Pieces =
        ["# Title\n", "## Part\n", "word ", "A sentence ends here. ", "\n\n", "\n", "- item\n", "```\ncode\n```\n", "| a | b |\n|---|---|\n| 1 | 2 |\n", "   ", "> quote\n",
         "\uD83D\uDE00", "\uD83D", "\u0000", "東京都。", "<b>", "---\n", "1. one\n", "averyverylongwordwithoutanybreak", "\r\n", "[link](http://x)", "שלום ", "e\u0301"];

    [Theory]
    [InlineData(TextFormat.PlainText)]
    [InlineData(TextFormat.Markdown)]
    [InlineData(TextFormat.Html)]
    public void Split_AnyText_SlicesTheTextInOrderAndLosesNoWord(TextFormat format)
    {
        var texts = Gen.Elements(Pieces).ListOf().Select(pieces => string.Concat(pieces)).ToArbitrary();
        var sizes = Gen.Choose(32, 80).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(texts, sizes, (text, size) =>
        {
            StructuredText structure = DocumentReader.Read(new KnowledgeDocument("x", text) { Format = format });
            List<Chunk> chunks = new Chunker(size, size / 4).Split(structure);
            int last = -1;
            var covered = new bool[structure.Text.Length];
            foreach (Chunk chunk in chunks)
            {
                Assert.True(chunk.Start > last && chunk.Length > 0 && chunk.Start + chunk.Length <= structure.Text.Length);
                Assert.Equal(System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(structure.Text.Substring(chunk.Start, chunk.Length))),
                    structure.Text.Substring(chunk.Start, chunk.Length));
                Assert.InRange(TokenCounter.Count(structure.Text.AsSpan(chunk.Start, chunk.Length)), 0, size + 8);
                last = chunk.Start;
                Array.Fill(covered, true, chunk.Start, chunk.Length);
            }

            foreach (TextBlock block in structure.Blocks)
            {
                for (int i = block.BodyStart; i < block.BodyEnd; i++)       // fences of code that is cut are left out
                {
                    Assert.True(covered[i] || char.IsWhiteSpace(structure.Text[i]), $"character {i} is in no chunk");
                }
            }
        }));
    }

    [Fact]
    public void Split_Markdown_KeepsHeadingsAndSections()
    {
        const string Text = "# Guide\n\nIntro words here that are long enough to stand alone as a section of this guide, more or less.\n\n## Install\n\nRun the installer. Then restart the machine, wait a while, and check that the light is green before going on.\n\n### Linux\n\nUse apt to install it, then enable the service and look at its log until it says that it is ready to serve.\n";
        StructuredText structure = DocumentReader.Read(new KnowledgeDocument("x", Text) { Format = TextFormat.Markdown });
        Assert.Equal("Guide", structure.Title);
        List<Chunk> chunks = new Chunker(100, 20).Split(structure);
        Assert.Equal(["Guide", "Guide/Install", "Guide/Install/Linux"], chunks.Select(chunk => chunk.Heading.Replace(TextBlock.Separator, '/')));
        Assert.StartsWith("Use apt", Text.Substring(chunks[2].Start, chunks[2].Length), StringComparison.Ordinal);
    }

    [Fact]
    public void Split_LongSection_OverlapsByWholeSentences()
    {
        string text = string.Concat(Enumerable.Range(0, 40).Select(i => $"Sentence number {i} says something. "));
        List<Chunk> chunks = new Chunker(60, 15).Split(DocumentReader.Read(new KnowledgeDocument("x", text)));
        Assert.True(chunks.Count > 4);
        for (int i = 1; i < chunks.Count; i++)
        {
            Assert.True(chunks[i].Start < chunks[i - 1].Start + chunks[i - 1].Length, "no overlap");
            Assert.StartsWith("Sentence", text[chunks[i].Start..], StringComparison.Ordinal);
        }
    }

    public static TheoryData<string, TextFormat> Hostile() => new()
    {
        { "line", TextFormat.PlainText }, { "line", TextFormat.Markdown }, { "line", TextFormat.Html }, { "nesting", TextFormat.Markdown },
        { "nesting", TextFormat.Html }, { "brackets", TextFormat.Markdown }, { "marks", TextFormat.PlainText }, { "surrogates", TextFormat.PlainText },
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Split_HostileText_EndsSoon(string kind, TextFormat format)
    {
        string text = kind switch
        {
            "line" => new string('a', 4_000_000),
            "nesting" => format == TextFormat.Html ? string.Concat(Enumerable.Repeat("<div>", 20_000)) + "deep" : string.Concat(Enumerable.Repeat("> ", 20_000)) + "deep",
            "brackets" => string.Concat(Enumerable.Repeat("[", 200_000)),
            "marks" => "a" + new string('\u0301', 1_000_000),
            _ => new string('\uD800', 500_000),
        };
        StructuredText structure = DocumentReader.Read(new KnowledgeDocument("x", text) { Format = format });
        List<Chunk> chunks = new Chunker(200, 30).Split(structure);
        Assert.True(chunks.Count < 40_000);
    }
}
