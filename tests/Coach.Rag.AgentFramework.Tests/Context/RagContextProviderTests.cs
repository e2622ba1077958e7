using Coach.Rag.Tests;
using Coach.Testing;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rag.AgentFramework.Tests.Context;

public sealed class RagContextProviderTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RunAsync_Question_IsGroundedAndTheAnswerCites()
    {
        await using RagHost host = await ZooAsync();
        ScriptedChatClient model = new ScriptedChatClient().Answer("It digs burrows [1].");
        CitationsContent? told = null;
        AIAgent agent = AgentOf(model, new RagContextProvider(host.Retriever) { Cited = (_, citations) => told = citations });
        AgentResponse response = await agent.RunAsync("What does the wombat dig?", cancellationToken: Token);

        IReadOnlyList<ChatMessage> sent = model.Calls[0];
        int question = Enumerable.Range(0, sent.Count).First(i => sent[i].Text == "What does the wombat dig?");
        Assert.Contains("The wombat digs burrows.", sent[question - 1].Text, StringComparison.Ordinal);
        Assert.Equal(ChatRole.User, sent[question - 1].Role);
        Assert.Contains(RagGrounding.Instructions, model.Options[0]?.Instructions, StringComparison.Ordinal);
        Assert.Contains("Be brief.", model.Options[0]?.Instructions, StringComparison.Ordinal);
        CitationsContent cited = Assert.Single(response.Messages.SelectMany(message => message.Contents).OfType<CitationsContent>());
        Assert.Equal("wombat.md", Assert.Single(cited.Citations).Passage.Source);
        Assert.Same(cited, told);
    }

    [Fact]
    public async Task RunStreamingAsync_Answer_IsToldWhatItCites()
    {
        await using RagHost host = await ZooAsync();
        ScriptedChatClient model = new ScriptedChatClient().Answer("It digs burrows [1].");
        var told = new List<CitationsContent>();
        AIAgent agent = AgentOf(model, new RagContextProvider(host.Retriever) { Cited = (_, citations) => told.Add(citations) });
        var text = new System.Text.StringBuilder();
        await foreach (AgentResponseUpdate update in agent.RunStreamingAsync("What does the wombat dig?", cancellationToken: Token))
        {
            text.Append(update.Text);
        }

        Assert.Equal("It digs burrows [1].", text.ToString());
        Assert.Equal("wombat.md", Assert.Single(Assert.Single(told).Citations).Passage.Source);
    }

    [Fact]
    public async Task RunAsync_SecondTurn_HistoryHoldsNoPassagesAndTheFollowUpIsCompleted()
    {
        await using RagHost host = await ZooAsync();
        ScriptedChatClient model = new ScriptedChatClient().Answer("It digs burrows [1].").Answer("Leaves [1].");
        AIAgent agent = AgentOf(model, new RagContextProvider(host.Retriever));
        AgentSession session = await agent.CreateSessionAsync(Token);
        await agent.RunAsync("What does the wombat dig?", session, cancellationToken: Token);
        await agent.RunAsync("And the quokka?", session, cancellationToken: Token);
        IReadOnlyList<ChatMessage> sent = model.Calls[1];
        Assert.Single(sent, message => message.Text.Contains("Quoted passages", StringComparison.Ordinal));
        Assert.Contains(sent, message => message.Text == "What does the wombat dig?");
        Assert.Contains("quokka", sent[^2].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_NothingFound_GoesThroughUnchanged()
    {
        await using RagHost host = await ZooAsync();
        ScriptedChatClient model = new ScriptedChatClient().Answer("Hello [1].");
        AgentResponse response = await AgentOf(model, new RagContextProvider(host.Retriever)).RunAsync("xylophone zeppelin", cancellationToken: Token);
        Assert.Equal("xylophone zeppelin", Assert.Single(model.Calls[0]).Text);
        Assert.Equal("Be brief.", model.Options[0]?.Instructions);
        Assert.DoesNotContain(response.Messages.SelectMany(message => message.Contents), content => content is CitationsContent);
    }

    [Fact]
    public async Task RunAsync_Scopes_NeverCross()
    {
        using var folder = new TempFolder();
        await using var host = new RagHost(rag => rag.WithScopes(folder.Path), options => options.Learn = false);
        IKnowledgeBases bases = host.Get<IKnowledgeBases>();
        foreach (string tenant in new[] { "one", "two" })
        {
            OpenKnowledge open = (await bases.OpenAsync(KnowledgeScope.OfTenant(tenant), Token))!;
            await open.Knowledge.AddOrUpdateAsync([new($"{tenant}.md", $"The secret of the wombat is {tenant}.")], cancellationToken: Token);
        }

        KnowledgeScope? scope = KnowledgeScope.OfTenant("one");
        ScriptedChatClient model = new ScriptedChatClient().Answer("a").Answer("b").Answer("c");
        AIAgent agent = AgentOf(model, new RagContextProvider(bases, _ => scope));
        await agent.RunAsync("What is the secret of the wombat?", cancellationToken: Token);
        scope = KnowledgeScope.OfTenant("two");
        await agent.RunAsync("What is the secret of the wombat?", cancellationToken: Token);
        scope = null;
        await agent.RunAsync("What is the secret of the wombat?", cancellationToken: Token);
        string[] sent = [.. model.Calls.Select(call => string.Join('\n', call.Select(message => message.Text)))];
        Assert.Contains("wombat is one", sent[0], StringComparison.Ordinal);
        Assert.DoesNotContain("wombat is two", sent[0], StringComparison.Ordinal);
        Assert.Contains("wombat is two", sent[1], StringComparison.Ordinal);
        Assert.DoesNotContain("wombat is one", sent[1], StringComparison.Ordinal);
        Assert.Equal("What is the secret of the wombat?", sent[2]);
    }

    [Fact]
    public async Task RunAsync_ModelFails_ItsFailureIsTheCallers()
    {
        await using RagHost host = await ZooAsync();
        ScriptedChatClient model = new ScriptedChatClient().Fail(new InvalidOperationException("no"));
        AIAgent agent = AgentOf(model, new RagContextProvider(host.Retriever));
        Assert.Equal("no", (await Assert.ThrowsAsync<InvalidOperationException>(() => agent.RunAsync("What does the wombat dig?", cancellationToken: Token))).Message);
    }

    [Fact]
    public async Task Constructor_Null_Throws()
    {
        await using RagHost host = await ZooAsync();
        Assert.Throws<ArgumentNullException>(() => new RagContextProvider(null!));
        Assert.Throws<ArgumentNullException>(() => new RagContextProvider(null!, _ => null));
        Assert.Throws<ArgumentNullException>(() => new RagContextProvider(host.Get<IKnowledgeBases>(), null!));
    }

    private static ChatClientAgent AgentOf(IChatClient model, RagContextProvider provider) => new(model, new ChatClientAgentOptions
    {
        ChatOptions = new ChatOptions { Instructions = "Be brief." },
        AIContextProviders = [provider],
    });

    private static async Task<RagHost> ZooAsync()
    {
        var host = new RagHost(configure: options => options.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("wombat.md", "The wombat digs burrows."), new("quokka.md", "The quokka eats leaves, and digs nothing.")], cancellationToken: Token);
        return host;
    }
}
