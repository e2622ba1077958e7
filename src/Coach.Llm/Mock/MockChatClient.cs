using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Coach.Llm.Mock;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>
/// The chat client of mock mode: no network, no key, always the same answer to the same question. It answers with
/// sentences from the passages that the request carries (see <see cref="GroundingPassage.PropertyName"/>), code, tables
/// and lists of options as blocks, cites each as <c>[n]</c>, and says that it is a mock; where the passages do not
/// answer, that the documents do not say.
/// </summary>
/// <remarks>Safe for concurrent use. Token counts are estimates: four characters to a token.</remarks>
public sealed class MockChatClient : IChatClient
{
    /// <summary>The model it reports.</summary>
    public const string ModelId = "mock-extractive";

    private const int MaxSentences = 4;

    /// <inheritdoc />
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        cancellationToken.ThrowIfCancellationRequested();
        List<ChatMessage> list = [.. messages];
        string answer = await AnswerAsync(list, options, cancellationToken).ConfigureAwait(false);
        return Updates(answer, list, options).ToChatResponse();
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        List<ChatMessage> list = [.. messages];
        string answer = await AnswerAsync(list, options, cancellationToken).ConfigureAwait(false);
        foreach (ChatResponseUpdate update in Updates(answer, list, options))
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
            yield return update;
        }
    }

    /// <inheritdoc />
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
        {
            return null;
        }

        if (serviceType == typeof(ChatClientMetadata))
        {
            return new ChatClientMetadata(ProviderNames.Mock, defaultModelId: ModelId);
        }

        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Does nothing.</summary>
    public void Dispose()
    {
    }

    private static ValueTask<string> AnswerAsync(
        List<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken) =>
        AnswerAsync(
            QuestionOf(messages),
            Property<IReadOnlyList<GroundingPassage>>(options, GroundingPassage.PropertyName) ?? [],
            Property<GroundingComparer>(options, GroundingComparer.PropertyName),
            cancellationToken);

    private static T? Property<T>(ChatOptions? options, string name)
        where T : class
    {
        object? value = null;
        options?.AdditionalProperties?.TryGetValue(name, out value);
        return value as T;
    }

    private static IEnumerable<ChatResponseUpdate> Updates(
        string answer, List<ChatMessage> messages, ChatOptions? options)
    {
        string question = QuestionOf(messages);
        var passages = Property<IReadOnlyList<GroundingPassage>>(options, GroundingPassage.PropertyName);
        string responseId = "mock-" + Abstractions.Secret.From(question + "\n" + answer).Fingerprint;
        int limit = options?.MaxOutputTokens ?? int.MaxValue;
        int tokens = 0;
        bool isCut = false;
        foreach (string word in Words(answer))
        {
            if (tokens + Tokens(word) > limit)
            {
                isCut = true;
                break;
            }

            tokens += Tokens(word);
            yield return Update(new TextContent(word), null);
        }

        int input = messages.Sum(message => Tokens(QuestionOf(message)))
            + (passages?.Sum(passage => Tokens(passage.Text)) ?? 0);
        var usage =
            new UsageDetails { InputTokenCount = input, OutputTokenCount = tokens, TotalTokenCount = input + tokens };
        yield return Update(new UsageContent(usage), isCut ? ChatFinishReason.Length : ChatFinishReason.Stop);

        ChatResponseUpdate Update(AIContent content, ChatFinishReason? finish) => new(ChatRole.Assistant, [content])
        {
            ResponseId = responseId,
            MessageId = responseId,
            ModelId = ModelId,
            FinishReason = finish,
        };
    }

    private static string QuestionOf(List<ChatMessage> messages) =>
        QuestionOf(messages.FindLast(message => message.Role == ChatRole.User));

    // Without the passages, which are quoted from the request's properties.
    private static string QuestionOf(ChatMessage? message) => message is null ? "" : string.Concat(message.Contents
        .OfType<TextContent>()
        .Where(text => text.AdditionalProperties?.ContainsKey(GroundingPassage.PropertyName) != true)
        .Select(text => text.Text));

    private static async ValueTask<string> AnswerAsync(
        string question, IReadOnlyList<GroundingPassage> passages, GroundingComparer? comparer,
        CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(question))
        {
            return "Mock mode: there is no question to answer. Ask something about the documents.";
        }

        string topic = ExtractiveSummarizer.Topic(question);
        if (passages.Count == 0)
        {
            return $"Mock mode: the documents do not say. No passage was found about {topic}, and without one there is "
                + "nothing to quote. Enter a key to ask a model.";
        }

        IReadOnlyList<ExtractedSentence> quotes = await ExtractiveSummarizer
            .PickAsync(question, passages, MaxSentences, comparer, cancellationToken).ConfigureAwait(false);
        return quotes.Count > 0
            ? Quote(quotes)
            : $"Mock mode: the documents do not say. The {passages.Count} passages found say nothing about {topic}. "
                + "Ask in other words, or enter a key to ask a model.";
    }

    // A block has lines of its own, with its citation below it.
    private static string Quote(IReadOnlyList<ExtractedSentence> quotes)
    {
        var answer = new StringBuilder("Mock mode, quoting the documents:");
        bool isAfterBlock = false;
        foreach (ExtractedSentence quote in quotes)
        {
            string before = quote.IsBlock || isAfterBlock ? "\n\n" : " ";
            string between = quote.IsBlock ? "\n\n" : " ";
            answer.Append(before).Append(quote.Text).Append(between).Append(
                CultureInfo.InvariantCulture, $"[{quote.Number}]");
            isAfterBlock = quote.IsBlock;
        }

        return answer.ToString();
    }

    private static int Tokens(string text) => (text.Length + 3) / 4;

    private static IEnumerable<string> Words(string text)
    {
        int start = 0;
        for (int space = text.IndexOf(' ', 1); space > 0; space = text.IndexOf(' ', space + 1))
        {
            yield return text[start..space];
            start = space;
        }

        yield return text[start..];
    }
}
