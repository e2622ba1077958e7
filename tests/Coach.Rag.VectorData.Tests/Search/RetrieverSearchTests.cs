using System.Linq.Expressions;
using Coach.Rag.Tests;
using Microsoft.Extensions.VectorData;

namespace Coach.Rag.VectorData.Tests.Search;

public sealed class RetrieverSearchTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task HybridSearchAsync_QuestionAndKeywords_RankByBoth()
    {
        await using RagHost host = await AnimalsAsync();
        var search = new RetrieverSearch(host.Retriever);
        List<VectorSearchResult<Passage>> found = await search.HybridSearchAsync("an animal of the park", ["animal7", "animal"], top: 3, cancellationToken: Token).ToListAsync(Token);
        Assert.Equal("a7.md", found[0].Record.Source);
        Assert.Equal(3, found.Count);
        Assert.Equal(found.Select(each => each.Record.Score), found.Select(each => each.Score!.Value));
        Assert.Equal(found.Select(each => each.Score).OrderDescending(), found.Select(each => each.Score));
    }

    [Fact]
    public async Task SearchAsync_Skip_PagesThroughTheSameOrder()
    {
        await using RagHost host = await AnimalsAsync();
        var search = new RetrieverSearch(host.Retriever);
        List<string> all = await IdsAsync(10, 0);
        Assert.Equal(10, all.Distinct().Count());
        Assert.Equal(all[..4], await IdsAsync(4, 0));
        Assert.Equal(all[4..8], await IdsAsync(4, 4));
        Assert.Equal(all[8..], await IdsAsync(4, 8));
        Assert.Empty(await IdsAsync(4, 20));

        Task<List<string>> IdsAsync(int top, int skip) => search.SearchAsync("animal of the park", top, new VectorSearchOptions<Passage> { Skip = skip }, Token)
            .Select(each => each.Record.DocumentId).ToListAsync(Token).AsTask();
    }

    [Fact]
    public async Task SearchAsync_ScoreThreshold_KeepsTheBest()
    {
        await using RagHost host = await AnimalsAsync();
        var search = new RetrieverSearch(host.Retriever);
        List<VectorSearchResult<Passage>> found = await search.SearchAsync("animal3", 10, new VectorSearchOptions<Passage> { ScoreThreshold = 0.9 }, Token).ToListAsync(Token);
        Assert.Equal("a3.md", Assert.Single(found).Record.Source);
    }

    public static TheoryData<string> Filters() => ["source", "unequal", "id", "metadata", "array", "list", "starts", "and", "or", "not", "true", "captured"];

    [Theory]
    [MemberData(nameof(Filters))]
    public async Task SearchAsync_Filter_IsAnswered(string kind)
    {
        string[] sources = ["a1.md", "a2.md"];
        var list = new List<string> { "a4.md" };
        var captured = new { Name = "a5.md" };
        (Expression<Func<Passage, bool>> filter, string[] expected) = kind switch
        {
            "source" => ((Expression<Func<Passage, bool>>)(p => p.Source == "a3.md"), new[] { "a3.md" }),
            "unequal" => (p => p.Source != "a3.md" && p.Metadata["kind"] == "odd", ["a1.md", "a5.md", "a7.md", "a9.md"]),
            "id" => (p => "a3.md" == p.DocumentId, ["a3.md"]),
            "metadata" => (p => p.Metadata["kind"] == "even", ["a0.md", "a2.md", "a4.md", "a6.md", "a8.md"]),
            "array" => (p => sources.Contains(p.Source), ["a1.md", "a2.md"]),
            "list" => (p => list.Contains(p.DocumentId), ["a4.md"]),
            "starts" => (p => p.Source.StartsWith("a6", StringComparison.Ordinal), ["a6.md"]),
            "and" => (p => p.Metadata["kind"] == "odd" && sources.Contains(p.Source), ["a1.md"]),
            "or" => (p => p.Source == "a8.md" || p.Source == "a9.md", ["a8.md", "a9.md"]),
            "not" => (p => !(p.Metadata["kind"] == "odd"), ["a0.md", "a2.md", "a4.md", "a6.md", "a8.md"]),
            "true" => (p => true, ["a0.md", "a1.md", "a2.md", "a3.md", "a4.md", "a5.md", "a6.md", "a7.md", "a8.md", "a9.md"]),
            _ => (p => p.Source.Equals(captured.Name), ["a5.md"]),
        };
        await using RagHost host = await AnimalsAsync();
        List<string> found = await new RetrieverSearch(host.Retriever).HybridSearchAsync("animal of the park", [], 20, new HybridSearchOptions<Passage> { Filter = filter }, Token)
            .Select(each => each.Record.Source).ToListAsync(Token);
        Assert.Equal(expected, found.Order(StringComparer.Ordinal));
    }

    public static TheoryData<string> Refused() => ["score", "culture", "call", "null", "text", "page"];

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task SearchAsync_FilterThatCannotBeAnswered_IsRefusedWithThePart(string kind)
    {
        Expression<Func<Passage, bool>> filter = kind switch
        {
            "score" => p => p.Score > 0.5,
            "culture" => p => p.Source.StartsWith("a", StringComparison.CurrentCulture),
            "call" => p => p.Source.EndsWith(".md", StringComparison.Ordinal),
            "null" => p => p.Source == null,
            "text" => p => p.Source == "a1.md" && p.Text == "x",
            _ => p => p.Page == 1,
        };
        await using RagHost host = await AnimalsAsync();
        var search = new RetrieverSearch(host.Retriever);
        NotSupportedException refusal = Assert.Throws<NotSupportedException>(() => search.SearchAsync("animal", 3, new VectorSearchOptions<Passage> { Filter = filter }, Token));
        Assert.StartsWith("The filter's part '", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SearchAsync_VectorsAndOutOfRange_AreRefused()
    {
        await using RagHost host = await AnimalsAsync();
        var search = new RetrieverSearch(host.Retriever);
        Assert.Throws<NotSupportedException>(() => search.SearchAsync(new ReadOnlyMemory<float>([1f]), 3, cancellationToken: Token));
        Assert.Throws<NotSupportedException>(() => search.HybridSearchAsync(new[] { 1f }, ["animal"], 3, cancellationToken: Token));
        Assert.Throws<NotSupportedException>(() => search.SearchAsync("a", 3, new VectorSearchOptions<Passage> { IncludeVectors = true }, Token));
        Assert.Throws<NotSupportedException>(() => search.SearchAsync("a", 3, new VectorSearchOptions<Passage> { VectorProperty = p => p.Text }, Token));
        Assert.Throws<NotSupportedException>(() => search.HybridSearchAsync("a", [], 3, new HybridSearchOptions<Passage> { AdditionalProperty = p => p.Text }, Token));
        Assert.Throws<ArgumentOutOfRangeException>(() => search.SearchAsync("a", 0, cancellationToken: Token));
        Assert.Throws<ArgumentOutOfRangeException>(() => search.SearchAsync("a", RetrieverSearch.MaxResults, new VectorSearchOptions<Passage> { Skip = 1 }, Token));
        Assert.Throws<ArgumentNullException>(() => search.SearchAsync<string>(null!, 1, cancellationToken: Token));
        Assert.Throws<ArgumentNullException>(() => search.HybridSearchAsync("a", null!, 1, cancellationToken: Token));
    }

    [Fact]
    public async Task GetService_KnownTypes_AreGiven()
    {
        await using RagHost host = await AnimalsAsync();
        var search = new RetrieverSearch(host.Retriever, "zoo");
        var metadata = (VectorStoreCollectionMetadata)search.GetService(typeof(VectorStoreCollectionMetadata))!;
        Assert.Equal(("coach.rag", "zoo"), (metadata.VectorStoreSystemName, metadata.CollectionName));
        Assert.Same(host.Retriever, search.GetService(typeof(IRetriever)));
        Assert.Same(search, search.GetService(typeof(RetrieverSearch)));
        Assert.Null(search.GetService(typeof(string)));
        Assert.Null(search.GetService(typeof(IRetriever), "key"));
        Assert.Throws<ArgumentNullException>(() => search.GetService(null!));
    }

    private static async Task<RagHost> AnimalsAsync()
    {
        var host = new RagHost(configure: options => options.Learn = false);
        await host.Knowledge.AddOrUpdateAsync(
            Enumerable.Range(0, 10).Select(i => new KnowledgeDocument($"a{i}.md", $"The animal{i} is an animal of the park.{string.Concat(Enumerable.Repeat(" It sleeps.", i))}")
            {
                Metadata = new Dictionary<string, string> { ["kind"] = i % 2 == 0 ? "even" : "odd" },
            }),
            cancellationToken: Token);
        return host;
    }
}
