using Coach.Abstractions;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

public sealed class MockChatClientTests
{
    private static readonly GroundingPassage[] Passages =
    [
        new(1, "returns.md", "Returns", "Customers may send goods back. Refunds are paid within 14 days of the return. Gift cards are not refunded."),
        new(2, "shipping.md", "Shipping", "Parcels leave our warehouse every morning.\nExpress parcels arrive the next day."),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetResponseAsync_PassageHoldsTheAnswer_QuotesAndCitesIt()
    {
        ChatResponse response = await new MockChatClient().GetResponseAsync("How many days until a refund is paid?", With(Passages), Token);

        Assert.StartsWith("Mock mode, quoting the documents: Refunds are paid within 14 days of the return. [1]", response.Text, StringComparison.Ordinal);
        Assert.Equal(MockChatClient.ModelId, response.ModelId);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.True(response.Usage!.InputTokenCount > 0);
        Assert.Equal(response.Usage.InputTokenCount + response.Usage.OutputTokenCount, response.Usage.TotalTokenCount);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_SameQuestionTwice_GivesTheSameWordsAsTheWholeAnswer()
    {
        var client = new MockChatClient();
        ChatResponse whole = await client.GetResponseAsync("When do express parcels arrive?", With(Passages), Token);
        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync("When do express parcels arrive?", With(Passages), Token).ToListAsync(Token);

        Assert.Contains("Express parcels arrive the next day. [2]", whole.Text, StringComparison.Ordinal);
        Assert.Equal(whole.Text, string.Concat(updates.Select(update => update.Text)));
        Assert.True(updates.Count > 8);
        Assert.Equal(whole.ResponseId, updates[0].ResponseId);
    }

    [Fact]
    public async Task GetResponseAsync_NoPassages_SaysWhatWasNotFound()
    {
        ChatResponse response = await new MockChatClient().GetResponseAsync("What is the warranty period?", cancellationToken: Token);

        Assert.Equal(
            "Mock mode: no passage was found about \"warranty period\", and without one there is nothing to quote. Enter a key to ask a model.",
            response.Text);
    }

    [Fact]
    public async Task GetResponseAsync_PassagesAboutOtherThings_SaysSo()
    {
        ChatResponse response = await new MockChatClient().GetResponseAsync("What is the warranty period?", With(Passages), Token);

        Assert.Equal(
            "Mock mode: the 2 passages found say nothing about \"warranty period\". Ask in other words, or enter a key to ask a model.", response.Text);
    }

    [Fact]
    public async Task GetResponseAsync_EmptyQuestion_AsksForOne()
    {
        ChatResponse response = await new MockChatClient().GetResponseAsync("  ", With(Passages), Token);
        Assert.Equal("Mock mode: there is no question to answer. Ask something about the documents.", response.Text);
    }

    [Fact]
    public async Task GetResponseAsync_MaxOutputTokens_CutsWithLength()
    {
        ChatOptions options = With(Passages);
        options.MaxOutputTokens = 6;
        ChatResponse response = await new MockChatClient().GetResponseAsync("How many days until a refund is paid?", options, Token);

        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.True(response.Usage!.OutputTokenCount <= 6);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_Cancelled_Throws()
    {
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in new MockChatClient().GetStreamingResponseAsync("refund?", With(Passages), cancel.Token))
            {
                await cancel.CancelAsync();
            }
        });
    }

    private static ChatOptions With(IReadOnlyList<GroundingPassage> passages) =>
        new() { AdditionalProperties = new AdditionalPropertiesDictionary { [GroundingPassage.PropertyName] = passages } };
}
