using Coach.Abstractions;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Llm.Tests;

/// <summary>The pipeline as a host sees it: registered by <c>AddCoachLlm().Chat</c>, asked with a plain question.</summary>
public sealed class ChatPipelineFactoryTests
{
    private static readonly SessionId Session = SessionId.From("s1");
    private static readonly CallerContext Caller = new(Session);

    private readonly List<string> _order = [];
    private readonly ScriptedModel _model = new();
    private readonly FakeLogCollector _logs = TestLogs.New();

    [Fact]
    public async Task CreateAsync_EveryPlace_StandsInTheDocumentedOrder()
    {
        await using ServiceProvider services = Services(chat =>
        {
            foreach (ChatStage stage in Enum.GetValues<ChatStage>().Reverse())
            {
                foreach (ChatStagePlace place in Enum.GetValues<ChatStagePlace>().Reverse())
                {
                    bool isBuiltIn = stage is ChatStage.Fallback or ChatStage.SessionLimits or ChatStage.Provider;
                    bool isNoPlace = (isBuiltIn && place == ChatStagePlace.Within)
                        || (stage is ChatStage.Fallback or ChatStage.Provider && place == ChatStagePlace.After);
                    if (isNoPlace)
                    {
                        Assert.Throws<ArgumentOutOfRangeException>(() => chat.Use(stage, place, (client, _) => client));
                    }
                    else
                    {
                        chat.Use(stage, place, (client, _) => new Tracing(client, _order, $"{stage}.{place}"));
                    }
                }
            }
        });
        await AskAsync(services, "hello");
        Assert.Equal(
            [
                "History.Before", "History.Within", "History.After", "Guards.Before", "Guards.Within", "Guards.After",
                "Tools.Before", "Tools.Within", "Tools.After", "Rag.Before", "Rag.Within", "Rag.After",
                "Budget.Before", "Budget.Within", "Budget.After", "Fallback.Before",
                "Usage.Before", "Usage.Within", "Usage.After", "SessionLimits.Before",
            ],
            _order);
    }

    [Fact]
    public async Task CreateAsync_RegisteredFirst_StandsOutside()
    {
        await using ServiceProvider services = Services(chat => chat
            .Use((client, _) => new Tracing(client, _order, "first"))
            .Use((client, _) => new Tracing(client, _order, "second")));
        await AskAsync(services, "hello");
        Assert.Equal(["first", "second"], _order);
    }

    [Fact]
    public async Task CreateAsync_NoKeyInAuto_AnswersWithTheMock_InReal_SaysThatTheKeyIsMissing()
    {
        await using ServiceProvider auto = Services(_ => { }, withKey: false);
        using (ChatPipeline pipeline = await auto.GetRequiredService<ChatPipelineFactory>().CreateAsync(Caller))
        {
            Assert.Equal(RunMode.Mock, pipeline.Context.Mode);
            Assert.StartsWith("Mock mode", (await pipeline.Client.GetResponseAsync("hello")).Text, StringComparison.Ordinal);
        }

        await using ServiceProvider real = Services(_ => { }, withKey: false, HostMode.Real);
        LlmException exception = await Assert.ThrowsAsync<LlmException>(
            async () => await real.GetRequiredService<ChatPipelineFactory>().CreateAsync(Caller));
        Assert.Equal(ErrorCodes.KeyMissing, exception.Code);
        Assert.Equal("This host answers with your own key only, and the session has none that can chat. Enter one first.", exception.Message);
    }

    [Fact]
    public async Task CreateAsync_AConversationThatIsNoName_IsRefused()
    {
        await using ServiceProvider services = Services(_ => { });
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await services.GetRequiredService<ChatPipelineFactory>().CreateAsync(Caller, "a b"));
    }

    [Fact]
    public async Task History_TheNextQuestion_IsAskedAfterTheTurnsBefore_WithoutCitationNumbers()
    {
        await using ServiceProvider services = Services(chat => chat.UseSystemPrompt(_ => "Be short."));
        _model.Answer = "Noon [1][12], or later [3, 4]. a[i] stays.";
        await AskAsync(services, "when?");
        await AskAsync(services, "sure?");
        Assert.Equal(
            ["system: Be short.", "user: when?", "assistant: Noon, or later. a[i] stays.", "user: sure?"], _model.Asked);
    }

    [Fact]
    public async Task History_TheStore_KeepsTheAnswerAsItWasGiven()
    {
        var store = new MemoryChatHistoryStore(new ChatHistoryOptions(), TimeProvider.System);
        await using ServiceProvider services = Services(chat => chat.UseHistoryStore(_ => store));
        _model.Answer = "Noon [1][12].";
        await AskAsync(services, "when?");
        IReadOnlyList<ChatMessage> kept = await store.LoadAsync(Caller, ChatPipelineFactory.DefaultConversation);
        Assert.Equal("Noon [1][12].", kept[1].Text);
    }

    [Fact]
    public async Task History_WhatAMockSaid_IsKeptAndNeverShownToAModel()
    {
        var store = new MemoryChatHistoryStore(new ChatHistoryOptions(), TimeProvider.System);
        await using ServiceProvider mock = Services(chat => chat.UseHistoryStore(_ => store), withKey: false);
        await AskAsync(mock, "hello");
        Assert.Equal(2, (await store.LoadAsync(Caller, ChatPipelineFactory.DefaultConversation)).Count);
        await using ServiceProvider real = Services(chat => chat.UseHistoryStore(_ => store));
        await AskAsync(real, "and now?");
        await AskAsync(real, "sure?");
        Assert.Equal(["user: and now?", "assistant: Fine.", "user: sure?"], _model.Asked);
        Assert.Equal(6, (await store.LoadAsync(Caller, ChatPipelineFactory.DefaultConversation)).Count);
    }

    [Fact]
    public async Task History_ATurnThatIsReplaced_IsNotShown_AndGoesOnceTheNewAnswerIsWhole()
    {
        var store = new MemoryChatHistoryStore(new ChatHistoryOptions(), TimeProvider.System);
        await using ServiceProvider services = Services(chat => chat.UseHistoryStore(_ => store));
        foreach (string question in (string[])["one", "two", "three"])
        {
            await AskAsync(services, question);
        }

        var second = new ChatTurnOptions { ReplacedTurn = 2 };
        _model.Failure = new InvalidOperationException("no");
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(services, "lost", turn: second));
        Assert.Equal(6, (await store.LoadAsync(Caller, ChatPipelineFactory.DefaultConversation)).Count);

        _model.Failure = null;
        await AskAsync(services, "two again", turn: second);
        Assert.Equal(["user: one", "assistant: Fine.", "user: two again"], _model.Asked);
        IReadOnlyList<ChatMessage> kept = await store.LoadAsync(Caller, ChatPipelineFactory.DefaultConversation);
        Assert.Equal(["one", "Fine.", "two again", "Fine."], kept.Select(message => message.Text));
    }

    [Fact]
    public async Task CreateAsync_AProviderOfTheCallersChoice_IsAskedFirst_AndMustHaveAKey()
    {
        await using ServiceProvider services = Services(_ => { });
        Assert.Equal("Fine.", (await AskAsync(services, "hello", turn: new ChatTurnOptions { Provider = "own" })).Text);
        LlmException exception = await Assert.ThrowsAsync<LlmException>(
            () => AskAsync(services, "hello", turn: new ChatTurnOptions { Provider = "openai" }));
        Assert.Equal(ErrorCodes.KeyMissing, exception.Code);
        Assert.Contains("openai", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task History_OtherConversationsAndCallers_SeeNothing()
    {
        await using ServiceProvider services = Services(_ => { });
        await AskAsync(services, "secret");
        await AskAsync(services, "other conversation", conversation: "two");
        Assert.Equal(["user: other conversation"], _model.Asked);
        await AskAsync(services, "other tenant", caller: new CallerContext(Session, "anna", "acme"));
        Assert.Equal(["user: other tenant"], _model.Asked);
    }

    [Fact]
    public async Task History_Turns_AreTheLastOnes()
    {
        await using ServiceProvider services = Services(_ => { }, configure: options => options.History.Turns = 1);
        foreach (string question in (string[])["one", "two", "three"])
        {
            await AskAsync(services, question);
        }

        Assert.Equal(["user: two", "assistant: Fine.", "user: three"], _model.Asked);
    }

    [Fact]
    public async Task History_AFailedTurn_IsNotKept()
    {
        await using ServiceProvider services = Services(_ => { });
        _model.Failure = new InvalidOperationException("no");
        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(services, "lost"));
        _model.Failure = null;
        _model.Answer = "";
        await AskAsync(services, "empty");
        _model.Answer = "Fine.";
        await AskAsync(services, "kept");
        Assert.Equal(["user: kept"], _model.Asked);
    }

    [Fact]
    public async Task History_TheStoreFailsAfterTheAnswer_TheAnswerStaysWholeAndTheLogSaysSo()
    {
        await using ServiceProvider services = Services(chat => chat.UseHistoryStore(_ => new FullStore(new StoreException("redis", "keep a turn"))));
        using ChatPipeline pipeline = await services.GetRequiredService<ChatPipelineFactory>().CreateAsync(Caller);
        ChatResponse response = await pipeline.Client.GetResponseAsync("hello");
        Assert.Equal("Fine.", response.Text);
        Assert.Equal(ChatHistoryProperty.NotKept, response.AdditionalProperties![ChatHistoryProperty.Name]);
        Assert.Equal("Fine.", (await AskAsync(services, "hello")).Text);
        const string Line = "2520 Warning The history store failed (StoreException); the answer was given, and its turn is not kept";
        Assert.Equal([Line, Line], _logs.Lines().Where(line => line.StartsWith("2520", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task History_TheStoresOwnTimeLimit_CostsNoAnswerEither_ButTheCallersCancellationEndsTheCall()
    {
        await using ServiceProvider services = Services(chat => chat.UseHistoryStore(_ => new FullStore(new OperationCanceledException())));
        Assert.Equal("Fine.", (await AskAsync(services, "hello")).Text);

        using var cancellation = new CancellationTokenSource();
        await using ServiceProvider cancelling = Services(
            chat => chat.UseHistoryStore(_ => new FullStore(new OperationCanceledException(cancellation.Token), cancellation.Cancel)));
        using ChatPipeline pipeline = await cancelling.GetRequiredService<ChatPipelineFactory>().CreateAsync(Caller);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => pipeline.Client.GetResponseAsync("hello", cancellationToken: cancellation.Token));
    }

    [Fact]
    public async Task Guards_ARefusedQuestion_NeverReachesTheModel_AndIsNotKept()
    {
        await using ServiceProvider services = Services(chat => chat.WithGuard<NoCanary>());
        ChatResponse refused = await AskAsync(services, "the canary");
        Assert.Equal(ChatFinishReason.ContentFilter, refused.FinishReason);
        ErrorContent content = Assert.Single(refused.Messages.SelectMany(message => message.Contents).OfType<ErrorContent>());
        Assert.Equal(("refusal", "Not about birds."), (content.ErrorCode, content.Message));
        Assert.Empty(_model.Asked);
        await AskAsync(services, "hello");
        Assert.Equal(["user: hello"], _model.Asked);
    }

    [Fact]
    public async Task Guards_ARefusedAnswer_IsCutBeforeTheRefusedPart()
    {
        await using ServiceProvider services = Services(chat => chat.WithGuard<NoCanary>());
        _model.Answer = "A yellow canary sings.";
        using ChatPipeline pipeline = await services.GetRequiredService<ChatPipelineFactory>().CreateAsync(Caller);
        var shown = new List<string>();
        ChatFinishReason? finish = null;
        await foreach (ChatResponseUpdate update in pipeline.Client.GetStreamingResponseAsync("which bird?"))
        {
            shown.Add(update.Text);
            finish = update.FinishReason ?? finish;
        }

        Assert.Equal("A yellow", string.Concat(shown));
        Assert.Equal(ChatFinishReason.ContentFilter, finish);
    }

    [Theory]
    [InlineData(0, "aa", " bb", " cc")]
    [InlineData(-1, "aa", " bb", " cc")]
    [InlineData(3, "aa", "aa bb", " bb cc")]
    [InlineData(int.MaxValue, "aa", "aa bb", "aa bb cc")]
    public async Task Guards_AreShownTheNewPartAndTheContextTheyAskFor(int context, params string[] shown)
    {
        var guard = new Reading(context);
        await using ServiceProvider services = Services(chat => chat.Services.AddSingleton<IChatGuard>(guard));
        _model.Answer = "aa bb cc";
        await AskAsync(services, "letters?");
        Assert.Equal(shown, guard.Shown);
    }

    [Fact]
    public async Task Guards_WithABoundedContext_ReadALongAnswerInLinearTime()
    {
        const int Parts = 5_000;
        var narrow = new Reading(16);
        var alike = new Reading(16);
        await using ServiceProvider services = Services(
            chat => chat.Services.AddSingleton<IChatGuard>(narrow).AddSingleton<IChatGuard>(alike));
        _model.Answer = string.Join(' ', Enumerable.Repeat("word", Parts));
        Assert.Equal(_model.Answer, (await AskAsync(services, "much?")).Text);
        Assert.Equal((Parts, Parts), (narrow.Shown.Count, alike.Shown.Count));
        Assert.InRange(narrow.Shown.Sum(text => text.Length), Parts * 5, Parts * (5 + 16));
        Assert.All(narrow.Shown.Zip(alike.Shown), pair => Assert.Same(pair.First, pair.Second));
    }

    [Fact]
    public async Task Guards_AWordAcrossTwoParts_IsFoundWithinTheContext()
    {
        var guard = new Reading(8, "canary sings");
        await using ServiceProvider services = Services(chat => chat.Services.AddSingleton<IChatGuard>(guard));
        _model.Answer = "A yellow canary sings.";
        Assert.Equal(ChatFinishReason.ContentFilter, (await AskAsync(services, "which bird?")).FinishReason);
    }

    [Fact]
    public async Task Tools_OfACaller_AreRunAndTheirResultsGoBack()
    {
        await using ServiceProvider services = Services(chat => chat.WithTools(context =>
            [AIFunctionFactory.Create((string city) => $"12 degrees in {city} for {context.Caller.SessionId}", "weather")]));
        _model.Call = new FunctionCallContent("c1", "weather", new Dictionary<string, object?> { ["city"] = "Bern" });
        ChatResponse response = await AskAsync(services, "weather?");
        Assert.Equal("Fine.", response.Text);
        Assert.Contains("tool: 12 degrees in Bern for s1", _model.Asked);
    }

    [Fact]
    public async Task UseHistoryStore_ReplacesTheMemoryOne()
    {
        var store = new MemoryChatHistoryStore(new ChatHistoryOptions(), TimeProvider.System);
        await using ServiceProvider services = Services(chat => chat.UseHistoryStore(_ => store));
        await AskAsync(services, "hello");
        Assert.Equal(2, (await store.LoadAsync(Caller, ChatPipelineFactory.DefaultConversation)).Count);
    }

    private static async Task<ChatResponse> AskAsync(
        ServiceProvider services, string question, string conversation = ChatPipelineFactory.DefaultConversation, CallerContext? caller = null,
        ChatTurnOptions? turn = null)
    {
        using ChatPipeline pipeline = await services.GetRequiredService<ChatPipelineFactory>()
            .CreateAsync(caller ?? Caller, conversation, turn);
        return await pipeline.Client.GetStreamingResponseAsync(question).ToChatResponseAsync();
    }

    private ServiceProvider Services(
        Action<CoachChatBuilder> chat, bool withKey = true, HostMode mode = HostMode.Auto, Action<CoachLlmOptions>? configure = null)
    {
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.AddProvider(new FakeLoggerProvider(_logs)));
        services.Configure<CoachHostOptions>(options => options.Mode = mode);
        CoachLlmBuilder llm = services.AddCoachLlm(configure).AddProvider("own", (_, _) => _model);
        chat(llm.Chat);
        ServiceProvider provider = services.BuildServiceProvider();
        if (withKey)
        {
            provider.GetRequiredService<ISessionKeyStore>()
                .SetAsync(Session, new ApiKey("own", Secret.From("a-key-of-the-test"))).AsTask().GetAwaiter().GetResult();
        }

        return provider;
    }

    /// <summary>A history store that can be read and not written.</summary>
    private sealed class FullStore(Exception failure, Action? before = null) : IChatHistoryStore
    {
        public Task<IReadOnlyList<ChatMessage>> LoadAsync(
            CallerContext caller, string conversationId, CancellationToken cancellationToken = default) =>
            Task.FromResult<IReadOnlyList<ChatMessage>>([]);

        public Task AppendAsync(
            CallerContext caller, string conversationId, IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken = default)
        {
            before?.Invoke();
            return Task.FromException(failure);
        }

        public Task<bool> TruncateAsync(CallerContext caller, string conversationId, int count, CancellationToken cancellationToken = default) =>
            throw failure;

        public Task<IReadOnlyList<ConversationInfo>> ListAsync(CallerContext caller, CancellationToken cancellationToken = default) =>
            throw failure;

        public Task<bool> RenameAsync(
            CallerContext caller, string conversationId, string title, CancellationToken cancellationToken = default) =>
            throw failure;

        public Task<bool> RemoveAsync(CallerContext caller, string conversationId, CancellationToken cancellationToken = default) =>
            throw failure;

        public Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default) => throw failure;
    }

    /// <summary>A guard that remembers what of an answer it was shown, and refuses a text.</summary>
    private sealed class Reading(int context, string? refused = null) : IChatGuard
    {
        public List<string> Shown { get; } = [];

        public int OutputContextLength => context;

        public ValueTask<GuardDecision> CheckInputAsync(
            IReadOnlyList<ChatMessage> messages, ChatPipelineContext context, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(GuardDecision.Allow);

        public ValueTask<GuardDecision> CheckOutputAsync(
            string answer, ChatPipelineContext context, CancellationToken cancellationToken = default)
        {
            Shown.Add(answer);
            bool isRefused = refused is not null && answer.Contains(refused, StringComparison.Ordinal);
            return ValueTask.FromResult(isRefused ? GuardDecision.Refuse("Not about birds.") : GuardDecision.Allow);
        }
    }

    private sealed class NoCanary : IChatGuard
    {
        public ValueTask<GuardDecision> CheckInputAsync(
            IReadOnlyList<ChatMessage> messages, ChatPipelineContext context, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(Decide(messages[^1].Text));

        public ValueTask<GuardDecision> CheckOutputAsync(
            string answer, ChatPipelineContext context, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(Decide(answer));

        private static GuardDecision Decide(string text) => text.Contains("canary", StringComparison.Ordinal)
            ? GuardDecision.Refuse("Not about birds.")
            : GuardDecision.Allow;
    }

    private sealed class Tracing(IChatClient inner, List<string> order, string name) : DelegatingChatClient(inner)
    {
        public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            order.Add(name);
            return base.GetStreamingResponseAsync(messages, options, cancellationToken);
        }
    }

    /// <summary>A provider's client that remembers what it was asked last and answers word by word.</summary>
    private sealed class ScriptedModel : IChatClient
    {
        public string Answer { get; set; } = "Fine.";

        public FunctionCallContent? Call { get; set; }

        public Exception? Failure { get; set; }

        public List<string> Asked { get; } = [];

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            Asked.Clear();
            Asked.AddRange(messages.Select(message => $"{message.Role}: {Text(message)}"));
            await Task.Yield();
            if (Failure is not null)
            {
                throw Failure;
            }

            if (Call is { } call)
            {
                Assert.Contains(options?.Tools ?? [], tool => tool.Name == call.Name);
                Call = null;
                yield return new ChatResponseUpdate(ChatRole.Assistant, [call]) { FinishReason = ChatFinishReason.ToolCalls };
                yield break;
            }

            foreach (string word in Answer.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select((word, i) => i == 0 ? word : " " + word))
            {
                yield return new ChatResponseUpdate(ChatRole.Assistant, word);
            }

            yield return new ChatResponseUpdate(ChatRole.Assistant, []) { FinishReason = ChatFinishReason.Stop };
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }

        private static string Text(ChatMessage message) => message.Contents.OfType<FunctionResultContent>().FirstOrDefault() is { } result
            ? result.Result?.ToString() ?? ""
            : message.Text;
    }
}
