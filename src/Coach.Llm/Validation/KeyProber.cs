using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Polly;

namespace Coach.Llm;

/// <summary>Asks a provider about a key: one request, bounded in time and bytes; every way to fail is an outcome.</summary>
internal sealed class KeyProber(LlmHttp http, IOptions<CoachLlmOptions> options, TimeProvider time, ILogger<KeyProber> logger)
{
    private readonly CoachLlmOptions _options = options.Value;

    public async Task<KeyValidation> ProbeAsync(ApiKey key, KeyProbe probe, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_options.Validation.Timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            KeyValidation validation = await AskAsync(key, probe, both.Token).ConfigureAwait(false);
            return validation.IsValid && _options.Validation.Deep && key.Provider == ProviderNames.Gemini
                ? await AskDeeperAsync(key, validation, both.Token).ConfigureAwait(false)
                : validation;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Outcome(key, KeyStatus.TimedOut); // our limit, or that of a handler which the host put in
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or ExecutionRejectedException or ContentCodingException)
        {
            return Outcome(key, KeyStatus.Unavailable);
        }
        catch (Exception failure) when (failure is not (OperationCanceledException or OutOfMemoryException))
        {
            logger.ProbeThrew(key.Provider, failure.GetType().Name); // a handler of the host's, or an answer nobody thought of
            return Outcome(key, KeyStatus.Unavailable);
        }
    }

    private async Task<KeyValidation> AskAsync(ApiKey key, KeyProbe probe, CancellationToken cancellationToken)
    {
        if (probe.Address(_options) is not { } address)
        {
            return Outcome(key, KeyStatus.WrongEndpoint) with
            {
                Message = "No address is set for OpenAI-compatible servers. Set LITELLM_API_BASE or Coach:Llm:OpenAICompatible:BaseUrl.",
            };
        }

        ProviderAnswer answer = await SendAsync(key, probe, address, cancellationToken).ConfigureAwait(false);
        return TryJudge(key, probe, answer, out ProviderVerdict? verdict, out ProbeOutcome outcome)
            ? Outcome(key, outcome.Status) with { ExpiresAt = outcome.ExpiresAt }
            : Outcome(key, verdict);
    }

    private async Task<KeyValidation> AskDeeperAsync(ApiKey key, KeyValidation shallow, CancellationToken cancellationToken)
    {
        KeyProbe probe = KeyProbe.GeminiCountTokens;
        ProviderAnswer answer = await SendAsync(key, probe, probe.Address(_options)!, cancellationToken).ConfigureAwait(false);
        if (TryJudge(key, probe, answer, out ProviderVerdict? verdict, out ProbeOutcome outcome))
        {
            return outcome.Status == KeyStatus.Valid ? shallow : Outcome(key, outcome.Status);
        }

        // The model is the host's choice; a key is not worse for it.
        return verdict.Error == LlmError.ModelNotFound
            ? shallow with { Hint = "Gemini does not have the configured model. Set Coach:Llm:Gemini:Model to another one." }
            : Outcome(key, verdict);
    }

    private async Task<ProviderAnswer> SendAsync(ApiKey key, KeyProbe probe, Uri address, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        probe.Sign(request, key.Secret.Reveal(), _options);
        using HttpResponseMessage response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return await ProviderAnswer.ReadAsync(response, _options.Validation.MaxResponseBytes, cancellationToken).ConfigureAwait(false);
    }

    private bool TryJudge(
        ApiKey key, KeyProbe probe, ProviderAnswer answer, [NotNullWhen(false)] out ProviderVerdict? failure, out ProbeOutcome outcome)
    {
        DateTimeOffset now = time.GetUtcNow();
        outcome = answer.Status is >= 200 and < 300 ? probe.Judge(answer, now) : default;
        failure = answer.Status is >= 200 and < 300 && !outcome.IsErrorInside ? null : ProviderErrors.Classify(key.Provider, answer, now);
        return failure is null;
    }

    private static KeyValidation Outcome(ApiKey key, KeyStatus status) =>
        new(status, VerdictMessages.For(key.Provider, status), KeyStatuses.IsAuthentic(status));

    private static KeyValidation Outcome(ApiKey key, ProviderVerdict verdict) =>
        new(verdict.Status, VerdictMessages.For(key.Provider, verdict.Status, verdict.RetryAfter), KeyStatuses.IsAuthentic(verdict.Status), verdict.RetryAfter);
}
