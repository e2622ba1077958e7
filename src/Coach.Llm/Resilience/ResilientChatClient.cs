using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Resilience;

/// <summary>
/// Keeps one session's calls within their time limits and tries again where that may help. A stream is never tried
/// again once an update was handed out.
/// </summary>
internal sealed class ResilientChatClient(IChatClient inner, ResiliencePolicy policy, string keyFingerprint)
    : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        return await policy.RunAttemptsAsync(
            keyFingerprint, token => InnerClient.GetResponseAsync(list, options, token), cancellationToken,
            Reasons(options))
            .ConfigureAwait(false);
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        TimeSpan total = policy.Options.TotalTimeout
            + (Reasons(options) ? policy.Options.ReasoningTimeout : TimeSpan.Zero);
        using var budget = new Deadline(total, policy.Time, cancellationToken);
        (StreamDeadlines stream, bool hasNext) = await policy.RunAsync(
            keyFingerprint, token => OpenAsync(list, options, budget, token), budget)
            .ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            while (hasNext)
            {
                yield return stream.Current;
                try
                {
                    hasNext = await stream.MoveNextAsync().ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (budget.HasPassed)
                {
                    throw policy.TimedOut(budget, hasBegun: true);
                }
            }
        }
    }

    private static bool Reasons(ChatOptions? options) =>
        options?.Reasoning?.Effort is not (null or ReasoningEffort.None);

    // The stream outlives the attempt, so it hangs on the budget and not on the attempt's own token.
    private async Task<(StreamDeadlines Stream, bool HasNext)> OpenAsync(
        IReadOnlyList<ChatMessage> messages, ChatOptions? options, Deadline budget, CancellationToken attempt)
    {
        attempt.ThrowIfCancellationRequested();
        var stream = new StreamDeadlines(
            token => InnerClient.GetStreamingResponseAsync(messages, options, token), policy, budget, Reasons(options));
        try
        {
            return (stream, await stream.MoveNextAsync().ConfigureAwait(false));
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
