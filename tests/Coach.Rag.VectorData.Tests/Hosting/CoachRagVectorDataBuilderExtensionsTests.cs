using Coach.Rag.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.VectorData;

namespace Coach.Rag.VectorData.Tests.Hosting;

public sealed class CoachRagVectorDataBuilderExtensionsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithVectorDataSearch_Registrations_EachFindTheirOwn()
    {
        var services = new ServiceCollection();
        services.AddCoachRag(options => options.Learn = false).WithVectorDataSearch();
        services.AddCoachRag("other", options => options.Learn = false).WithVectorDataSearch();
        await using ServiceProvider provider = services.BuildServiceProvider();
        await provider.GetRequiredService<IKnowledgeBase>().AddOrUpdateAsync([new("own.md", "The wombat digs.")], cancellationToken: Token);
        await provider.GetRequiredKeyedService<IKnowledgeBase>("other").AddOrUpdateAsync([new("other.md", "The wombat sleeps.")], cancellationToken: Token);
        var own = provider.GetRequiredService<IKeywordHybridSearchable<Passage>>();
        var other = provider.GetRequiredKeyedService<IVectorSearchable<Passage>>("other");
        Assert.Equal("own.md", (await own.HybridSearchAsync("wombat", [], 5, cancellationToken: Token).SingleAsync(Token)).Record.Source);
        Assert.Equal("other.md", (await other.SearchAsync("wombat", 5, cancellationToken: Token).SingleAsync(Token)).Record.Source);
        Assert.Equal("other", ((VectorStoreCollectionMetadata)other.GetService(typeof(VectorStoreCollectionMetadata))!).CollectionName);
    }

    [Fact]
    public async Task WithVectorDataSearch_DocumentsByScope_ThereIsNoneForAll()
    {
        using var folder = new TempFolder();
        await using var host = new RagHost(rag => rag.WithScopes(folder.Path).WithVectorDataSearch(), options => options.Learn = false);
        Assert.Throws<InvalidOperationException>(() => host.Get<IKeywordHybridSearchable<Passage>>());
        IKnowledgeBases bases = host.Get<IKnowledgeBases>();
        OpenKnowledge one = (await bases.OpenAsync(KnowledgeScope.OfTenant("one"), Token))!;
        OpenKnowledge two = (await bases.OpenAsync(KnowledgeScope.OfTenant("two"), Token))!;
        await one.Knowledge.AddOrUpdateAsync([new("one.md", "The wombat digs.")], cancellationToken: Token);
        await two.Knowledge.AddOrUpdateAsync([new("two.md", "The wombat digs.")], cancellationToken: Token);
        Assert.Equal("one.md", (await new RetrieverSearch(one.Retriever).SearchAsync("wombat", 9, cancellationToken: Token).SingleAsync(Token)).Record.Source);
        Assert.Equal("two.md", (await new RetrieverSearch(two.Retriever).SearchAsync("wombat", 9, cancellationToken: Token).SingleAsync(Token)).Record.Source);
    }

    [Fact]
    public void WithVectorDataSearch_Null_Throws() =>
        Assert.Throws<ArgumentNullException>(() => CoachRagVectorDataBuilderExtensions.WithVectorDataSearch(null!));
}
