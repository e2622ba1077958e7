namespace Coach.Llm;

/// <summary>
/// Turns a provider's failure into exactly one verdict. Rules read the status, reason codes and structure; a message is looked into only
/// where the provider gives no code that tells the cases apart, and such a rule stands last.
/// </summary>
internal static class ProviderErrors
{
    /// <summary>Judges an answer that is a failure, or a success with an error inside.</summary>
    public static ProviderVerdict Classify(string provider, ProviderAnswer answer, DateTimeOffset now) =>
        Classify(provider, answer, ErrorBody.Parse(answer.Body.Span), now);

    public static ProviderVerdict Classify(string provider, ProviderAnswer answer, ErrorBody body, DateTimeOffset now)
    {
        int status = answer.Status is >= 200 and < 300 ? StatusInside(body) : answer.Status;
        Judgement judgement = Judge(provider, status, body);
        LlmError error = judgement.Error ?? KeyStatuses.ErrorOf(judgement.Status);
        TimeSpan? hint = judgement.Status is KeyStatus.RateLimited or KeyStatus.Unavailable
            ? RetryAfterParser.Find(answer, body, now) ?? judgement.DefaultWait
            : null;
        if (provider == ProviderNames.Gemini && judgement.Status == KeyStatus.RateLimited && hint > GeminiErrors.LongestWait)
        {
            // Gemini says "per minute" and means "per day" when the wait is this long (gemini-cli's rule).
            (judgement, error, hint) = (new Judgement(KeyStatus.QuotaExhausted), LlmError.QuotaExhausted, null);
        }

        return new ProviderVerdict
        {
            Status = judgement.Status,
            Error = error,
            HttpStatus = status,
            RetryAfter = hint,
            IsTransient = IsTransient(judgement, answer),
            Message = KeyStatusMessages.For(provider, judgement.Status, error, hint),
        };
    }

    private static Judgement Judge(string provider, int status, ErrorBody body)
    {
        Judgement? judgement = provider switch
        {
            ProviderNames.Gemini => GeminiErrors.Judge(status, body),
            ProviderNames.Anthropic => AnthropicErrors.Judge(status, body),
            ProviderNames.Cartesia => CartesiaErrors.Judge(status, body),
            ProviderNames.OpenRouter => OpenRouterErrors.Judge(status, body),
            _ => OpenAIErrors.Judge(status, body),
        };
        return judgement ?? ByStatus(provider, status, body);
    }

    private static Judgement ByStatus(string provider, int status, ErrorBody body) => status switch
    {
        401 => new(body.IsHtml ? KeyStatus.WrongEndpoint : KeyStatus.Invalid), // a page asking for a login is not the provider
        402 => new(KeyStatus.QuotaExhausted),
        403 => new(body.IsOf(provider) ? KeyStatus.Restricted : KeyStatus.Unavailable), // cut, an edge or a firewall: not the API's word
        404 when body.HasError => new(KeyStatus.WrongEndpoint, LlmError.ModelNotFound),
        408 or 409 or 425 or 499 => new(KeyStatus.Unavailable),
        429 => new(KeyStatus.RateLimited),
        451 => new(KeyStatus.RegionBlocked),
        400 or 413 or 415 or 422 when body.HasError => new(KeyStatus.WrongEndpoint, LlmError.RequestRejected),
        >= 500 => new(KeyStatus.Unavailable),
        _ => new(KeyStatus.WrongEndpoint),
    };

    private static int StatusInside(ErrorBody body) => body.CodeNumber is { } code and >= 400 and < 600 ? code : 500;

    private static bool IsTransient(Judgement judgement, ProviderAnswer answer)
    {
        if (judgement.Status is not (KeyStatus.RateLimited or KeyStatus.Unavailable))
        {
            return false;
        }

        return answer.Header("x-should-retry")?.Trim() switch
        {
            "true" => true,
            "false" => false,
            _ => judgement.IsTransient,
        };
    }
}

/// <summary>What a provider's rules made of an answer.</summary>
/// <param name="Status">The outcome as a key validation.</param>
/// <param name="Error">The outcome as a call, where it does not follow from <paramref name="Status"/>.</param>
/// <param name="IsTransient">Whether a rate limit or outage passes by itself.</param>
/// <param name="DefaultWait">The wait when the answer gives no hint.</param>
internal readonly record struct Judgement(KeyStatus Status, LlmError? Error = null, bool IsTransient = true, TimeSpan? DefaultWait = null);
