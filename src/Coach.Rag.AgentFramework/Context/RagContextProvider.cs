using Coach.Abstractions;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;

namespace Coach.Rag.AgentFramework;

/// <summary>
/// Grounds an agent: looks up the last question (a follow-up completed from what was said before it), puts the passages
/// before it as fenced data and the rule about them into the instructions, and ends each answer with a
/// <see cref="CitationsContent"/>. Without passages the request goes through unchanged: retrieval never keeps an agent
/// from answering.
/// </summary>
/// <remarks>
/// Passages are marked as an <see cref="AIContextProvider"/>'s. Those that a history kept of earlier questions are left
/// out of the next request. One provider serves any number of sessions at the same time and keeps nothing of them.
/// </remarks>
public sealed class RagContextProvider : AIContextProvider
{
    private const string RetrievalProperty = "coach.rag.retrieval";

    private readonly Func<InvokingContext, CancellationToken, ValueTask<IRetriever?>> _choose;
    private readonly RetrievalOptions? _options;

    /// <summary>Creates a provider that asks one retriever for all sessions.</summary>
    /// <param name="retriever">Finds the passages.</param>
    /// <param name="options">What to ask of it; null asks for its defaults.</param>
    /// <exception cref="ArgumentNullException"><paramref name="retriever"/> is null.</exception>
    public RagContextProvider(IRetriever retriever, RetrievalOptions? options = null)
        : base(null, null, null)
    {
        ArgumentNullException.ThrowIfNull(retriever);
        _choose = (_, _) => ValueTask.FromResult<IRetriever?>(retriever);
        _options = options;
    }

    /// <summary>Creates a provider that asks the documents of the scope that a session belongs to.</summary>
    /// <param name="knowledge">Opens the documents of a scope.</param>
    /// <param name="scopeOf">
    /// Whose documents a session may read; null for none: then the request goes through unchanged.
    /// </param>
    /// <param name="options">What to ask of them; null asks for the defaults.</param>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="knowledge"/> or <paramref name="scopeOf"/> is null.
    /// </exception>
    public RagContextProvider(
        IKnowledgeBases knowledge, Func<AgentSession?, KnowledgeScope?> scopeOf, RetrievalOptions? options = null)
        : base(null, null, null)
    {
        ArgumentNullException.ThrowIfNull(knowledge);
        ArgumentNullException.ThrowIfNull(scopeOf);
        _choose = async (context, cancellationToken) =>
        {
            if (scopeOf(context.Session) is not { } scope)
            {
                return null;
            }

            OpenKnowledge? open = await knowledge.OpenAsync(scope, cancellationToken).ConfigureAwait(false);
            return open?.Retriever;
        };
        _options = options;
    }

    /// <summary>
    /// Told what each answer cites, also where it is streamed: then the citations come after the last update.
    /// </summary>
    /// <value>Null unless set.</value>
    public Action<AgentSession?, CitationsContent>? Cited { get; init; }

    /// <inheritdoc />
    protected override async ValueTask<AIContext> InvokingCoreAsync(
        InvokingContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        AIContext given = context.AIContext;
        if (given.Messages?.Any(IsQuotation) == true)
        {
            // Those of earlier questions, which a history kept.
            given = new AIContext
            {
                Instructions = given.Instructions,
                Messages = [.. given.Messages.Where(message => !IsQuotation(message))],
                Tools = given.Tools,
            };
        }

        List<ChatMessage> messages = [.. given.Messages ?? []];
        int last = messages.FindLastIndex(IsQuestion);
        if (last < 0 || await _choose(context, cancellationToken).ConfigureAwait(false) is not { } retriever)
        {
            return given;
        }

        Retrieval retrieval = await RagGrounding.RetrieveAsync(retriever, messages, last, _options, cancellationToken)
            .ConfigureAwait(false);
        if (retrieval.Passages.Count == 0)
        {
            return given;
        }

        ChatMessage passages = new ChatMessage(ChatRole.User, [RagGrounding.Quote(retrieval.Passages)])
            .WithAgentRequestMessageSource(
                AgentRequestMessageSourceType.AIContextProvider, typeof(RagContextProvider).FullName);
        passages.AdditionalProperties ??= [];
        passages.AdditionalProperties[RetrievalProperty] = retrieval;
        messages.Insert(last, passages);
        return new AIContext
        {
            Instructions = string.IsNullOrWhiteSpace(given.Instructions)
                ? RagGrounding.Instructions
                : given.Instructions + "\n\n" + RagGrounding.Instructions,
            Messages = messages,
            Tools = given.Tools,
        };
    }

    /// <inheritdoc />
    protected override ValueTask InvokedCoreAsync(
        InvokedContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        ChatMessage? answer = context.ResponseMessages?.LastOrDefault(message => message.Role == ChatRole.Assistant);
        Retrieval? retrieval = context.RequestMessages.Select(RetrievalOf).LastOrDefault(found => found is not null);
        if (context.InvokeException is null && answer is not null && retrieval is not null)
        {
            CitationsContent citations = RagGrounding.Cite(answer.Text, retrieval);
            answer.Contents.Add(citations);
            Cited?.Invoke(context.Session, citations);
        }

        return ValueTask.CompletedTask;
    }

    private static bool IsQuestion(ChatMessage message) => message.Role == ChatRole.User
        && message.GetAgentRequestMessageSourceType() != AgentRequestMessageSourceType.AIContextProvider
        && !string.IsNullOrWhiteSpace(message.Text);

    private static bool IsQuotation(ChatMessage message) => message.Role == ChatRole.User
        && message.Contents is [TextContent { AdditionalProperties: { } properties }]
        && properties.ContainsKey(GroundingPassage.PropertyName);

    private static Retrieval? RetrievalOf(ChatMessage message)
    {
        object? found = null;
        message.AdditionalProperties?.TryGetValue(RetrievalProperty, out found);
        return found as Retrieval;
    }
}
