using Coach.Abstractions;
using Coach.Llm.History;
using Coach.Testing;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

public sealed class MemoryChatHistoryStoreTests
{
    private readonly VirtualClock _clock = new();
    private readonly CallerContext _caller = new(SessionId.From("s"));

    public static TheoryData<string> Checks => [.. ChatHistoryStoreContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task Contract_IsKept(string check) => ChatHistoryStoreContract.RunAsync(
        check,
        Store(),
        span =>
        {
            _clock.Advance(span);
            return Task.CompletedTask;
        },
        TestContext.Current.CancellationToken);

    [Fact]
    public async Task AppendAsync_TooManyMessages_DropsWholeTurnsFromTheFront()
    {
        MemoryChatHistoryStore store = Store(options => options.MaxMessages = 3);
        await store.AppendAsync(_caller, "c", [new(ChatRole.User, "1"), new(ChatRole.Assistant, "a")]);
        await store.AppendAsync(_caller, "c", [new(ChatRole.User, "2"), new(ChatRole.Assistant, "b")]);
        Assert.Equal(["2", "b"], (await store.LoadAsync(_caller, "c")).Select(message => message.Text));
    }

    [Fact]
    public async Task AppendAsync_TooLong_DropsTheOldest_AndATurnLongerThanAllLeavesNothing()
    {
        MemoryChatHistoryStore store = Store(options => options.MaxLength = 10);
        await store.AppendAsync(_caller, "c", [new(ChatRole.User, "12345"), new(ChatRole.Assistant, "a")]);
        await store.AppendAsync(_caller, "c", [new(ChatRole.User, "23456"), new(ChatRole.Assistant, "b")]);
        Assert.Equal(["23456", "b"], (await store.LoadAsync(_caller, "c")).Select(message => message.Text));
        await store.AppendAsync(_caller, "c", [new(ChatRole.User, new string('x', 11)), new(ChatRole.Assistant, "c")]);
        Assert.Empty(await store.LoadAsync(_caller, "c"));
    }

    [Fact]
    public async Task MaxLength_CountsToolCallsResultsAndPictures()
    {
        MemoryChatHistoryStore store = Store(options => options.MaxLength = 20);
        await store.AppendAsync(_caller, "a", [new(ChatRole.User, [new DataContent(new byte[21], "image/png")])]);
        Assert.Empty(await store.LoadAsync(_caller, "a"));
        var arguments = new Dictionary<string, object?> { ["text"] = new string('x', 20) };
        await store.AppendAsync(_caller, "b", [new(ChatRole.User, "q"), new(ChatRole.Assistant, [new FunctionCallContent("1", "f", arguments)])]);
        Assert.Empty(await store.LoadAsync(_caller, "b"));
    }

    [Fact]
    public async Task Lifetime_SlidesWithUse_ThenForgets()
    {
        MemoryChatHistoryStore store = Store(options => options.Lifetime = TimeSpan.FromMinutes(10));
        await store.AppendAsync(_caller, "c", [new(ChatRole.User, "q")]);
        _clock.Advance(TimeSpan.FromMinutes(9));
        Assert.Single(await store.LoadAsync(_caller, "c"));
        _clock.Advance(TimeSpan.FromMinutes(9));
        Assert.Single(await store.LoadAsync(_caller, "c"));
        _clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(0, store.Count);
        Assert.Empty(await store.ListAsync(_caller));
    }

    [Fact]
    public async Task MaxConversations_TheLongestIdleMakeRoom()
    {
        MemoryChatHistoryStore store = Store(options => options.MaxConversations = 2);
        await store.AppendAsync(_caller, "a", [new(ChatRole.User, "q")]);
        await store.AppendAsync(_caller, "b", [new(ChatRole.User, "q")]);
        await store.LoadAsync(_caller, "a");
        await store.AppendAsync(new CallerContext(SessionId.From("other")), "c", [new(ChatRole.User, "q")]);
        Assert.Equal(["a"], (await store.ListAsync(_caller)).Select(info => info.Id));
        Assert.Equal(2, store.Count);
    }

    [Fact]
    public async Task MaxConversationsPerCaller_OneCallerCannotPushOthersOut()
    {
        MemoryChatHistoryStore store = Store(options => (options.MaxConversations, options.MaxConversationsPerCaller) = (10, 2));
        var other = new CallerContext(SessionId.From("other"));
        await store.AppendAsync(other, "mine", [new(ChatRole.User, "q")]);
        for (int i = 0; i < 50; i++)
        {
            await store.AppendAsync(_caller, $"c{i}", [new(ChatRole.User, "q")]);
        }

        Assert.Equal(3, store.Count);
        Assert.Single(await store.LoadAsync(other, "mine"));
    }

    [Fact]
    public async Task Title_ASurrogatePairAtTheCut_IsNotHalved()
    {
        MemoryChatHistoryStore store = Store();
        await store.AppendAsync(_caller, "c", [new(ChatRole.User, new string('x', 79) + "😀")]);
        Assert.Equal(new string('x', 79), Assert.Single(await store.ListAsync(_caller)).Title);
    }

    private MemoryChatHistoryStore Store(Action<ChatHistoryOptions>? configure = null)
    {
        var options = new ChatHistoryOptions();
        configure?.Invoke(options);
        return new MemoryChatHistoryStore(options, _clock);
    }

    [Fact]
    public async Task Append_MockTurnsOfMany_PushOutNoConversationWithAModel()
    {
        var store = new MemoryChatHistoryStore(new ChatHistoryOptions { MaxConversations = 8 }, TimeProvider.System);
        var person = new CallerContext(SessionId.From("person"));
        await store.AppendAsync(person, "c", [new(ChatRole.User, "dear"), new(ChatRole.Assistant, "answer")]);
        for (int i = 0; i < 10; i++)
        {
            ChatMessage[] turn = [new(ChatRole.User, "x"), new(ChatRole.Assistant, "mock")];
            Array.ForEach(turn, MockTurns.Mark);
            await store.AppendAsync(new CallerContext(SessionId.From("stranger" + i)), "c", turn);
        }

        Assert.Equal(3, store.Count); // a quarter of the places
        Assert.Equal(2, (await store.LoadAsync(person, "c")).Count);
        var last = new CallerContext(SessionId.From("stranger9"));
        Assert.Equal(2, (await store.LoadAsync(last, "c")).Count);
        await store.AppendAsync(last, "c", [new(ChatRole.User, "real"), new(ChatRole.Assistant, "answer")]);
        await store.EraseAsync(last);
        Assert.Equal(2, store.Count);
    }
}
