using System.Runtime.CompilerServices;
using Coach.Llm.Resilience;
using Coach.Llm.Sessions;

namespace Coach.Llm.Pipeline;

/// <summary>
/// Speech that the host brought, with what Coach's own has: limits, Coach's failures, and the text where it fails.
/// </summary>
internal sealed class ForeignSpeechSynthesizer(ISpeechSynthesizer inner, ForeignFailures failures, LimitedCalls calls)
    : ISpeechSynthesizer, IOwnedClient
{
    public object Owned => inner;

    public async Task<SpeechAnswer> SynthesizeAsync(
        string text, SpeechOptions? options = null, CancellationToken cancellationToken = default)
    {
        try
        {
            CallPermit permit = await calls.AcquireAsync(cancellationToken).ConfigureAwait(false);
            await using ConfiguredAsyncDisposable held = permit.ConfigureAwait(false);
            return await calls.RunAsync(token => SpeakAsync(text, options, token), cancellationToken)
                .ConfigureAwait(false);
        }
        catch (LlmException failure)
        {
            return new SpeechAnswer(text, ReadOnlyMemory<byte>.Empty, "", failure);
        }
    }

    // A failure that it tells itself counts like one that it throws.
    private async Task<SpeechAnswer> SpeakAsync(
        string text, SpeechOptions? options, CancellationToken cancellationToken)
    {
        SpeechAnswer answer = await failures.RunAsync(
            token => inner.SynthesizeAsync(text, options, token), cancellationToken).ConfigureAwait(false);
        return answer.Failure is null ? answer : throw answer.Failure;
    }
}
