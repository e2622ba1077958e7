using System.Diagnostics;
using System.Text.Json;

namespace Coach.Llm.Telemetry;

/// <summary>The span of one question whether a key is good. It holds neither the key nor its fingerprint.</summary>
internal static class KeyCheckSpan
{
    public const string Name = "check_key";

    public static Activity? Start(string provider)
    {
        Activity? span = LlmTelemetry.Source.StartActivity($"{Name} {provider}", ActivityKind.Client);
        return span?.SetTag(GenAINames.OperationName, Name).SetTag(GenAINames.ProviderName, provider);
    }

    /// <summary>A refused key is an answer; a provider that could not be asked is an error.</summary>
    public static void Answered(Activity? span, KeyValidation outcome)
    {
        if (span is null)
        {
            return;
        }

        string status = JsonNamingPolicy.SnakeCaseLower.ConvertName(outcome.Status.ToString());
        span.SetTag("coach.key.status", status);
        if (outcome.IsAuthentic is { } isAuthentic)
        {
            span.SetTag("coach.key.authentic", isAuthentic);
        }
        else
        {
            span.SetTag(GenAINames.ErrorType, status).SetStatus(ActivityStatusCode.Error);
        }
    }
}
