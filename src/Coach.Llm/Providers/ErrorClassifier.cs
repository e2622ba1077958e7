using Coach.Llm.Core;

namespace Coach.Llm.Providers;

/// <summary>
/// Gives a provider's failure exactly one meaning. Rules read the status, reason codes and structure; a message is
/// looked into only where the provider gives no code that tells the cases apart, and such a rule stands last.
/// </summary>
internal static class ErrorClassifier
{
    private static readonly string[] LengthCodes =
        [
        "context_length_exceeded", "exceed_context_size_error", "context_window_exceeded",
        "model_context_window_exceeded", "tokens_limit_reached", "input_too_long", "too_many_prompt_tokens",
    ];

    private static readonly string[] LengthWords =
    [
        "maximum context length", "max context length", "context length exceeded", "context_length_exceeded",
        "exceeds the context", "exceed context", "context window", "context size", "prompt is too long",
        "input is too long", "prompt too long", "input length and `max_tokens` exceed context", "longer than the model's context",
        "maximum input length", "max_model_len", "exceeds the maximum number of tokens", "maximum prompt length",
        "reduce the length of the messages", "reduce your prompt", "too many tokens", "maximum number of input tokens",
        "context length of only", "context overflow", "`inputs` tokens", "`inputs` must have less than", "exceeded model token limit",
        "range of input length", "prompt exceeds max", "exceeds the model's maximum", "exceeds maximum context",
        "model's context length", "maximum tokens allowed", "context limit",
    ];

    private static readonly string[] ModelCodes =
    [
        "model_not_found", "model_not_exist", "model_not_available", "model_not_supported", "model_decommissioned",
        "invalid_model", "unknown_model", "unavailable_model", "DeploymentNotFound", "ModelNotFound", "InvalidModel",
    ];

    private static readonly string[] ModelWords =
    [
        "is not a valid model", "model not exist", "model not found", "invalid model", "unknown model", "no such model",
        "not found the model", "has been decommissioned", "model is not available", "model is not supported", "unsupported model",
        "is not supported by any provider", "supported models are", "correct model ID was used",
    ];

    /// <summary>Classifies an answer that is a failure, or a success with an error inside.</summary>
    public static ErrorClassification Classify(
        Provider provider, ProviderAnswer answer, DateTimeOffset now, Secret? secret = null) =>
        Classify(provider, answer, ErrorBody.Parse(answer.Body.Span), now, secret);

    /// <summary>As above, of a body that is read already.</summary>
    /// <param name="provider">Who answered.</param>
    /// <param name="answer">The answer.</param>
    /// <param name="body">Its body.</param>
    /// <param name="now">The time, for hints that are dates.</param>
    /// <param name="secret">The key that was sent, so that no code repeats it.</param>
    public static ErrorClassification Classify(
        Provider provider, ProviderAnswer answer, ErrorBody body, DateTimeOffset now, Secret? secret = null)
    {
        int status = answer.Status is >= 200 and < 300 ? StatusInside(body) : answer.Status;
        ErrorClassification found = provider.Classify(status, body) ?? ByStatus(provider, status, body);
        TimeSpan? hint = found.Status is KeyStatus.RateLimited or KeyStatus.Unavailable
            ? RetryAfterParser.Find(answer, body, now) ?? found.RetryAfter
            : null;
        if (found.Status == KeyStatus.RateLimited && hint > provider.LongestRateLimit)
        {
            (found, hint) = (new ErrorClassification(KeyStatus.QuotaExhausted), null);
        }

        bool isTooLong = IsAboutLength(status, found.Error, body);
        if (!isTooLong && IsAboutModel(status, found.Error, body))
        {
            found = new ErrorClassification(KeyStatus.WrongEndpoint, LlmError.ModelNotFound);
        }

        found = found with
        {
            Error = isTooLong ? LlmError.ContextTooLong : found.Error,
            HttpStatus = status,
            Size = SizeRefusals.Of(status, body),
            RetryAfter = isTooLong ? null : hint,
            IsTransient = !isTooLong && IsTransient(found, answer),
            Code = ProviderWord.Of(body.CodeNumber is null ? body.Code : "", secret)
                ?? ProviderWord.Of(body.Reasons.FirstOrDefault() ?? "", secret)
                ?? ProviderWord.Of(body.Status, secret)
                ?? ProviderWord.Of(body.Type, secret),
            Parameter = ProviderWord.Of(body.Parameter, secret),
            Refused = ParameterRefusal.Read(status, body),
        };
        return found with { Message = KeyStatusMessages.For(provider.Title, found) };
    }

    private static ErrorClassification ByStatus(Provider provider, int status, ErrorBody body) => status switch
    {
        // a page asking for a login is not the provider
        401 => new(body.IsHtml ? KeyStatus.WrongEndpoint : KeyStatus.Invalid),
        402 => new(KeyStatus.QuotaExhausted),
        // cut, an edge or a firewall: not the API's word
        403 => new(provider.IsOwnError(body) ? KeyStatus.Restricted : KeyStatus.Unavailable),
        404 when body.HasError => new(KeyStatus.WrongEndpoint, LlmError.ModelNotFound),
        408 or 409 or 425 or 499 => new(KeyStatus.Unavailable),
        429 => new(KeyStatus.RateLimited),
        451 => new(KeyStatus.RegionBlocked),
        400 or 415 or 422 when body.HasError || body.IsEmpty || (body.IsJson && body.Message.Length > 0) =>
            new(KeyStatus.WrongEndpoint, LlmError.RequestRejected),
        413 => new(KeyStatus.WrongEndpoint, LlmError.RequestRejected), // whoever says it, the request is too large
        >= 500 => new(KeyStatus.Unavailable),
        _ => new(KeyStatus.WrongEndpoint),
    };

    // No two servers say it alike, and few have a code for it.
    private static bool IsAboutLength(int status, LlmError error, ErrorBody body)
    {
        if (Array.Exists(LengthCodes, code => code == body.Code || code == body.Type))
        {
            return true;
        }

        // A limit of tokens a minute that one request alone exceeds (Groq): no wait will mend it.
        if (status == 413 && body.Says("tokens") && body.Says("too large"))
        {
            return true;
        }

        return status is 400 or 413 or 422 or 500
            && error is LlmError.RequestRejected or LlmError.Unavailable or LlmError.ProviderFailed
            && (Array.Exists(LengthWords, body.Says)
                || (body.Says("input token count") && body.Says("exceeds"))
                || (body.Says("too large for model") && body.Says("context")));
    }

    // As for lengths: some have a code for it, the others say it each in their own way.
    private static bool IsAboutModel(int status, LlmError error, ErrorBody body) =>
        status is 400 or 404 or 410 or 422
        && error is LlmError.RequestRejected or LlmError.WrongEndpoint or LlmError.ProviderFailed
        && (Array.Exists(ModelCodes, code => code == body.Code || code == body.Type)
            || Array.Exists(ModelWords, body.Says)
            || (body.Says("the model") && (body.Says("does not exist") || body.Says("was not found"))));

    private static int StatusInside(ErrorBody body) =>
        (body.CodeNumber ?? body.StatusNumber) is { } code and >= 400 and < 600 ? code : 500;

    private static bool IsTransient(ErrorClassification found, ProviderAnswer answer)
    {
        if (found.Status is not (KeyStatus.RateLimited or KeyStatus.Unavailable))
        {
            return false;
        }

        return answer.Header("x-should-retry")?.Trim() switch
        {
            "true" => true,
            "false" => false,
            _ => found.IsTransient,
        };
    }
}
