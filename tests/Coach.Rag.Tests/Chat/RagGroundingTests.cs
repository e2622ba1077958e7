using Coach.Abstractions;
using Microsoft.Extensions.AI;

namespace Coach.Rag.Tests.Chat;

public sealed class RagGroundingTests
{
    [Fact]
    public async Task RetrieveAsync_FollowUp_IsCompletedFromTheConversation()
    {
        await using var host = new RagHost(configure: options => options.Learn = false);
        await host.Knowledge.AddOrUpdateAsync(
        [
            new("linux", "Install the server on Linux with the package manager. Then enable the service.") { Title = "Install the server on Linux" },
            new("windows", "Install the server on Windows with the installer. Then start the service.") { Title = "Install the server on Windows" },
            new("shop", "The windows of the shop are cleaned on Mondays.") { Title = "Windows of the shop" },
        ]);
        ChatMessage[] messages = [new(ChatRole.User, "How do I install the server on Linux?"), new(ChatRole.Assistant, "With the package manager."), new(ChatRole.User, "and on Windows?")];
        Retrieval found = await RagGrounding.RetrieveAsync(host.Retriever, messages, 2, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(("windows", "install server on Windows?"), (found.Passages[0].Source, found.SearchedFor));
        Retrieval first = await RagGrounding.RetrieveAsync(host.Retriever, messages, 0, new RetrievalOptions { Top = 1 }, TestContext.Current.CancellationToken);
        Assert.Equal("linux", Assert.Single(first.Passages).Source);
    }

    [Fact]
    public async Task QuoteAndCite_Passages_AreFencedAndFoundInTheAnswer()
    {
        await using RagHost host = await ZooAsync();
        Retrieval found = await host.Retriever.RetrieveAsync("wombat");
        TextContent quoted = RagGrounding.Quote(found.Passages);
        Assert.Contains("<passage-", quoted.Text, StringComparison.Ordinal);
        Assert.Equal(found.Passages.Count, quoted.AdditionalProperties![GroundingPassage.PropertyName]);
        Assert.Contains("passage-WORD", RagGrounding.Instructions, StringComparison.Ordinal);
        CitationsContent cited = RagGrounding.Cite("Burrows [1], not [9].", found);
        Assert.Equal("wombat.md", Assert.Single(cited.Citations).Passage.Source);
        Assert.Same(found, cited.Retrieval);
    }

    [Fact]
    public async Task Arguments_OutOfRange_Throw()
    {
        await using RagHost host = await ZooAsync();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => RagGrounding.RetrieveAsync(host.Retriever, [], 0));
        await Assert.ThrowsAsync<ArgumentNullException>(() => RagGrounding.RetrieveAsync(host.Retriever, null!, 0));
        Assert.Throws<ArgumentNullException>(() => RagGrounding.Quote(null!));
        Assert.Throws<ArgumentNullException>(() => RagGrounding.Cite("a", null!));
    }

    private static async Task<RagHost> ZooAsync()
    {
        var host = new RagHost(configure: options => options.Learn = false);
        await host.Knowledge.AddOrUpdateAsync([new("wombat.md", "The wombat digs burrows."), new("quokka.md", "The quokka eats leaves.")]);
        return host;
    }
}
