using Coach.Rag.Embeddings;
using Coach.Rag.Tests;
using Microsoft.Extensions.AI;

namespace Coach.Rag.MiniLM.Tests.Models;

public sealed class MiniLMTokenCounterTests : IDisposable
{
    private readonly EncoderEmbeddingGenerator _encoder = MiniLMModel.Open(1);

    private ITokenCounter Counter => (ITokenCounter)_encoder.GetService(typeof(ITokenCounter))!;

    public void Dispose() => _encoder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("The wombat digs burrows.")]
    [InlineData("C++ and C# aren't .NET; see https://example.org/a?b=c#d (2024-01-02).")]
    [InlineData("var x = items.Select(i => i * 2).ToList(); // ok\n\tif (x[0] != y) { return null; }")]
    [InlineData("Größe, naïve café — “quoted” … 東京都 and カタカナ, Привет; שלום")]
    [InlineData("a\u0001b\u200Bc e\u0301 \uD83D\uDE00 Internationalization of supercalifragilistic words")]
    [InlineData("x\u00A0y\u3000z | --- | :---: |\r\n| 1 | 2 |")]
    public void CountTokens_Text_IsWhatTheEncoderMakesOfIt(string text) =>
        Assert.Equal(_encoder.Model.Encode(text).Length - 2, Counter.CountTokens(text));

    [Fact]
    public void CountTokens_WordWithoutAnEnd_IsBoundedByItsLetters()
    {
        Assert.InRange(Counter.CountTokens(new string('a', 6_000)), 1_000, 6_000);
        Assert.InRange(Counter.CountTokens(new string('é', 6_000)), 1_000, 6_000);
        Assert.Equal(6_000, Counter.CountTokens(new string('東', 6_000)));
    }

    [Theory]
    [InlineData("The wombat digs burrows, and internationalization continues.")]
    [InlineData("東京都の天気は晴れです。東京都の天気は晴れです。東京都の天気は晴れです。")]
    [InlineData("\uD83D\uDE00\uD83D\uDE00\uD83D\uDE00 \uD83D\uDE00")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void GetIndexByTokenCount_AnyCount_IsAPrefixThatFits(string text)
    {
        int all = Counter.CountTokens(text);
        for (int most = 1; most <= all; most++)
        {
            int length = Counter.GetIndexByTokenCount(text, most);
            Assert.InRange(length, 1, text.Length);
            Assert.False(length < text.Length && char.IsHighSurrogate(text[length - 1]) && char.IsLowSurrogate(text[length]));
            Assert.True(length <= 2 || Counter.CountTokens(text.AsSpan(0, length)) <= most);
        }

        Assert.Equal(text.Length, Counter.GetIndexByTokenCount(text, all));
    }

    [Fact]
    public async Task AddOrUpdateAsync_DocumentsOfAnyKind_NoPassageIsLongerThanTheEncoderReads()
    {
        string wide = string.Join(" | ", Enumerable.Range(0, 60).Select(i => $"cell_{i}.x"));
        string text = "# " + string.Concat(Enumerable.Repeat("A long heading of words ", 6)) + "\n\n"
            + string.Concat(Enumerable.Repeat("Antidisestablishmentarianism floccinaucinihilipilification; ", 200)) + "\n\n"
            + "| a | b |\n|---|---|\n" + string.Concat(Enumerable.Repeat($"| {wide} |\n", 5)) + "\n"
            + "```\n" + string.Concat(Enumerable.Range(0, 200).Select(i => $"x[{i}] = (y[{i}] << 2) ^ 0x{i:x4};\n")) + "```\n\n"
            + string.Concat(Enumerable.Repeat("東京都の天気は晴れです。", 120));
        var counting = new Counting(_encoder);
        await using var host = new RagHost(
            rag => rag.UseEmbeddings(_ => counting), options => (options.Learn, options.ChunkTokens) = (false, 1_000));
        await host.Knowledge.AddOrUpdateAsync([new("a.md", text) { Format = TextFormat.Markdown }], cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(counting.Texts.Count > 10);
        Assert.All(counting.Texts, each => Assert.InRange(Counter.CountTokens(each), 1, Counter.MaxTokens));
    }

    [Fact]
    public async Task SyncAsync_SameCounterAgain_ReadsNothingAnew()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("a.md"), "# A\n\nThe wombat digs.", TestContext.Current.CancellationToken);
        string index = folder.File("index.coach");
        for (int i = 0; i < 2; i++)
        {
            await using var host = new RagHost(rag => rag.UseIndexFile(index).UseEmbeddings(_ => new Counting(_encoder)).WithSource(folder.Path), options => options.Learn = false);
            IngestReport report = await host.Knowledge.SyncAsync(cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal((i == 0 ? 1 : 0, i), (report.Added + report.Updated, report.Unchanged));
        }
    }

    private sealed class Counting(EncoderEmbeddingGenerator inner) : IEmbeddingGenerator<string, Embedding<float>>
    {
        public List<string> Texts { get; } = [];

        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            string[] texts = [.. values];
            lock (Texts)
            {
                Texts.AddRange(texts);
            }

            return Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(texts.Select(_ => new Embedding<float>(new float[] { 1, 0 }))));
        }

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(ITokenCounter) ? inner.GetService(serviceType, serviceKey) : null;

        public void Dispose()
        {
        }
    }
}
