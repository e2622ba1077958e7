using Coach.Llm.Core;

namespace Coach.Llm.Tests;

/// <summary>Failures as a provider's protocol reports them.</summary>
internal static class Failures
{
    public static LlmException Unavailable(TimeSpan? retryAfter = null) => Of(KeyStatus.Unavailable, LlmError.Unavailable, 503, retryAfter);

    public static LlmException RateLimited(TimeSpan? retryAfter = null) => Of(KeyStatus.RateLimited, LlmError.RateLimited, 429, retryAfter);

    public static LlmException QuotaExhausted() => Of(KeyStatus.QuotaExhausted, LlmError.QuotaExhausted, 429, null);

    public static LlmException KeyInvalid() => Of(KeyStatus.Invalid, LlmError.KeyInvalid, 401, null);

    public static LlmException Rejected() => Of(KeyStatus.WrongEndpoint, LlmError.RequestRejected, 400, null);

    public static LlmException Of(KeyStatus status, LlmError error, int httpStatus, TimeSpan? retryAfter) => LlmException.FromAnswer(
        "gemini",
        new ErrorClassification(status, error)
        {
            HttpStatus = httpStatus,
            Message = $"test: {error}",
            RetryAfter = retryAfter,
            IsTransient = error is LlmError.Unavailable or LlmError.RateLimited,
        });
}
