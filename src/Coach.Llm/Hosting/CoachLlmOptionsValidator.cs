using Coach.Llm.Protocols.OpenAI;
using Microsoft.Extensions.Options;

namespace Coach.Llm.Hosting;

/// <summary>Reports every wrong setting of <c>Coach:Llm</c> at once.</summary>
internal sealed class CoachLlmOptionsValidator : IValidateOptions<CoachLlmOptions>
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HalfHour = TimeSpan.FromMinutes(30);

    public ValidateOptionsResult Validate(string? name, CoachLlmOptions options)
    {
        var check = new OptionsCheck("Coach:Llm", name);
        foreach (string problem in options.BindingProblems)
        {
            check.That(false, problem);
        }

        Providers(check, options);
        Sessions(check, options);
        Requests(check, options);
        return check
            .InRange(options.Temperature ?? 0, 0f, 2f, "options.Temperature")
            .InRange(options.MaxOutputTokens, 1, 1_000_000)
            .InRange(options.Validation.Timeout, Second, TimeSpan.FromMinutes(2))
            .InRange(options.Validation.CacheDuration, TimeSpan.Zero, TimeSpan.FromHours(1))
            .InRange(options.Validation.CacheCapacity, 1, 1_000_000)
            .InRange(options.Validation.MaxResponseBytes, 1024, 16 * 1024 * 1024)
            .InRange(options.Validation.Retry.MaxRetryAttempts, 0, 5)
            .InRange(options.Validation.Retry.Delay, TimeSpan.Zero, TimeSpan.FromSeconds(10))
            .InRange(options.Validation.Retry.MaxDelay, TimeSpan.Zero, TimeSpan.FromMinutes(1))
            .InRange(options.Limits.SessionCallsPerMinute, 0, 1_000_000)
            .InRange(options.Limits.SessionBurst, 1, 1_000_000)
            .InRange(options.Limits.KeyCallsPerMinute, 0, 1_000_000)
            .InRange(options.Limits.KeyBurst, 1, 1_000_000)
            .InRange(options.Limits.ConcurrentCallsPerSession, 0, 10_000)
            .InRange(options.Limits.QueuedCallsPerSession, 0, 10_000)
            .InRange(options.Fallback.FirstTokenTimeout ?? FallbackOptions.ShortestFirstToken,
                FallbackOptions.ShortestFirstToken, FallbackOptions.LongestFirstToken,
                "options.Fallback.FirstTokenTimeout")
            .InRange(options.Telemetry.MaxContentLength, 100, 1_000_000)
            .InRange(options.History.Turns, 0, 100)
            .InRange(options.History.MaxConversations, 1, 1_000_000)
            .InRange(options.History.MaxConversationsPerCaller, 1, 10_000)
            .InRange(options.History.MaxLength, 0, 10_000_000)
            .InRange(options.History.MaxMessages, 0, 10_000)
            .InRange(options.History.Lifetime, TimeSpan.FromMinutes(1), TimeSpan.FromDays(30))
            .InRange(options.Fallback.CoolDown, TimeSpan.Zero, FallbackOptions.LongestCoolDown)
            .InRange(options.ChatOrder.Count, 0, 64, "options.ChatOrder")
            .That(
                options.HostKeyRotations.Values.All(rotation => !string.IsNullOrWhiteSpace(rotation.PreviousSecret)),
                "Coach:Llm:HostKeyRotations names no PreviousSecret; name the secret with the key that is being replaced.")
            .That(!options.ChatOrder.Any(string.IsNullOrWhiteSpace), "Coach:Llm:ChatOrder holds an empty name; give provider names such as gemini.")
            .Result();
    }

    private static void Providers(OptionsCheck check, CoachLlmOptions options)
    {
        check.HttpUrl(options.Gemini.BaseUrl)
            .Present(options.Gemini.Model)
            .InRange(options.Gemini.EmbeddingDimensions, 128, 3072)
            .HttpUrl(options.OpenAI.BaseUrl)
            .InRange(options.OpenAI.EmbeddingDimensions ?? 1, 1, 8192, "options.OpenAI.EmbeddingDimensions")
            .HttpUrl(options.Anthropic.BaseUrl)
            .Present(options.Anthropic.Version)
            .HttpUrl(options.OpenRouter.BaseUrl)
            .InRange(options.OpenRouter.EmbeddingDimensions ?? 1, 1, 8192, "options.OpenRouter.EmbeddingDimensions")
            .InRange(
                options.OpenAICompatible.EmbeddingDimensions ?? 1, 1, 8192,
                "options.OpenAICompatible.EmbeddingDimensions")
            .HttpUrl(options.Cartesia.BaseUrl)
            .Present(options.Cartesia.Version);
        Protocol(check, "OpenAI", options.OpenAI);
        Protocol(check, "OpenRouter", options.OpenRouter);
        Protocol(check, "OpenAICompatible", options.OpenAICompatible);
        if (options.OpenAICompatible.BaseUrl is not null)
        {
            check.HttpUrl(options.OpenAICompatible.BaseUrl);
        }
    }

    private static void Protocol(OptionsCheck check, string provider, OpenAIOptions options) => check.That(
        string.IsNullOrEmpty(options.Protocol)
            || OpenAIProtocols.Is(options, OpenAIOptions.Responses)
            || OpenAIProtocols.Is(options, OpenAIOptions.ChatCompletions),
        $"Coach:Llm:{provider}:Protocol is {options.Protocol}; "
        + $"it must be {OpenAIOptions.Responses} or {OpenAIOptions.ChatCompletions}.");

    private static void Sessions(OptionsCheck check, CoachLlmOptions options) => check
        .InRange(options.Sessions.MaxSessions, 1, 1_000_000)
        .InRange(options.Sessions.SlidingExpiration, TimeSpan.FromSeconds(10), TimeSpan.FromDays(7))
        .InRange(options.Sessions.AbsoluteExpiration, TimeSpan.FromSeconds(10), TimeSpan.FromDays(30))
        .That(options.Sessions.AbsoluteExpiration >= options.Sessions.SlidingExpiration,
            $"Coach:Llm:Sessions:AbsoluteExpiration is {options.Sessions.AbsoluteExpiration}; "
            + $"it must not be below SlidingExpiration ({options.Sessions.SlidingExpiration}).")
        .InRange(options.Sessions.SweepInterval, Second, TimeSpan.FromHours(1))
        .InRange(options.Sessions.CreationTimeout, Second, TimeSpan.FromMinutes(10))
        .InRange(options.Sessions.ShutdownTimeout, TimeSpan.Zero, TimeSpan.FromMinutes(10))
        .InRange(options.Sessions.MaxKeysPerSession, 1, 64)
        .That(Enum.IsDefined(options.Sessions.WhenFull), "Coach:Llm:Sessions:WhenFull must be Reject or EvictIdle.");

    private static void Requests(OptionsCheck check, CoachLlmOptions options) => check
        .InRange(options.Requests.AttemptTimeout, Second, HalfHour)
        .InRange(options.Requests.TotalTimeout, Second, TimeSpan.FromHours(1))
        .That(options.Requests.TotalTimeout >= options.Requests.AttemptTimeout,
            $"Coach:Llm:Requests:TotalTimeout is {options.Requests.TotalTimeout}; "
            + $"it must not be below AttemptTimeout ({options.Requests.AttemptTimeout}).")
        .InRange(options.Requests.FirstTokenTimeout, Second, HalfHour)
        .InRange(options.Requests.IdleTimeout, Second, HalfHour)
        .InRange(options.Requests.ReasoningTimeout, Second, TimeSpan.FromHours(1))
        .InRange(options.Requests.StreamTimeout, Second, TimeSpan.FromDays(1))
        .InRange(options.Requests.MaxRetries, 0, 10)
        .InRange(options.Requests.RetryDelay, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1))
        .InRange(options.Requests.MaxRetryDelay, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10))
        .InRange(options.Requests.MaxResponseBytes, 1024, 1024 * 1024 * 1024)
        .InRange(options.Requests.MaxEventBytes, 1024, 256 * 1024 * 1024)
        .InRange(options.Requests.MaxMediaBytes, 1024, 256 * 1024 * 1024)
        .That(options.Requests.CircuitMinimumCalls is 0 or (>= 2 and <= 1000),
            $"Coach:Llm:Requests:CircuitMinimumCalls is {options.Requests.CircuitMinimumCalls}; it must be 0, or between 2 and 1000.")
        .InRange(options.Requests.CircuitFailureRatio, 0.01, 1)
        .InRange(options.Requests.CircuitBreak, Second, TimeSpan.FromHours(1));
}
