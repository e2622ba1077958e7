using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Rag.Tests.Scenarios;

/// <summary>Conversations of two turns: what is searched for, and what is found.</summary>
public sealed class FollowUpTests
{
    private static readonly KnowledgeDocument[] Documents =
    [
        Page("install-linux", "Install the server on Linux", "Install the server on Linux with the package manager. Then enable the service."),
        Page("install-windows", "Install the server on Windows", "Install the server on Windows with the installer. Then start the service."),
        Page("backup", "Back up the database", "Back up the database every night. A backup of the database takes two minutes."),
        Page("restore", "Restore a backup", "Restore a backup with the restore command while the server is stopped."),
        Page("refunds", "Refund policy", "Money is refunded within fourteen days. The policy on refunds holds for all plans."),
        Page("windows", "Windows of the shop", "The windows of the shop are cleaned on Mondays."),
        Page("plans", "Plans and prices", "The team plan costs nine euros a month. The plan for one person is free."),
    ];

    [Theory]
    [InlineData("How do I install the server on Linux?", "and on Windows?", "install-windows")]
    [InlineData("How do I back up the database?", "And how long does it take?", "backup")]
    [InlineData("What does the team plan cost?", "And for one person?", "plans")]
    public async Task RetrieveAsync_AFollowUp_FindsWhatTheFullQuestionWould(string before, string question, string source)
    {
        await using RagHost host = await HostAsync();
        var options = new RetrievalOptions { Earlier = [new EarlierTurn(before)] };
        Retrieval found = await host.Retriever.RetrieveAsync(question, options);
        Assert.Equal(source, found.Passages[0].Source);
        Assert.NotNull(found.SearchedFor);

        options.CompleteFollowUps = false;
        Retrieval bare = await host.Retriever.RetrieveAsync(question, options);
        Assert.Null(bare.SearchedFor);
    }

    [Theory]
    [InlineData("And what is the refund policy?", "refunds")]
    [InlineData("Refund policy?", "refunds")]
    [InlineData("What about refunds?", "refunds")]
    [InlineData("How do I restore a backup?", "restore")]
    [InlineData("Who cleans the windows of the shop?", "windows")]
    public async Task RetrieveAsync_AnotherTopic_IsSearchedForAsItWasAsked(string question, string source)
    {
        await using RagHost host = await HostAsync();
        var options = new RetrievalOptions { Earlier = [new EarlierTurn("How do I install the server on Linux?")] };
        Retrieval found = await host.Retriever.RetrieveAsync(question, options);
        Assert.Null(found.SearchedFor);
        Assert.Equal(source, found.Passages[0].Source);
        Assert.Equal((await host.Retriever.RetrieveAsync(question)).Passages.Select(passage => passage.Source), found.Passages.Select(passage => passage.Source));
    }

    [Fact]
    public async Task RetrieveAsync_SwitchedOff_IsSearchedForAsItWasAsked()
    {
        await using RagHost host = await HostAsync(options => options.CompleteFollowUps = false);
        var options = new RetrievalOptions { Earlier = [new EarlierTurn("How do I install the server on Linux?")] };
        Assert.Null((await host.Retriever.RetrieveAsync("and on Windows?", options)).SearchedFor);
    }

    [Fact]
    public async Task RagChatClient_AConversation_CompletesTheQuestionAndSendsItAsItWasAsked()
    {
        await using RagHost host = await HostAsync();
        var model = new ScriptedChatClient().Answer("With the installer [1].");
        using var chat = new RagChatClient(model, host.Retriever);
        ChatResponse response = await chat.GetResponseAsync(
        [
            new ChatMessage(ChatRole.User, "How do I install the server on Linux?"),
            new ChatMessage(ChatRole.Assistant, "With the package manager [1]."),
            new ChatMessage(ChatRole.User, "and on Windows?"),
        ]);
        CitationsContent citations = response.Messages[^1].Contents.OfType<CitationsContent>().Single();
        Assert.Equal("install server on Windows?", citations.Retrieval.SearchedFor);
        Assert.Equal("install-windows", citations.Citations.Single().Passage.Source);
        Assert.EndsWith("and on Windows?", model.Calls.Single()[^1].Text, StringComparison.Ordinal);
    }

    private static KnowledgeDocument Page(string id, string title, string text) => new(id, text) { Title = title };

    private static async Task<RagHost> HostAsync(Action<CoachRagOptions>? configure = null)
    {
        var host = new RagHost(null, configure);
        await host.Knowledge.AddOrUpdateAsync(Documents);
        return host;
    }
}
