using Coach.AspNetCore.Chat;
using Coach.Rag;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.AspNetCore.Tests.Chat;

public sealed class ScopedRetrieverTests
{
    [Fact]
    public async Task RetrieveAsync_FindsInItsOwnScopeAlone()
    {
        var services = new ServiceCollection();
        services.AddCoachRag("acme");
        services.AddCoachRag("other");
        await using ServiceProvider provider = services.BuildServiceProvider();
        var bases = provider.GetRequiredService<IKnowledgeBases>();
        OpenKnowledge acme = (await bases.OpenAsync(KnowledgeScope.Of("acme")))!;
        await acme.Knowledge.AddOrUpdateAsync([new KnowledgeDocument("keys.md", "The spare key hangs behind the blue door.")]);

        Retrieval own = await new ScopedRetriever(bases, KnowledgeScope.Of("acme")).RetrieveAsync("Where is the spare key?");
        Assert.Equal("keys.md", Assert.Single(own.Passages).Source);
        Assert.Empty((await new ScopedRetriever(bases, KnowledgeScope.Of("other")).RetrieveAsync("Where is the spare key?")).Passages);
        Assert.Null(provider.GetService<IRetriever>());
    }

    [Fact]
    public async Task RetrieveAsync_NothingIsRegisteredForTheScope_FindsNothingAndSaysWhy()
    {
        var services = new ServiceCollection();
        services.AddCoachRag("acme");
        await using ServiceProvider provider = services.BuildServiceProvider();
        var bases = provider.GetRequiredService<IKnowledgeBases>();
        Assert.Null(await bases.OpenAsync(KnowledgeScope.Shared));
        Retrieval retrieval = await new ScopedRetriever(bases, KnowledgeScope.Of("unknown")).RetrieveAsync("Where?");
        Assert.Equal((RagTier.None, DegradationReason.NotConfigured), (retrieval.Tier, retrieval.Degradation!.Reason));
    }
}
