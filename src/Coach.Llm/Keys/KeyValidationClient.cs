using Coach.Llm.Core;
using Coach.Llm.Providers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Polly;

namespace Coach.Llm.Keys;

/// <summary>
/// Asks a provider about a key: one request, bounded in time and bytes; every way to fail is an outcome.
/// </summary>
internal sealed class KeyValidationClient(
    LlmHttp http, IOptions<CoachLlmOptions> options, TimeProvider time, ILogger<KeyValidationClient> logger)
{
    private readonly KeyValidationOptions _options = options.Value.Validation;

    public async Task<KeyValidation> AskAsync(Provider provider, ApiKey key, CancellationToken cancellationToken)
    {
        using var limit = new Deadline(_options.Timeout, time, cancellationToken);
        try
        {
            KeyValidation validation = await AskAsync(provider, provider.KeyRequest, key, limit.Token)
                .ConfigureAwait(false);
            return validation.IsValid && _options.Deep && provider.DeepKeyRequest is { } deep
                ? await AskDeeperAsync(provider, deep, key, validation, limit.Token).ConfigureAwait(false)
                : validation;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Outcome(provider, KeyStatus.TimedOut); // our limit, or that of a handler which the host put in
        }
        catch (Exception failure) when (
            failure is HttpRequestException or IOException or ExecutionRejectedException or ContentCodingException)
        {
            return Outcome(provider, KeyStatus.Unavailable);
        }
        catch (Exception failure) when (failure is not (OperationCanceledException or OutOfMemoryException))
        {
            // a handler of the host's, or an answer that was not foreseen
            logger.ProbeThrew(key.Provider, failure.GetType().Name);
            return Outcome(provider, KeyStatus.Unavailable);
        }
    }

    private async Task<KeyValidation> AskAsync(
        Provider provider, KeyValidationRequest request, ApiKey key, CancellationToken cancellationToken)
    {
        if (request.Address is not { } address)
        {
            return Outcome(provider, KeyStatus.WrongEndpoint) with { Message = request.MissingAddress };
        }

        ProviderAnswer answer = await SendAsync(request, address, key, cancellationToken).ConfigureAwait(false);
        KeyAnswer read = Read(request, answer);
        return IsFailure(answer, read)
            ? Outcome(provider, ErrorClassifier.Classify(provider, answer, time.GetUtcNow()))
            : Outcome(provider, read.Status) with { ExpiresAt = read.ExpiresAt };
    }

    private async Task<KeyValidation> AskDeeperAsync(
        Provider provider, KeyValidationRequest request, ApiKey key, KeyValidation shallow,
        CancellationToken cancellationToken)
    {
        ProviderAnswer answer = await SendAsync(request, request.Address!, key, cancellationToken)
            .ConfigureAwait(false);
        KeyAnswer read = Read(request, answer);
        if (!IsFailure(answer, read))
        {
            return read.Status == KeyStatus.Valid ? shallow : Outcome(provider, read.Status);
        }

        // The model is the host's choice; a key is not worse for it.
        ErrorClassification found = ErrorClassifier.Classify(provider, answer, time.GetUtcNow());
        return found.Error == LlmError.ModelNotFound
            ? shallow with { Hint = $"{provider.Title} does not have the configured model. Set Coach:Llm:{provider.Title}:Model to another one." }
            : Outcome(provider, found);
    }

    private async Task<ProviderAnswer> SendAsync(
        KeyValidationRequest asked, Uri address, ApiKey key, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        asked.Sign(request, key.Secret.Reveal());
        using HttpResponseMessage response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return await ProviderAnswer.ReadAsync(response, _options.MaxResponseBytes, cancellationToken)
            .ConfigureAwait(false);
    }

    private KeyAnswer Read(KeyValidationRequest request, ProviderAnswer answer) =>
        answer.IsSuccess ? request.Read(answer, time.GetUtcNow()) : default;

    private static bool IsFailure(ProviderAnswer answer, KeyAnswer read) => !answer.IsSuccess || read.IsErrorInside;

    private static KeyValidation Outcome(Provider provider, KeyStatus status) =>
        new(status, KeyStatusMessages.For(provider.Title, status), KeyStatuses.IsAuthentic(status));

    private static KeyValidation Outcome(Provider provider, ErrorClassification found) => new(
        found.Status,
        KeyStatusMessages.For(provider.Title, found.Status, found.RetryAfter),
        KeyStatuses.IsAuthentic(found.Status),
        found.RetryAfter);
}
