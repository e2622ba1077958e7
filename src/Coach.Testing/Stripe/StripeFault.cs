namespace Coach.Testing;

/// <summary>One scripted fault.</summary>
/// <param name="Kind">What goes wrong.</param>
public sealed record StripeFault(StripeFaultKind Kind)
{
    /// <summary>The HTTP status, where the kind has one.</summary>
    /// <value>500 unless set; <see cref="StripeFaultKind.Html"/> 502.</value>
    public int HttpStatus { get; init; } = 500;

    /// <summary>The error's <c>type</c>.</summary>
    /// <value><c>api_error</c> unless set.</value>
    public string ErrorType { get; init; } = "api_error";

    /// <summary>The error's <c>code</c>, or null.</summary>
    public string? Code { get; init; }

    /// <summary>The error's <c>message</c>.</summary>
    public string Message { get; init; } = "Something went wrong on Stripe's end.";

    /// <summary>The value of <c>Retry-After</c>, or null for none.</summary>
    public string? RetryAfter { get; init; }

    /// <summary>The value of <c>Stripe-Should-Retry</c>, or null for none.</summary>
    public bool? ShouldRetry { get; init; }

    /// <summary>How long <see cref="StripeFaultKind.Slow"/> takes, by the fake's clock.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>An error status before anything is done.</summary>
    /// <param name="httpStatus">400 to 599.</param>
    /// <returns>The fault.</returns>
    public static StripeFault Status(int httpStatus) => new(StripeFaultKind.Status)
    {
        HttpStatus = httpStatus,
        ErrorType = httpStatus >= 500 ? "api_error" : "invalid_request_error",
        Message = httpStatus >= 500 ? "Something went wrong on Stripe's end." : "The request was refused by script.",
    };

    /// <summary>429 with <c>code=rate_limit</c>.</summary>
    /// <param name="retryAfter">The value of <c>Retry-After</c>, or null for none.</param>
    /// <returns>The fault.</returns>
    public static StripeFault RateLimited(string? retryAfter = null) => new(StripeFaultKind.Status)
    {
        HttpStatus = 429,
        ErrorType = "invalid_request_error",
        Code = "rate_limit",
        Message = "Request rate limit exceeded.",
        RetryAfter = retryAfter,
    };

    /// <summary>429 <c>lock_timeout</c>, which Stripe asks to repeat.</summary>
    /// <returns>The fault.</returns>
    public static StripeFault LockTimeout() => RateLimited() with { Code = "lock_timeout", ShouldRetry = true };
}
