using System.Runtime.CompilerServices;
using Coach.Abstractions;
using Coach.Rag.Chat;
using Microsoft.Extensions.AI;

namespace Coach.Rag;

/// <summary>
/// Grounds a chat client: looks up the last user message (a follow-up completed from what was said before it), puts
/// what was found before the question as fenced data, the
/// rule about it into a system message and the passages into the request's properties as
/// <see cref="GroundingPassage"/>s, and ends each answer with a <see cref="CitationsContent"/>. Without passages the
/// request goes through unchanged: retrieval never keeps a chat from answering.
/// </summary>
public sealed class RagChatClient : DelegatingChatClient
{
    private readonly IRetriever _retriever;
    private readonly RetrievalOptions? _options;
    private readonly RerankOptions? _rerank;
    private readonly IPassageReranker? _reranker;

    /// <summary>Creates the client.</summary>
    /// <param name="innerClient">The client that answers.</param>
    /// <param name="retriever">Finds the passages.</param>
    /// <param name="options">What to ask of the retriever; null asks for its defaults.</param>
    /// <param name="rerank">
    /// Ranks the passages anew before they are given, by default by asking <paramref name="innerClient"/>: one more
    /// call a question. Null leaves them as they were found.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A value of <paramref name="rerank"/> is out of its range.
    /// </exception>
    public RagChatClient(
        IChatClient innerClient, IRetriever retriever, RetrievalOptions? options = null, RerankOptions? rerank = null)
        : base(innerClient)
    {
        ArgumentNullException.ThrowIfNull(retriever);
        rerank?.Check();
        _rerank = rerank;
        _reranker = rerank is null ? null : rerank.Reranker ?? new ChatPassageReranker(innerClient);
        _retriever = retriever;
        _options = options;
    }

    /// <inheritdoc />
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        Grounding grounding = await GroundAsync(messages, options, cancellationToken).ConfigureAwait(false);
        ChatResponse response = await base.GetResponseAsync(grounding.Messages, grounding.Options, cancellationToken)
            .ConfigureAwait(false);
        var scanner = new CitationScanner(grounding.Retrieval.Passages.Count);
        scanner.Read(response.Text);
        var citations = new CitationsContent(scanner.Citations(grounding.Retrieval.Passages), grounding.Retrieval);
        if (response.Messages.LastOrDefault(message => message.Role == ChatRole.Assistant) is { } answer)
        {
            answer.Contents.Add(citations);
        }
        else
        {
            response.Messages.Add(new ChatMessage(ChatRole.Assistant, [citations]));
        }

        return response;
    }

    /// <inheritdoc />
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Grounding grounding = await GroundAsync(messages, options, cancellationToken).ConfigureAwait(false);
        var scanner = new CitationScanner(grounding.Retrieval.Passages.Count);
        ChatResponseUpdate? last = null;
        await foreach (ChatResponseUpdate update in base.GetStreamingResponseAsync(
            grounding.Messages, grounding.Options, cancellationToken)
            .ConfigureAwait(false))
        {
            scanner.Read(update.Text);
            last = update;
            yield return update;
        }

        yield return new ChatResponseUpdate(ChatRole.Assistant,
            [new CitationsContent(scanner.Citations(grounding.Retrieval.Passages), grounding.Retrieval)])
        {
            ResponseId = last?.ResponseId,
            MessageId = last?.MessageId,
        };
    }

    private async Task<Grounding> GroundAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(messages);
        List<ChatMessage> list = [.. messages];
        int last = list.FindLastIndex(message => message.Role == ChatRole.User);
        string question = last < 0 ? "" : list[last].Text;
        List<EarlierTurn> earlier = ConversationTurns.Before(list, last);
        Retrieval retrieval = await RetrieveAsync(question, earlier, cancellationToken).ConfigureAwait(false);
        if (retrieval.Passages.Count == 0)
        {
            return new Grounding(list, options, retrieval);
        }

        list[last] = WithPassages(list[last], retrieval.Passages);
        int afterSystem = list.FindIndex(message => message.Role != ChatRole.System);
        list.Insert(afterSystem, new ChatMessage(ChatRole.System, GroundingPrompt.Rule));
        ChatOptions grounded = options?.Clone() ?? new ChatOptions();
        grounded.AdditionalProperties = grounded.AdditionalProperties is { } given
            ? new AdditionalPropertiesDictionary(given)
            : [];
        grounded.AdditionalProperties[GroundingPassage.PropertyName] = (IReadOnlyList<GroundingPassage>)
            [.. retrieval.Passages.Select(
                (passage, i) => new GroundingPassage(i + 1, passage.Source, passage.Heading, passage.Text))];
        grounded.AdditionalProperties[GroundingComparer.PropertyName] = new GroundingComparer(_retriever.CompareAsync);
        return new Grounding(list, grounded, retrieval);
    }

    private async ValueTask<Retrieval> RetrieveAsync(
        string question, List<EarlierTurn> earlier, CancellationToken cancellationToken)
    {
        RetrievalOptions? asked = earlier.Count == 0 && _rerank is null
            ? _options
            : (_options ?? new RetrievalOptions()).With(earlier, _rerank?.Candidates);
        Retrieval found = await _retriever.RetrieveAsync(question, asked, cancellationToken).ConfigureAwait(false);
        if (_reranker is null)
        {
            return found;
        }

        IReadOnlyList<Passage> ranked = await PassageReranking.RankAsync(
            found.SearchedFor ?? question, found.Passages, _reranker, _rerank!, cancellationToken)
            .ConfigureAwait(false);
        return found with { Passages = [.. ranked.Take(_options?.Top ?? _rerank!.Top)] };
    }

    // Of the question's own turn, not one before it: templates of open models refuse two turns of one role in a row.
    private static ChatMessage WithPassages(ChatMessage question, IReadOnlyList<Passage> passages)
    {
        ChatMessage grounded = question.Clone();
        grounded.Contents =
        [
            new TextContent(GroundingPrompt.Write(passages))
            {
                AdditionalProperties = new() { [GroundingPassage.PropertyName] = passages.Count },
            },
            .. question.Contents,
        ];
        return grounded;
    }

    private sealed record Grounding(IReadOnlyList<ChatMessage> Messages, ChatOptions? Options, Retrieval Retrieval);
}
