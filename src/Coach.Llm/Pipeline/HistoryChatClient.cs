using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Coach.Llm.Core;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace Coach.Llm.Pipeline;

/// <summary>
/// Puts a conversation's last turns before the question, and keeps question and answer once the answer is whole.
/// </summary>
/// <remarks>
/// A refused, failed or abandoned turn is not kept: asked again, it would stand there twice. Two questions at once are
/// kept in the order in which their answers end. A store that fails then costs the history, never the answer.
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
        await KeepAsync(asked, response, cancellationToken).ConfigureAwait(false);
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

        await KeepAsync(asked, seen.ToChatResponse(), cancellationToken).ConfigureAwait(false);
    }

    private async Task<List<ChatMessage>> WithHistoryAsync(List<ChatMessage> asked, CancellationToken cancellationToken)
    {
        IReadOnlyList<ChatMessage> kept = options.Turns == 0
            ? []
            : await store.LoadAsync(context.Caller, context.ConversationId, cancellationToken).ConfigureAwait(false);
        int first = kept.Count;
        for (int turns = 0; turns < options.Turns && first > 0; turns++)
        {
            do
            {
                first--;
            }
            while (first > 0 && kept[first].Role != ChatRole.User);
        }

        int afterSystem = asked.FindIndex(message => message.Role != ChatRole.System);
        List<ChatMessage> all = [.. asked];
        all.InsertRange(afterSystem < 0 ? asked.Count : afterSystem, kept.Skip(first));
        return all;
    }

    private async Task KeepAsync(List<ChatMessage> asked, ChatResponse response, CancellationToken cancellationToken)
    {
        ChatMessage[] answers = [.. response.Messages.Select(Kept).Where(message => message.Contents.Count > 0)];
        bool isWhole = response.FinishReason != ChatFinishReason.ContentFilter
            && !response.Messages.Any(message => message.Contents.Any(content => content is ErrorContent));
        if (!isWhole || !answers.Any(message => message.Text.Length > 0))
        {
            return;
        }

        ChatMessage[] turn = [.. asked.Where(message => message.Role != ChatRole.System), .. answers];
        try
        {
            await store.AppendAsync(context.Caller, context.ConversationId, turn, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (Exception exception) when (
            exception is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            logger.TurnNotKept(exception.GetType().Name);
        }
    }

    // Usage, citations and what packages add are of the turn, not of the conversation.
    private static bool IsKept(AIContent content) => content
        is TextContent or TextReasoningContent or DataContent or UriContent
        or FunctionCallContent or FunctionResultContent;

    // Numbers point at the passages of their own answer; in the next one they would point at others.
    private static ChatMessage Kept(ChatMessage message) => new(
        message.Role,
        [
            .. message.Contents
                .Where(IsKept)
                .Select(content => content is TextContent text ? Unnumbered(text) : content)
                .Where(content => content is not TextContent { Text.Length: 0 }),
        ]);

    private static TextContent Unnumbered(TextContent text)
    {
        string plain = CitationPattern().Replace(text.Text, "");
        return plain.Length == text.Text.Length
            ? text
            : new TextContent(
                plain)
            { AdditionalProperties = text.AdditionalProperties, RawRepresentation = text.RawRepresentation };
    }

    [GeneratedRegex(
        @" ?\[\d{1,3}(?:[,;] ?\d{1,3})*\]", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex CitationPattern();
}
