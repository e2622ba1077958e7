using Coach.Abstractions;
using Coach.Llm;
using Coach.Testing.Stores;
using Microsoft.Extensions.AI;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="IChatHistoryStore"/> must do: one test per name of <see cref="Names"/> that calls
/// <see cref="RunAsync"/>.
/// </summary>
public static class ChatHistoryStoreContract
{
    private static readonly ContractSuite<IChatHistoryStore> Suite = new(new(StringComparer.Ordinal)
    {
        ["Append_AndLoad_KeepTheOrder"] = OrderAsync,
        ["Messages_EveryKindOfContent_ComesBack"] = RoundTripAsync,
        ["Callers_DoNotSeeEachOther"] = CallersAsync,
        ["Users_SeeTheirConversationsFromEverySession"] = UsersAsync,
        ["Truncate_ForgetsTheEnd"] = TruncateAsync,
        ["List_IsTheCallersOwn_LatestFirst"] = ListAsync,
        ["Rename_StaysWhateverIsAdded"] = RenameAsync,
        ["Messages_AnnotationsAndProperties_ComeBack"] = AnnotationsAsync,
        ["Remove_ForgetsOne"] = RemoveAsync,
        ["Erase_ForgetsAllOfOneCaller"] = EraseAsync,
        ["Append_ManyAtOnce_LosesNothing"] = RaceAsync,
        ["Ids_OutOfShape_AreRefused"] = IdsAsync,
    });

    /// <summary>The names of the checks.</summary>
    public static IReadOnlyList<string> Names => Suite.Names;

    /// <summary>Runs one check.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="store">The store; what it holds already does not matter, the check's names are random.</param>
    /// <param name="advance">Lets the store's clock pass by that much.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>A task that ends when the check passed.</returns>
    /// <exception cref="ArgumentException">There is no such check.</exception>
    /// <exception cref="InvalidOperationException">The store broke the contract; the message says how.</exception>
    public static Task RunAsync(
        string name, IChatHistoryStore store, Func<TimeSpan, Task> advance,
        CancellationToken cancellationToken = default) =>
        Suite.RunAsync(name, store, advance, cancellationToken);

    private static async Task OrderAsync(
        IChatHistoryStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        CallerContext caller = NewCaller();
        Contract.Holds(
            (await store.LoadAsync(caller, "c", cancellationToken).ConfigureAwait(false)).Count == 0,
            "an unknown conversation is empty");
        await store.AppendAsync(caller, "c", Turn("one", "eins"), cancellationToken).ConfigureAwait(false);
        await store.AppendAsync(caller, "c", Turn("two", "zwei"), cancellationToken).ConfigureAwait(false);
        await ExpectAsync(store, caller, "c", ["one", "eins", "two", "zwei"], cancellationToken).ConfigureAwait(false);
    }

    private static async Task RoundTripAsync(
        IChatHistoryStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        CallerContext caller = NewCaller();
        ChatMessage[] turn =
        [
            new(ChatRole.User, [new TextContent("look"), new DataContent(new byte[] { 1, 2, 3 }, "image/png")]),
            new(ChatRole.Assistant,
            [
                new TextReasoningContent("hm") { ProtectedData = "c2lnbmVk" },
                new FunctionCallContent("call_1", "weather", new Dictionary<string, object?> { ["city"] = "Bern" }),
            ]),
            new(ChatRole.Tool, [new FunctionResultContent("call_1", "12 °C")]),
            new(ChatRole.Assistant, "Twelve degrees ☕"),
        ];
        await store.AppendAsync(caller, "c", turn, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ChatMessage> loaded = await store.LoadAsync(caller, "c", cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            loaded.Select(message => message.Role).SequenceEqual(turn.Select(message => message.Role)),
            "roles come back");
        Contract.Holds(
            loaded[0].Contents is [TextContent { Text: "look" }, DataContent { MediaType: "image/png" } data]
                && data.Data.Span.SequenceEqual(new byte[] { 1, 2, 3 }),
            "pictures come back");
        Contract.Holds(
            loaded[1].Contents is [TextReasoningContent thought, FunctionCallContent call]
                && thought is { Text: "hm", ProtectedData: "c2lnbmVk" }
                && call is { CallId: "call_1", Name: "weather" }
                && call.Arguments?["city"]?.ToString() == "Bern",
            "reasoning with its signature, and calls, come back");
        Contract.Holds(
            loaded[2].Contents is [FunctionResultContent { CallId: "call_1" } result]
                && result.Result?.ToString() == "12 °C", "results come back");
        Contract.Holds(loaded[3].Text == "Twelve degrees ☕", "texts come back");
    }

    private static async Task CallersAsync(
        IChatHistoryStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        CallerContext one = NewCaller();
        CallerContext other = NewCaller();
        await store.AppendAsync(one, "c", Turn("mine", "yes"), cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            (await store.LoadAsync(other, "c", cancellationToken).ConfigureAwait(false)).Count == 0,
            "another caller reads nothing");
        Contract.Holds(
            !await store.RemoveAsync(other, "c", cancellationToken).ConfigureAwait(false), "and removes nothing");
        Contract.Holds(
            !await store.TruncateAsync(other, "c", 0, cancellationToken).ConfigureAwait(false), "and shortens nothing");
        var tenant = new CallerContext(one.SessionId, tenantId: "t");
        Contract.Holds(
            (await store.LoadAsync(tenant, "c", cancellationToken).ConfigureAwait(false)).Count == 0,
            "another tenant reads nothing");
        await ExpectAsync(store, one, "c", ["mine", "yes"], cancellationToken).ConfigureAwait(false);
    }

    private static async Task UsersAsync(
        IChatHistoryStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string user = Contract.Tag();
        var laptop = new CallerContext(SessionId.From(Contract.Tag()), user);
        var phone = new CallerContext(SessionId.From(Contract.Tag()), user);
        await store.AppendAsync(laptop, "c", Turn("hello", "hi"), cancellationToken).ConfigureAwait(false);
        await ExpectAsync(store, phone, "c", ["hello", "hi"], cancellationToken).ConfigureAwait(false);
    }

    private static async Task TruncateAsync(
        IChatHistoryStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        CallerContext caller = NewCaller();
        await store.AppendAsync(caller, "c", Turn("one", "eins"), cancellationToken).ConfigureAwait(false);
        await store.AppendAsync(caller, "c", Turn("two", "zwei"), cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await store.TruncateAsync(caller, "c", 2, cancellationToken).ConfigureAwait(false), "there was more");
        Contract.Holds(
            !await store.TruncateAsync(caller, "c", 2, cancellationToken).ConfigureAwait(false), "now there is not");
        await store.AppendAsync(caller, "c", Turn("three", "drei"), cancellationToken).ConfigureAwait(false);
        await ExpectAsync(store, caller, "c", ["one", "eins", "three", "drei"], cancellationToken)
            .ConfigureAwait(false);
    }

    private static async Task ListAsync(
        IChatHistoryStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        CallerContext caller = NewCaller();
        await store.AppendAsync(caller, "a", Turn("first\nquestion", "x"), cancellationToken).ConfigureAwait(false);
        await advance(TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        await store.AppendAsync(caller, "b", Turn(new string('q', 200), "y"), cancellationToken).ConfigureAwait(false);
        await store.AppendAsync(NewCaller(), "z", Turn("foreign", "z"), cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ConversationInfo> list = await store.ListAsync(caller, cancellationToken).ConfigureAwait(false);
        Contract.Holds(list.Select(info => info.Id).SequenceEqual(["b", "a"]), "the caller's own, the latest first");
        Contract.Holds(
            list[1] is { Title: "first question", MessageCount: 2 }, "a title is the first question on one line");
        Contract.Holds(list[0].Title.Length == 80, "of at most 80 characters");
    }

    private static async Task RenameAsync(
        IChatHistoryStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        CallerContext caller = NewCaller();
        Contract.Holds(
            !await store.RenameAsync(caller, "c", "a title", cancellationToken).ConfigureAwait(false),
            "there is no such conversation yet");
        await store.AppendAsync(caller, "c", Turn("one", "eins"), cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            !await store.RenameAsync(NewCaller(), "c", "theirs", cancellationToken).ConfigureAwait(false),
            "another caller renames nothing");
        Contract.Holds(
            await store.RenameAsync(caller, "c", "a title ☕", cancellationToken).ConfigureAwait(false),
            "it is renamed");
        await store.AppendAsync(caller, "c", Turn("two", "zwei"), cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ConversationInfo> list = await store.ListAsync(caller, cancellationToken).ConfigureAwait(false);
        Contract.Holds(list is [{ Id: "c", Title: "a title ☕", MessageCount: 4 }], "the title stays");
        foreach (string title in new[] { "", " ", new string('t', 81) })
        {
            bool isRefused = false;
            try
            {
                await store.RenameAsync(caller, "c", title, cancellationToken).ConfigureAwait(false);
            }
            catch (ArgumentException)
            {
                isRefused = true;
            }

            Contract.Holds(isRefused, "an empty or too long title is refused");
        }
    }

    private static async Task AnnotationsAsync(
        IChatHistoryStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        CallerContext caller = NewCaller();
        var cited = new TextContent("Behind the door [1].")
        {
            Annotations =
            [
                new CitationAnnotation
                {
                    Title = "keys.md",
                    Snippet = "The key hangs behind the door.",
                    AnnotatedRegions = [new TextSpanAnnotatedRegion { StartIndex = 16, EndIndex = 19 }],
                    AdditionalProperties = new() { ["n"] = 1 },
                },
            ],
        };
        ChatMessage[] turn =
        [
            new(ChatRole.User, "where?"),
            new(ChatRole.Assistant, [cited]) { AdditionalProperties = new() { ["mark"] = true } },
        ];
        await store.AppendAsync(caller, "c", turn, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ChatMessage> loaded = await store.LoadAsync(caller, "c", cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            loaded[1].Contents is [TextContent { Annotations: [CitationAnnotation citation] }]
                && citation is { Title: "keys.md", Snippet: "The key hangs behind the door." }
                && citation.AnnotatedRegions is [TextSpanAnnotatedRegion { StartIndex: 16, EndIndex: 19 }]
                && citation.AdditionalProperties?["n"]?.ToString() == "1",
            "citations come back with what they annotate");
        Contract.Holds(
            loaded[1].AdditionalProperties?["mark"]?.ToString() is "True" or "true", "properties come back");
    }

    private static async Task RemoveAsync(
        IChatHistoryStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        CallerContext caller = NewCaller();
        await store.AppendAsync(caller, "a", Turn("one", "eins"), cancellationToken).ConfigureAwait(false);
        await store.AppendAsync(caller, "b", Turn("two", "zwei"), cancellationToken).ConfigureAwait(false);
        Contract.Holds(await store.RemoveAsync(caller, "a", cancellationToken).ConfigureAwait(false), "there was one");
        Contract.Holds(
            !await store.RemoveAsync(caller, "a", cancellationToken).ConfigureAwait(false), "now there is none");
        await ExpectAsync(store, caller, "a", [], cancellationToken).ConfigureAwait(false);
        await ExpectAsync(store, caller, "b", ["two", "zwei"], cancellationToken).ConfigureAwait(false);
    }

    private static async Task EraseAsync(
        IChatHistoryStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        CallerContext caller = NewCaller();
        CallerContext other = NewCaller();
        await store.AppendAsync(caller, "a", Turn("one", "eins"), cancellationToken).ConfigureAwait(false);
        await store.AppendAsync(caller, "b", Turn("two", "zwei"), cancellationToken).ConfigureAwait(false);
        await store.AppendAsync(other, "a", Turn("three", "drei"), cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await store.EraseAsync(caller, cancellationToken).ConfigureAwait(false) == 2, "it says how many");
        Contract.Holds(
            (await store.ListAsync(caller, cancellationToken).ConfigureAwait(false)).Count == 0, "nothing is left");
        await ExpectAsync(store, other, "a", ["three", "drei"], cancellationToken).ConfigureAwait(false);
    }

    private static async Task RaceAsync(
        IChatHistoryStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        CallerContext caller = NewCaller();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(
            () => store.AppendAsync(caller, "c", Turn($"q{i}", $"a{i}"), cancellationToken), cancellationToken)))
                .ConfigureAwait(false);
        IReadOnlyList<ChatMessage> all = await store.LoadAsync(caller, "c", cancellationToken).ConfigureAwait(false);
        Contract.Holds(all.Count == 32, "nothing is lost");
        Contract.Holds(all.Chunk(2).All(turn => turn[0].Text[1..] == turn[1].Text[1..]), "turns stay whole");
    }

    private static async Task IdsAsync(
        IChatHistoryStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        CallerContext caller = NewCaller();
        foreach (string id in (string[])["", "a b", new string('x', 129), "../x"])
        {
            bool isRefused = false;
            try
            {
                await store.AppendAsync(caller, id, Turn("q", "a"), cancellationToken).ConfigureAwait(false);
            }
            catch (ArgumentException)
            {
                isRefused = true;
            }

            Contract.Holds(isRefused, $"'{id}' names no conversation");
        }
    }

    private static CallerContext NewCaller() => new(SessionId.From(Contract.Tag()));

    private static ChatMessage[] Turn(string question, string answer) =>
        [new(ChatRole.User, question), new(ChatRole.Assistant, answer)];

    private static async Task ExpectAsync(
        IChatHistoryStore store, CallerContext caller, string id, string[] texts, CancellationToken cancellationToken)
    {
        IReadOnlyList<ChatMessage> loaded = await store.LoadAsync(caller, id, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            loaded.Select(message => message.Text).SequenceEqual(texts),
            $"the conversation holds {string.Join(", ", texts)}");
    }
}
