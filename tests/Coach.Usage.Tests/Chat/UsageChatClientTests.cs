using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Usage.Tests.Chat;

public sealed class UsageChatClientTests
{
    [Fact]
    public async Task Answer_Whole_IsKeptAsTheProviderCounted()
    {
        using var setup = new ChatSetup();
        var model = new ScriptedChatClient().Answer(Update("Hello", 100, 10, cached: 40, reasoning: 4));

        ChatResponse response = await setup.Build(model).GetResponseAsync("How are you?");

        LedgerEntry entry = Assert.Single(await setup.EntriesAsync());
        Assert.Equal(
            new UsageCounts { Input = 60, CachedInput = 40, Output = 6, Reasoning = 4, Requests = 1 }, entry.Counts);
        Assert.Equal(new MicroAmount(-(60 + 4 + 12 + 16), "usd"), entry.Amount);
        Assert.Equal(
            (false, true, UsageOutcome.Completed), (entry.IsEstimated, entry.IsPriced, entry.Outcome));
        var cost = Assert.IsType<UsageCost>(response.AdditionalProperties![UsageProperties.Cost]);
        Assert.Equal(new MicroAmount(92, "usd"), cost.Amount);
    }

    [Fact]
    public async Task Stream_Whole_SaysItsCostInTheLastUpdate()
    {
        using var setup = new ChatSetup();
        IChatClient client = setup.Build(new ScriptedChatClient().Answer("one two three"));

        ChatResponse response = await client.GetStreamingResponseAsync("?").ToChatResponseAsync();

        var cost = Assert.IsType<UsageCost>(response.AdditionalProperties![UsageProperties.Cost]);
        LedgerEntry entry = Assert.Single(await setup.EntriesAsync());
        Assert.Equal(-entry.Amount.Micros, cost.Micros);
        Assert.Equal(7, entry.Counts.Input);
        Assert.StartsWith("one two three", response.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_ThatItsReaderLeaves_IsAnEstimateOfWhatWasSaid()
    {
        using var setup = new ChatSetup();
        IChatClient client = setup.Build(
            new ScriptedChatClient().Answer(
                new ChatResponseUpdate(ChatRole.Assistant, "0123456789ab"),
                new ChatResponseUpdate(ChatRole.Assistant, "cdefghijklmn")));

        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(new string('q', 36)))
        {
            break;
        }

        LedgerEntry entry = Assert.Single(await setup.EntriesAsync());
        Assert.Equal((true, UsageOutcome.Stopped), (entry.IsEstimated, entry.Outcome));
        Assert.Equal(new UsageCounts { Input = 13, Output = 3, Requests = 1 }, entry.Counts);
    }

    [Fact]
    public async Task Stream_ThatFailsInTheMiddle_TakesTheProvidersRunningCounts()
    {
        using var setup = new ChatSetup();
        IChatClient client = setup.Build(new FailingStream(
            Update("one", 50, 1), Update("two", 50, 2)));

        await Assert.ThrowsAsync<IOException>(async () =>
        {
            await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("?"))
            {
            }
        });

        LedgerEntry entry = Assert.Single(await setup.EntriesAsync());
        Assert.Equal((false, UsageOutcome.Failed), (entry.IsEstimated, entry.Outcome));
        Assert.Equal(new UsageCounts { Input = 50, Output = 2, Requests = 1 }, entry.Counts);
    }

    [Fact]
    public async Task Call_RefusedBeforeAWord_CostsNothingAndFreesItsReservation()
    {
        using var setup = new ChatSetup(options => options.Limits.Add(
            new BudgetLimit { Name = "day", Max = 1_000_000 }));
        IChatClient client = setup.Build(new ScriptedChatClient().Fail(new IOException("refused")));

        await Assert.ThrowsAsync<IOException>(() => client.GetResponseAsync("?"));

        LedgerEntry entry = Assert.Single(await setup.EntriesAsync());
        Assert.Equal(0, entry.Amount.Micros);
        BudgetStatus status = Assert.Single(await setup.Get<IBudget>().GetStatusAsync(ChatSetup.Caller));
        Assert.Equal((0, 0), (status.Used, status.Reserved));
    }

    [Fact]
    public async Task Model_WithoutAPrice_HasAnUnknownCostAndItsTokens()
    {
        using var setup = new ChatSetup();
        var model = new ScriptedChatClient(modelId: "new-model").Answer("hello");

        ChatResponse response = await setup.Build(model).GetResponseAsync("?");

        var cost = Assert.IsType<UsageCost>(response.AdditionalProperties![UsageProperties.Cost]);
        Assert.Null(cost.Amount);
        LedgerEntry entry = Assert.Single(await setup.EntriesAsync());
        Assert.False(entry.IsPriced);
        Assert.Equal(7, entry.Counts.Input);
    }

    [Theory]
    [InlineData(100, 60, 30, 10, 100)]
    [InlineData(10, 100, 0, 10, 110)]
    [InlineData(100, 60, 50, 100, 210)]
    [InlineData(-5, 0, 0, 0, 0)]
    public void Counts_APartLargerThanItsWhole_WasNotInIt(
        long input, long cached, long written, long expectedInput, long expectedTotal)
    {
        UsageCounts counts = UsageCounts.From(new UsageDetails
        {
            InputTokenCount = input,
            CachedInputTokenCount = cached,
            AdditionalCounts = new() { ["cache_creation_input_tokens"] = written },
        });

        Assert.Equal((expectedInput, cached, written), (counts.Input, counts.CachedInput, counts.CacheWrite));
        Assert.Equal(expectedTotal, counts.TotalInput);
    }

    internal static ChatResponseUpdate Update(
        string text, long input, long output, long? cached = null, long? reasoning = null) => new(
        ChatRole.Assistant,
        [
            new TextContent(text),
            new UsageContent(new UsageDetails
            {
                InputTokenCount = input,
                OutputTokenCount = output,
                CachedInputTokenCount = cached,
                ReasoningTokenCount = reasoning,
            }),
        ]);

    /// <summary>Brings its updates, then breaks.</summary>
    private sealed class FailingStream(params ChatResponseUpdate[] updates) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null,
            CancellationToken cancellationToken = default) => throw new IOException("cut");

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            foreach (ChatResponseUpdate update in updates)
            {
                yield return update;
            }

            await Task.Yield();
            throw new IOException("cut");
        }

        public object? GetService(Type serviceType, object? serviceKey = null) =>
            serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("scripted", null, "scripted-1") : null;

        public void Dispose()
        {
        }
    }
}
