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
        var answer = new AnswerText();
        answer.Add(response.Text);
        return await CheckOutputAsync(answer, cancellationToken).ConfigureAwait(false) is { } hidden
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

        var answer = new AnswerText();
        IAsyncEnumerable<ChatResponseUpdate> updates =
            base.GetStreamingResponseAsync(asked, options, cancellationToken);
        await foreach (ChatResponseUpdate update in updates.ConfigureAwait(false))
        {
            if (update.Text is { Length: > 0 } text)
            {
                answer.Add(text);
                if (await CheckOutputAsync(answer, cancellationToken).ConfigureAwait(false) is { } hidden)
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

    private async ValueTask<ChatResponseUpdate?> CheckOutputAsync(
        AnswerText answer, CancellationToken cancellationToken)
    {
        foreach (IChatGuard guard in guards)
        {
            string shown = answer.End(guard.OutputContextLength);
            GuardDecision decision = await guard.CheckOutputAsync(shown, context, cancellationToken)
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

    /// <summary>An answer while it arrives: its end is cut out without copying what is before it.</summary>
    private sealed class AnswerText
    {
        private readonly StringBuilder _text = new();
        private int _lastPart;
        private string? _end;

        public void Add(string part)
        {
            _text.Append(part);
            _lastPart = part.Length;
            _end = null;
        }

        /// <summary>The last part and some characters before it; guards with the same need share the string.</summary>
        public string End(int context)
        {
            int length = (int)Math.Min(_text.Length, _lastPart + (long)Math.Max(0, context));
            if (_end?.Length != length)
            {
                _end = _text.ToString(_text.Length - length, length);
            }

            return _end;
        }
    }
}
