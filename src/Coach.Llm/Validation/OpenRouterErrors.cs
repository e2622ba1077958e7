namespace Coach.Llm;

/// <summary>OpenRouter's failures: the status (or <c>error.code</c> inside a 200) decides.</summary>
internal static class OpenRouterErrors
{
    public static Judgement? Judge(int status, ErrorBody body) => status switch
    {
        401 when body.Says("missing authentication") || body.Says("no auth credentials") || body.Says("no cookie auth") => new(KeyStatus.Missing),
        401 when body.Says("expired") => new(KeyStatus.Expired),
        403 when body.Says("flagged") => new(KeyStatus.WrongEndpoint, LlmError.RequestRejected), // moderation of what was sent
        403 when body.Says("limit exceeded") => new(KeyStatus.QuotaExhausted), // this key's cap; no code
        _ => body.CodeNumber is null ? OpenAIErrors.Judge(status, body) : null, // what a gateway passes through from behind it
    };
}
