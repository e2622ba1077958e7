namespace Coach.Llm.Core;

/// <summary>What of a request a provider found too much.</summary>
internal enum SizeRefusal
{
    /// <summary>It did not speak of size.</summary>
    None,

    /// <summary>The number of inputs.</summary>
    Count,

    /// <summary>The tokens of all inputs together.</summary>
    Tokens,

    /// <summary>Its size, in a measure that is not told.</summary>
    Unknown,
}

/// <summary>Recognises refusals of size. They have hardly a code, and each server its own words.</summary>
internal static class SizeRefusals
{
    private static readonly string[] OfCount =
    [
        "batch size", "batch_size", "batch is", "too many inputs", "too many texts", "inputs at most", "at most", "array too long",
        "number of inputs", "number of texts", "number of items", "list should have", "maximum of", "one batch", "in a batch",
        "too many requests in",
    ];

    private static readonly string[] OfSize =
        ["too large", "too long", "too big", "exceeds", "exceeded the max", "maximum", "larger than", "payload"];

    /// <summary>Whether a failure is about the size of a request that holds several inputs.</summary>
    public static SizeRefusal Of(int status, ErrorBody body)
    {
        if (status is not (400 or 413 or 422))
        {
            return SizeRefusal.None;
        }

        // Tokens first: "the max allowed tokens per submitted batch" is no count.
        if (body.Code is "max_tokens_per_request" or "TOO_MANY_TOKENS_IN_BATCH" || body.Type == "max_tokens_per_request"
            || body.Says("token"))
        {
            return SizeRefusal.Tokens;
        }

        if (SaysAny(body, OfCount))
        {
            return SizeRefusal.Count;
        }

        return status == 413 || SaysAny(body, OfSize) ? SizeRefusal.Unknown : SizeRefusal.None;
    }

    private static bool SaysAny(ErrorBody body, string[] words) => Array.Exists(words, body.Says);
}
