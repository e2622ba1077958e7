using System.Net;
using Coach.Llm.Core;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace Coach.Llm.Keys;

/// <summary>
/// Asks about a key again where the host wishes it. Of the requests of the shared HTTP client these alone are repeated
/// below it: calls are repeated by their policy, which knows their keys and streams.
/// </summary>
internal static class KeyQuestionRetry
{
    /// <summary>The name of the handler, under which Polly's telemetry speaks of it.</summary>
    public const string HandlerName = "key-questions";

    private static readonly HttpRequestOptionsKey<bool> IsQuestion = new("coach.llm.key-question");

    /// <summary>Says that a request asks about a key.</summary>
    public static void Mark(HttpRequestMessage request) => request.Options.Set(IsQuestion, true);

    /// <summary>Adds the retries, if there are to be any.</summary>
    public static void Configure(
        ResiliencePipelineBuilder<HttpResponseMessage> pipeline, KeyRetryOptions options, TimeProvider time)
    {
        // Disposing the pipeline waits half a minute for calls that still run: of the machine's time where it times
        // nothing itself, because a test's clock may stand still.
        pipeline.TimeProvider = options.MaxRetryAttempts == 0 ? TimeProvider.System : time;
        if (options.MaxRetryAttempts == 0)
        {
            return;
        }

        pipeline.AddRetry(new HttpRetryStrategyOptions
        {
            MaxRetryAttempts = options.MaxRetryAttempts,
            Delay = options.Delay,
            MaxDelay = options.MaxDelay,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            ShouldHandle = arguments => ValueTask.FromResult(
                arguments.Context.GetRequestMessage() is { } request
                && request.Options.TryGetValue(IsQuestion, out bool isQuestion) && isQuestion
                && IsPassing(arguments.Outcome)
                && !(Hint(arguments.Outcome, time) > options.MaxDelay)),
            DelayGenerator = arguments => ValueTask.FromResult(Hint(arguments.Outcome, time)),
        });
    }

    private static bool IsPassing(Outcome<HttpResponseMessage> outcome) => outcome switch
    {
        { Exception: { } exception } => exception is HttpRequestException or IOException,
        { Result: { } response } => response.StatusCode
            is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError,
        _ => false,
    };

    private static TimeSpan? Hint(Outcome<HttpResponseMessage> outcome, TimeProvider time) =>
        outcome.Result?.Headers.NonValidated.TryGetValues("retry-after", out var values) == true
            ? RetryAfterParser.RetryAfter(values.ToString(), time.GetUtcNow())
            : null;
}
