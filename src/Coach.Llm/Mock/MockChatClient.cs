using System.Runtime.CompilerServices;
using Coach.Llm.Mock;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>
/// The chat client of mock mode: no network, no key, always the same answer to the same question. It answers with
/// sentences from the passages that the request carries (see <see cref="GroundingPassage.PropertyName"/>), cites each
/// as <c>[n]</c>, and says that it is a mock.
/// </summary>
/// <remarks>Safe for concurrent use. Token counts are estimates: four characters to a token.</remarks>
public sealed class MockChatClient : IChatClient
{
    /// <summary>The model it reports.</summary>
    public const string ModelId = "mock-extractive";

    private const int MaxSentences = 4;

    /// <inheritdoc />
    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return cancellationToken.IsCancellationRequested
            ? Task.FromCanceled<ChatResponse>(cancellationToken)
            : Task.FromResult(Updates([.. messages], options).ToChatResponse());
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        foreach (ChatResponseUpdate update in Updates([.. messages], options))
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

    private static IEnumerable<ChatResponseUpdate> Updates(IReadOnlyList<ChatMessage> messages, ChatOptions? options)
    {
        string question = QuestionOf(messages.LastOrDefault(message => message.Role == ChatRole.User));
        IReadOnlyList<GroundingPassage>? passages =
            options?.AdditionalProperties?.TryGetValue(GroundingPassage.PropertyName, out object? value) == true
                ? value as IReadOnlyList<GroundingPassage>
                : null;
        string answer = Answer(question, passages);
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

    // Without the passages, which are quoted from the request's properties.
    private static string QuestionOf(ChatMessage? message) => message is null ? "" : string.Concat(message.Contents
        .OfType<TextContent>()
        .Where(text => text.AdditionalProperties?.ContainsKey(GroundingPassage.PropertyName) != true)
        .Select(text => text.Text));

    private static string Answer(string question, IReadOnlyList<GroundingPassage>? passages)
    {
        if (string.IsNullOrWhiteSpace(question))
        {
            return "Mock mode: there is no question to answer. Ask something about the documents.";
        }

        IReadOnlyList<ExtractedSentence> sentences = passages is { Count: > 0 }
            ? ExtractiveSummarizer.Pick(question, passages, MaxSentences)
            : [];
        return sentences.Count > 0
            ? "Mock mode, quoting the documents: " + string.Join(
                " ", sentences.Select(sentence => $"{sentence.Text} [{sentence.Number}]"))
            : passages is { Count: > 0 }
                ? $"Mock mode: the {passages.Count} passages found say nothing about {ExtractiveSummarizer.Topic(question)}. Ask in other words, or enter a key to ask a model."
                : $"Mock mode: no passage was found about {ExtractiveSummarizer.Topic(question)}, and without one there is nothing to quote. Enter a key to ask a model.";
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
