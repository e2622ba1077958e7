namespace Coach.Llm;

/// <summary>Cartesia's failures: structured from version 2026-03-01 on, text before it; the status decides either way.</summary>
internal static class CartesiaErrors
{
    public static Judgement? Judge(int status, ErrorBody body) => body.Code switch
    {
        "concurrency_limited" => new(KeyStatus.RateLimited),
        "quota_exceeded" => new(KeyStatus.QuotaExhausted),
        _ => status switch
        {
            401 when body.Says("is required") => new(KeyStatus.Missing),
            403 when body.IsText => new(KeyStatus.Restricted),
            _ => null,
        },
    };
}
