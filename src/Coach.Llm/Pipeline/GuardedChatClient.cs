using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Pipeline;

/// <summary>
/// Asks the guards; a refusal is told as providers tell theirs: an error content with the code "refusal" and a finish
/// reason.
/// </summary>
internal sealed class GuardedChatClient(
    IChatClient inner, IReadOnlyList<IChatGuard> guards, ChatPipelineContext context)
    : DelegatingChatClient(inner)
{
    private const string Refusal = "refusal";

    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        List<ChatMessage> asked = [.. messages];
        if (await CheckInputAsync(asked, cancellationToken).ConfigureAwait(false) is { } refused)
        {
            return Response(refused);
        }

        ChatResponse response = await base.GetResponseAsync(asked, options, cancellationToken).ConfigureAwait(false);
        return await CheckOutputAsync(response.Text, cancellationToken).ConfigureAwait(false) is { } hidden
            ? Response(hidden)
            : response;
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        List<ChatMessage> asked = [.. messages];
        if (await CheckInputAsync(asked, cancellationToken).ConfigureAwait(false) is { } refused)
        {
            yield return refused;
            yield break;
        }

        var answer = new StringBuilder();
        IAsyncEnumerable<ChatResponseUpdate> updates =
            base.GetStreamingResponseAsync(asked, options, cancellationToken);
        await foreach (ChatResponseUpdate update in updates.ConfigureAwait(false))
        {
            if (update.Text is { Length: > 0 } text)
            {
                answer.Append(text);
                if (await CheckOutputAsync(answer.ToString(), cancellationToken).ConfigureAwait(false) is { } hidden)
                {
                    yield return hidden;
                    yield break;
                }
            }

            yield return update;
        }
    }

    private async ValueTask<ChatResponseUpdate?> CheckInputAsync(
        List<ChatMessage> messages, CancellationToken cancellationToken)
    {
        foreach (IChatGuard guard in guards)
        {
            GuardDecision decision = await guard.CheckInputAsync(messages, context, cancellationToken)
                .ConfigureAwait(false);
            if (!decision.IsAllowed)
            {
                return Refused(decision);
            }
        }

        return null;
    }

    private async ValueTask<ChatResponseUpdate?> CheckOutputAsync(string answer, CancellationToken cancellationToken)
    {
        foreach (IChatGuard guard in guards)
        {
            GuardDecision decision = await guard.CheckOutputAsync(answer, context, cancellationToken)
                .ConfigureAwait(false);
            if (!decision.IsAllowed)
            {
                return Refused(decision);
            }
        }

        return null;
    }

    private static ChatResponseUpdate Refused(GuardDecision decision)
    {
        var content = new ErrorContent(decision.Reason ?? "This host does not answer that.") { ErrorCode = Refusal };
        return new ChatResponseUpdate(ChatRole.Assistant, [content]) { FinishReason = ChatFinishReason.ContentFilter };
    }

    private static ChatResponse Response(ChatResponseUpdate update) =>
        new(new ChatMessage(ChatRole.Assistant, update.Contents)) { FinishReason = update.FinishReason };
}
