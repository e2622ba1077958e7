using Coach.AspNetCore.Chat;
using Coach.Rag;
using Microsoft.Extensions.AI;
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

    [Fact]
    public async Task RetrieveAsync_TheScopeCannotBeOpened_FindsNothingAndSaysWhy()
    {
        using var folder = new TempFolder();
        await using ServiceProvider first = new ServiceCollection().AddCoachRag().WithScopes(folder.Path).Services.BuildServiceProvider();
        await using ServiceProvider second = new ServiceCollection().AddCoachRag().WithScopes(folder.Path).Services.BuildServiceProvider();
        await first.GetRequiredService<IKnowledgeBases>().OpenAsync(KnowledgeScope.OfTenant("acme"));
        var retriever = new ScopedRetriever(second.GetRequiredService<IKnowledgeBases>(), KnowledgeScope.OfTenant("acme"));
        Retrieval retrieval = await retriever.RetrieveAsync("Where?");
        Assert.Equal((RagTier.None, DegradationReason.IndexUnavailable), (retrieval.Tier, retrieval.Degradation!.Reason));
        Assert.Contains("is open in another process", retrieval.Degradation.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RetrieveAsync_RoundsOfTools_LookTheQuestionUpOnce()
    {
        var knowledge = new CountingBases();
        var retriever = new ScopedRetriever(knowledge, KnowledgeScope.Shared);
        var model = new ThreeRounds();
        using IChatClient client = new ChatClientBuilder(model)
            .UseFunctionInvocation()
            .Use(inner => new RagChatClient(inner, retriever))
            .Build();
        AIFunction clock = AIFunctionFactory.Create(() => "noon", "clock");
        Assert.Equal("It is noon.", (await client.GetResponseAsync("What time is it?", new ChatOptions { Tools = [clock] })).Text);
        Assert.Equal((3, "What time is it?"), (model.Rounds, Assert.Single(knowledge.Asked)));
    }

    [Fact]
    public async Task RetrieveAsync_AnotherQuestionOrOtherOptions_IsLookedUp()
    {
        var knowledge = new CountingBases();
        var retriever = new ScopedRetriever(knowledge, KnowledgeScope.Shared);
        Retrieval first = await retriever.RetrieveAsync("one");
        Assert.Same(first, await retriever.RetrieveAsync("one"));
        Assert.NotSame(first, await retriever.RetrieveAsync("one", new RetrievalOptions { Top = 1 }));
        await retriever.RetrieveAsync("two");
        await retriever.RetrieveAsync("one");
        Assert.Equal(["one", "one", "two", "one"], knowledge.Asked);
    }

    [Fact]
    public async Task RetrieveAsync_AFailedRetrieval_IsTriedAgain()
    {
        var knowledge = new CountingBases { Failure = new InvalidOperationException("no") };
        var retriever = new ScopedRetriever(knowledge, KnowledgeScope.Shared);
        await Assert.ThrowsAsync<InvalidOperationException>(() => retriever.RetrieveAsync("one"));
        knowledge.Failure = null;
        await retriever.RetrieveAsync("one");
        Assert.Equal(["one", "one"], knowledge.Asked);
    }

    /// <summary>One scope, whose retriever finds nothing and counts.</summary>
    private sealed class CountingBases : IKnowledgeBases, IRetriever
    {
        public List<string> Asked { get; } = [];

        public Exception? Failure { get; set; }

        public RagTier Tier => RagTier.Lexical;

        public ValueTask<OpenKnowledge?> OpenAsync(KnowledgeScope scope, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult<OpenKnowledge?>(new OpenKnowledge(scope, this, null!));

        public Task<Retrieval> RetrieveAsync(
            string query, RetrievalOptions? options = null, CancellationToken cancellationToken = default)
        {
            Asked.Add(query);
            return Failure is null ? Task.FromResult(new Retrieval([], RagTier.Lexical)) : Task.FromException<Retrieval>(Failure);
        }
    }

    /// <summary>A model that calls a tool twice before it answers.</summary>
    private sealed class ThreeRounds : IChatClient
    {
        public int Rounds { get; private set; }

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            AIContent content = ++Rounds < 3
                ? new FunctionCallContent($"c{Rounds}", "clock", new Dictionary<string, object?>())
                : new TextContent("It is noon.");
            return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, [content])));
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
