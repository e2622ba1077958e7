using Coach.Llm.Core;
using Coach.Llm.Providers;

namespace Coach.Llm.Protocols.Cartesia;

/// <summary>Cartesia (speech).</summary>
internal sealed class CartesiaProvider(CartesiaOptions options) : Provider(ProviderNames.Cartesia, "Cartesia")
{
    public override string SecretName => "CARTESIA_API_KEY";

    public override IReadOnlyList<string> KeyPrefixes => ["sk_car_"];

    public override IReadOnlyList<string> AdminKeyPrefixes => ["sk_car_admin_"];

    public override KeyValidationRequest KeyRequest => new(
        ProviderAddress.Unversioned(
            options.BaseUrl, "voices?limit=1"), Sign, KeyValidationRequest.Listing("data", allowRootArray: true));

    public override SpeechProtocol CreateSpeech() => new CartesiaSpeechProtocol(options);

    public override bool IsOwnError(ErrorBody body) => body.IsComplete && body.HasTitle;

    /// <summary>Structured from version 2026-03-01 on, text before it; the status decides either way.</summary>
    public override ErrorClassification? Classify(int status, ErrorBody body) => body.Code switch
    {
        "concurrency_limited" => new(KeyStatus.RateLimited),
        "quota_exceeded" => new(KeyStatus.QuotaExhausted),
        _ => ByStatus(status, body),
    };

    private static ErrorClassification? ByStatus(int status, ErrorBody body) => status switch
    {
        401 when body.Says("is required") => new(KeyStatus.Missing),
        403 when body.IsText => new(KeyStatus.Restricted),
        _ => null,
    };

    private void Sign(HttpRequestMessage request, string key)
    {
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + key);
        request.Headers.TryAddWithoutValidation("Cartesia-Version", options.Version);
    }
}
