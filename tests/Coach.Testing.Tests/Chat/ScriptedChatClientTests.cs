using Microsoft.Extensions.AI;

namespace Coach.Testing.Tests;

public sealed class ScriptedChatClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Script_AnswersFailuresAndPauses_HappenInOrder()
    {
        var clock = new VirtualClock();
        var client = new ScriptedChatClient(clock)
            .Answer("one two")
            .Fail(new InvalidOperationException("on purpose"), after: "half")
            .Answer("late", TimeSpan.FromMinutes(5));

        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync("a", null, Token).ToListAsync(Token);
        Assert.Equal(["one", " two", ""], updates.Select(update => update.Text));

        var seen = new List<string>();
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("b", null, Token))
            {
                seen.Add(update.Text);
            }
        });
        Assert.Equal(["half"], seen);

        Task<ChatResponse> late = client.GetResponseAsync("c", null, Token);
        Assert.False(late.IsCompleted);
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal("late", (await late).Text);
        Assert.Equal(["a", "b", "c"], client.Calls.Select(call => call[0].Text));
    }

    [Fact]
    public async Task Hang_Cancelled_Ends()
    {
        using var cancel = new CancellationTokenSource();
        Task<ChatResponse> answer = new ScriptedChatClient().Hang().GetResponseAsync("a", null, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
    }

    [Fact]
    public async Task Dispose_ThenACall_Throws()
    {
        var client = new ScriptedChatClient();
        client.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.GetResponseAsync("a", null, Token));
    }
}
