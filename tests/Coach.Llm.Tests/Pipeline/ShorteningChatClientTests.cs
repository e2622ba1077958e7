using Coach.Llm.Pipeline;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;

namespace Coach.Llm.Tests;

public sealed class ShorteningChatClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static readonly ChatMessage[] Conversation =
        [new(ChatRole.User, "one"), new(ChatRole.Assistant, "two"), new(ChatRole.User, "three")];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_ThatIsTooLong_IsShortenedAndAskedOnceMore(bool isStream)
    {
        ScriptedChatClient provider = new ScriptedChatClient().Fail(TooLong()).Answer("short");
        Assert.Equal("short", await AskAsync(provider, messages => messages.TakeLast(1), isStream));
        Assert.Equal([3, 1], provider.Calls.Select(call => call.Count));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_ThatIsStillTooLong_FailsWithThat(bool isStream)
    {
        ScriptedChatClient provider = new ScriptedChatClient().Fail(TooLong()).Fail(TooLong()).Answer("never");
        LlmException failure = await Assert.ThrowsAsync<LlmException>(() => AskAsync(provider, messages => messages.TakeLast(1), isStream));
        Assert.Equal(LlmError.ContextTooLong, failure.Error);
        Assert.Equal(2, provider.Calls.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_OfWhichNothingCanBeLeftOut_IsNotMadeAgain(bool isStream)
    {
        ScriptedChatClient provider = new ScriptedChatClient().Fail(TooLong()).Answer("never");
        await Assert.ThrowsAsync<LlmException>(() => AskAsync(provider, messages => messages, isStream));
        Assert.Single(provider.Calls);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OtherFailures_AreNotTheReducersAffair(bool isStream)
    {
        ScriptedChatClient provider = new ScriptedChatClient().Fail(Failures.Unavailable()).Answer("never");
        await Assert.ThrowsAsync<LlmException>(() => AskAsync(provider, messages => messages.TakeLast(1), isStream));
        Assert.Single(provider.Calls);
    }

    private static async Task<string> AskAsync(
        ScriptedChatClient provider, Func<IEnumerable<ChatMessage>, IEnumerable<ChatMessage>> reduce, bool isStream)
    {
        using var client = new ShorteningChatClient(provider, new Reducer(reduce), NullLogger.Instance);
        return isStream
            ? (await client.GetStreamingResponseAsync(Conversation, null, Token).ToChatResponseAsync(Token)).Text
            : (await client.GetResponseAsync(Conversation, null, Token)).Text;
    }

    private static LlmException TooLong() => LlmException.FromAnswer(
        "openai", new Core.ErrorClassification(KeyStatus.WrongEndpoint, LlmError.ContextTooLong));

    private sealed class Reducer(Func<IEnumerable<ChatMessage>, IEnumerable<ChatMessage>> reduce) : IChatReducer
    {
        public Task<IEnumerable<ChatMessage>> ReduceAsync(IEnumerable<ChatMessage> messages, CancellationToken cancellationToken) =>
            Task.FromResult(reduce(messages));
    }
}
