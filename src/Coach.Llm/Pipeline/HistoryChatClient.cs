using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Coach.Abstractions;
using Coach.Llm.Core;
using Coach.Llm.History;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace Coach.Llm.Pipeline;

/// <summary>
/// Puts a conversation's last turns before the question, and keeps question and answer once the answer is whole.
/// </summary>
/// <remarks>
/// A refused, failed or abandoned turn is not kept: asked again, it would stand there twice. Two questions at once are
/// kept in the order in which their answers end. A store that is away costs the history, never the answer: the question
/// then stands alone, and the answer says that it is not kept (<see cref="ChatHistoryProperty.Name"/>). What a mock
/// said is kept, marked, and never shown to a model as a model's words.
/// </remarks>
internal sealed partial class HistoryChatClient(
    IChatClient inner, IChatHistoryStore store, ChatPipelineContext context, ChatHistoryOptions options,
    ILogger logger)
    : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        List<ChatMessage> asked = [.. messages];
        List<ChatMessage> all = await WithHistoryAsync(asked, cancellationToken).ConfigureAwait(false);
        ChatResponse response = await base.GetResponseAsync(all, options, cancellationToken).ConfigureAwait(false);
        if (!await KeepAsync(asked, response, cancellationToken).ConfigureAwait(false))
        {
            (response.AdditionalProperties ??= [])[ChatHistoryProperty.Name] = ChatHistoryProperty.NotKept;
        }

        return response;
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        List<ChatMessage> asked = [.. messages];
        List<ChatMessage> all = await WithHistoryAsync(asked, cancellationToken).ConfigureAwait(false);
        List<ChatResponseUpdate> seen = [];
        IAsyncEnumerable<ChatResponseUpdate> updates =
            base.GetStreamingResponseAsync(all, options, cancellationToken);
        await foreach (ChatResponseUpdate update in updates.ConfigureAwait(false))
        {
            seen.Add(update);
            yield return update;
        }

        if (!await KeepAsync(asked, seen.ToChatResponse(), cancellationToken).ConfigureAwait(false))
        {
            yield return new ChatResponseUpdate
            {
                Role = ChatRole.Assistant,
                AdditionalProperties = new() { [ChatHistoryProperty.Name] = ChatHistoryProperty.NotKept },
            };
        }
    }

    private async Task<List<ChatMessage>> WithHistoryAsync(List<ChatMessage> asked, CancellationToken cancellationToken)
    {
        IReadOnlyList<ChatMessage> kept = await LoadAsync(cancellationToken).ConfigureAwait(false);
        ChatMessage[] shown =
        [
            .. kept.Take(ReplacedFrom(kept) ?? kept.Count).Where(message => !MockTurns.IsMarked(message)).Select(Shown),
        ];
        int first = shown.Length;
        for (int turns = 0; turns < options.Turns && first > 0; turns++)
        {
            do
            {
                first--;
            }
            while (first > 0 && shown[first].Role != ChatRole.User);
        }

        int afterSystem = asked.FindIndex(message => message.Role != ChatRole.System);
        List<ChatMessage> all = [.. asked];
        all.InsertRange(afterSystem < 0 ? asked.Count : afterSystem, shown.Skip(first));
        return all;
    }

    private async Task<IReadOnlyList<ChatMessage>> LoadAsync(CancellationToken cancellationToken)
    {
        try
        {
            // A mock quotes documents: it needs no history.
            return options.Turns == 0 || context.Mode == RunMode.Mock
                ? []
                : await store.LoadAsync(context.Caller, context.ConversationId, cancellationToken)
                    .ConfigureAwait(false);
        }
        catch (StoreException exception)
        {
            logger.HistoryNotRead(exception.Store);
            return [];
        }
    }

    // Whether the turn is kept, or was none to keep.
    private async Task<bool> KeepAsync(
        List<ChatMessage> asked, ChatResponse response, CancellationToken cancellationToken)
    {
        ChatMessage[] answers = [.. response.Messages.Select(Kept).Where(message => message.Contents.Count > 0)];
        bool isWhole = response.FinishReason != ChatFinishReason.ContentFilter
            && !response.Messages.Any(message => message.Contents.Any(content => content is ErrorContent));
        if (!isWhole || !answers.Any(message => message.Text.Length > 0))
        {
            return true;
        }

        ChatMessage[] turn =
        [
            .. asked.Where(message => message.Role != ChatRole.System).Select(WithoutFiles),
            .. answers,
        ];
        if (context.Mode == RunMode.Mock)
        {
            Array.ForEach(turn, MockTurns.Mark);
        }

        try
        {
            await ForgetReplacedAsync(cancellationToken).ConfigureAwait(false);
            await store.AppendAsync(context.Caller, context.ConversationId, turn, cancellationToken)
                .ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (
            exception is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            logger.TurnNotKept(exception.GetType().Name);
            return false;
        }
    }

    // A large file would push the conversation out of its bound: the next questions know that it was there.
    private ChatMessage WithoutFiles(ChatMessage message)
    {
        ChatMessage kept = message.Clone();
        kept.Contents =
        [
            .. message.Contents.Select(content =>
                content is DataContent data && data.Data.Length > options.MaxLength / 8 ? Named(data) : content),
        ];
        return kept;
    }

    private static TextContent Named(DataContent data)
    {
        string name = data.Name ?? "file";
        return new TextContent($"\n\n(The file {name}, {data.MediaType}, came with this question and is not kept.)")
        {
            AdditionalProperties = new()
            {
                [ChatHistoryProperty.FileName] = name,
                [ChatHistoryProperty.FileType] = data.MediaType,
            },
        };
    }

    // The turn that is asked again goes when the new one is whole, and not before.
    private async Task ForgetReplacedAsync(CancellationToken cancellationToken)
    {
        if (context.ReplacedTurn is null)
        {
            return;
        }

        IReadOnlyList<ChatMessage> kept = await store
            .LoadAsync(context.Caller, context.ConversationId, cancellationToken).ConfigureAwait(false);
        if (ReplacedFrom(kept) is { } count)
        {
            await store.TruncateAsync(context.Caller, context.ConversationId, count, cancellationToken)
                .ConfigureAwait(false);
        }
    }

    // Where the turn that is replaced begins; null if none is.
    private int? ReplacedFrom(IReadOnlyList<ChatMessage> kept)
    {
        int turns = 0;
        for (int index = 0; index < kept.Count; index++)
        {
            turns += kept[index].Role == ChatRole.User ? 1 : 0;
            if (turns == context.ReplacedTurn)
            {
                return index;
            }
        }

        return null;
    }

    // Usage and what packages add are of the turn, not of the conversation; annotations, such as citations, stay with
    // it.
    private static bool IsKept(AIContent content) => content
        is TextContent or TextReasoningContent or DataContent or UriContent
        or FunctionCallContent or FunctionResultContent;

    private static ChatMessage Kept(ChatMessage message)
    {
        List<AIContent> contents =
        [
            .. message.Contents.Where(content => IsKept(content) && content is not TextContent { Text.Length: 0 }),
        ];
        AIAnnotation[] annotations =
        [
            .. message.Contents.Where(content => !IsKept(content)).SelectMany(content => content.Annotations ?? []),
        ];
        int last = contents.FindLastIndex(content => content is TextContent);
        if (annotations.Length > 0 && last >= 0)
        {
            AIContent text = Copy((TextContent)contents[last], ((TextContent)contents[last]).Text);
            text.Annotations = [.. contents[last].Annotations ?? [], .. annotations];
            contents[last] = text;
        }

        return new ChatMessage(message.Role, contents);
    }

    // What a model is shown of an earlier turn. Numbers point at the passages of their own answer; in the next one they
    // would point at others.
    private static ChatMessage Shown(ChatMessage message)
    {
        ChatMessage shown = message.Clone();
        shown.Contents =
        [
            .. message.Contents
                .Select(content => content is TextContent text && message.Role == ChatRole.Assistant
                    ? Unnumbered(text)
                    : content)
                .Where(content => content is not TextContent { Text.Length: 0 }),
        ];
        return shown;
    }

    private static TextContent Unnumbered(TextContent text)
    {
        string plain = CitationPattern().Replace(text.Text, "");
        return plain.Length == text.Text.Length && text.Annotations is null ? text : Copy(text, plain);
    }

    private static TextContent Copy(TextContent text, string words) => new(words)
    {
        AdditionalProperties = text.AdditionalProperties,
        RawRepresentation = text.RawRepresentation,
    };

    [GeneratedRegex(
        @" ?\[\d{1,3}(?:[,;] ?\d{1,3})*\]", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex CitationPattern();
}
