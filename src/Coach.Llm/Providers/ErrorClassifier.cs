using Coach.Llm.Core;

namespace Coach.Llm.Providers;

/// <summary>
/// Gives a provider's failure exactly one meaning. Rules read the status, reason codes and structure; a message is
/// looked into only where the provider gives no code that tells the cases apart, and such a rule stands last.
/// </summary>
internal static class ErrorClassifier
{
    /// <summary>Classifies an answer that is a failure, or a success with an error inside.</summary>
    public static ErrorClassification Classify(Provider provider, ProviderAnswer answer, DateTimeOffset now) =>
        Classify(provider, answer, ErrorBody.Parse(answer.Body.Span), now);

    public static ErrorClassification Classify(
        Provider provider, ProviderAnswer answer, ErrorBody body, DateTimeOffset now)
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

        return found with
        {
            HttpStatus = status,
            Size = SizeRefusals.Of(status, body),
            RetryAfter = hint,
            IsTransient = IsTransient(found, answer),
            Message = KeyStatusMessages.For(provider.Title, found.Status, found.Error, hint),
        };
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
        400 or 413 or 415 or 422 when body.HasError => new(KeyStatus.WrongEndpoint, LlmError.RequestRejected),
        >= 500 => new(KeyStatus.Unavailable),
        _ => new(KeyStatus.WrongEndpoint),
    };

    private static int StatusInside(ErrorBody body) => body.CodeNumber is { } code and >= 400 and < 600 ? code : 500;

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
