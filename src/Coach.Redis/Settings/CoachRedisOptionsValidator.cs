using System.Buffers;
using Coach.Abstractions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Coach.Redis.Settings;

internal sealed class CoachRedisOptionsValidator : IValidateOptions<CoachRedisOptions>
{
    private static readonly SearchValues<char> PrefixCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_:");

    public ValidateOptionsResult Validate(string? name, CoachRedisOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new OptionsCheck("Coach:Redis", name)
            .That(
                !string.IsNullOrWhiteSpace(options.ConnectionString),
                "ConnectionStrings:Redis is missing; set it, or Coach:Redis:ConnectionString.")
            .That(
                CanParse(options.ConnectionString),
                "ConnectionStrings:Redis cannot be read; write it like host:6379,password=…,ssl=true.")
            .That(
                options.KeyPrefix is { Length: > 0 and <= 50 }
                    && !options.KeyPrefix.AsSpan().ContainsAnyExcept(PrefixCharacters),
                "Coach:Redis:KeyPrefix must have 1 to 50 characters from A-Z, a-z, 0-9, '-', '_' and ':'.")
            .InRange(options.TimeLimit, TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(30))
            .InRange(options.FailuresBeforeBreak, 1, 100)
            .InRange(options.BreakDuration, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5))
            .InRange(options.EmbeddingLifetime, TimeSpan.FromMinutes(1), TimeSpan.FromDays(3_650))
            .That(
                Enum.IsDefined(options.RateLimitsWhenAway),
                "Coach:Redis:RateLimitsWhenAway must be FailClosed, FailOpen or FallBackToProcess.")
            .That(
                Enum.IsDefined(options.EndedSessionsWhenAway),
                "Coach:Redis:EndedSessionsWhenAway must be FailClosed, FailOpen or FallBackToProcess.")
            .Result();
    }

    // Not its message: that repeats the text, and with it the password.
    private static bool CanParse(string text)
    {
        try
        {
            return string.IsNullOrWhiteSpace(text) || ConfigurationOptions.Parse(text).EndPoints.Count > 0;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            return false;
        }
    }
}
