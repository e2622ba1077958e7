using System.Buffers;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Coach.Llm.Core;

/// <summary>Finds out how long a provider asks its callers to wait, in whichever form it says so.</summary>
internal static partial class RetryAfterParser
{
    /// <summary>
    /// Longer hints are taken as this one: nobody waits longer, and absurd numbers must not overflow.
    /// </summary>
    private static readonly TimeSpan Longest = TimeSpan.FromDays(31);

    private static readonly SearchValues<char> NumberChars = SearchValues.Create("0123456789.");

    // "Please retry in 34.07s." (Gemini), "try again in 6m0s" (OpenAI), "Try again in 5 seconds." (LiteLLM), "will
    // reset after 3h12m" (Gemini)
    [GeneratedRegex(@"\b(?:retry(?:\s+your\s+request)?\s+(?:in|after)|try\s+again\s+(?:in|after)|resets?\s+(?:in|after)|wait(?:\s+for)?)\s+(?:(?:about|approximately)\s+)?"
        + @"(?<time>\d[\d.]*\s?[a-z]+(?:\s?(?:,\s?|and\s)?\d[\d.]*\s?(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)(?![a-z]))*)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex InMessage();

    [GeneratedRegex(@"^\s*\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", RegexOptions.CultureInvariant)]
    private static partial Regex Rfc3339();

    /// <summary>
    /// Tries, in this order: <c>retry-after-ms</c>, <c>retry-after</c>, Google's RetryInfo, reset headers, the message.
    /// </summary>
    /// <returns>The wait, more than zero; null if nothing says how long. What makes no sense, zero and the past are as
    /// good as not said.</returns>
    public static TimeSpan? Find(ProviderAnswer answer, ErrorBody body, DateTimeOffset now) =>
        Milliseconds(answer.Header("retry-after-ms"))
        ?? RetryAfter(answer.Header("retry-after"), now)
        ?? Duration(body.RetryDelay)
        ?? Reset(answer, body, now)
        ?? (InMessage().Match(body.Message) is { Success: true } match ? Duration(match.Groups["time"].Value) : null);

    /// <summary>Seconds, also fractional, or an HTTP date (RFC 9110 §10.2.3).</summary>
    public static TimeSpan? RetryAfter(string? text, DateTimeOffset now)
    {
        // A proxy may repeat the header: the first value counts.
        if (Number(text?.Split(',')[0]) is { } seconds)
        {
            return Wait(seconds);
        }

        if (Rfc3339().IsMatch(text ?? ""))
        {
            return Rfc3339(text, now);
        }

        return DateTimeOffset.TryParseExact(text, ["r", "dddd, dd-MMM-yy HH:mm:ss 'GMT'", "ddd MMM d HH:mm:ss yyyy"],
            CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AllowWhiteSpaces,
            out DateTimeOffset date)
            ? Until(date, now)
            : null;
    }

    /// <summary><c>900ms</c>, <c>34.07s</c>, <c>6m0s</c>, <c>1h2m</c>, <c>5 seconds</c>.</summary>
    public static TimeSpan? Duration(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        double total = 0;
        ReadOnlySpan<char> rest = text.AsSpan().Trim();
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept(NumberChars);
            if (digits <= 0 || Number(rest[..digits].TrimEnd('.').ToString()) is not { } number)
            {
                return null;
            }

            rest = rest[digits..].TrimStart();
            int letters = 0;
            while (letters < rest.Length && char.IsAsciiLetter(rest[letters]))
            {
                letters++;
            }

            if (UnitInSeconds(rest[..letters]) is not { } unit)
            {
                return null;
            }

            total += number * unit;
            rest = rest[letters..].TrimStart(" ,.");
            rest = rest.StartsWith("and ", StringComparison.OrdinalIgnoreCase) ? rest[4..].TrimStart() : rest;
        }

        return Wait(total);
    }

    private static double? UnitInSeconds(ReadOnlySpan<char> unit)
    {
        Span<char> lower = stackalloc char[16];
        if (unit.Length > lower.Length)
        {
            return null;
        }

        return lower[..unit.ToLowerInvariant(lower)] switch
        {
            "ms" or "millisecond" or "milliseconds" => 0.001,
            "s" or "sec" or "secs" or "second" or "seconds" => 1,
            "m" or "min" or "mins" or "minute" or "minutes" => 60,
            "h" or "hr" or "hour" or "hours" => 3600,
            "d" or "day" or "days" => 86_400,
            _ => null,
        };
    }

    private static TimeSpan? Milliseconds(string? text) => Number(text) is { } value ? Wait(value / 1000) : null;

    // OpenAI: durations per kind; Anthropic: RFC 3339 per kind; OpenRouter: one epoch in milliseconds.
    private static TimeSpan? Reset(ProviderAnswer answer, ErrorBody body, DateTimeOffset now)
    {
        if ((Epoch(answer.Header("x-ratelimit-reset"), now) ?? Epoch(body.ResetEpoch, now)) is { } named)
        {
            return named;
        }

        if (body.Type is "requests" or "tokens" && Duration(answer.Header($"x-ratelimit-reset-{body.Type}")) is { } exact)
        {
            return exact;
        }

        TimeSpan? longest = null;
        TimeSpan? used = null;
        foreach (string kind in (ReadOnlySpan<string>)["requests", "tokens", "input-tokens", "output-tokens"])
        {
            Take(Duration(answer.Header($"x-ratelimit-reset-{kind}")), answer.Header($"x-ratelimit-remaining-{kind}"));
            Take(Rfc3339(answer.Header($"anthropic-ratelimit-{kind}-reset"), now), answer.Header($"anthropic-ratelimit-{kind}-remaining"));
        }

        return used ?? longest;

        void Take(TimeSpan? wait, string? remaining)
        {
            if (wait is not null)
            {
                longest = longest > wait ? longest : wait;
                used = remaining?.Trim() == "0" && !(used > wait) ? wait : used;
            }
        }
    }

    private static TimeSpan? Epoch(string? text, DateTimeOffset now)
    {
        if (Number(text) is not { } epoch)
        {
            return null;
        }

        // later than the year 5138 in seconds: milliseconds
        double seconds = epoch > 100_000_000_000 ? epoch / 1000 : epoch;
        return seconds switch
        {
            < 1_000_000_000 => Wait(seconds),
            < 10_000_000_000 => Until(DateTimeOffset.UnixEpoch.AddSeconds(seconds), now),
            _ => null,
        };
    }

    private static TimeSpan? Rfc3339(string? text, DateTimeOffset now) =>
        DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date)
            ? Until(date, now)
            : null;

    private static TimeSpan? Until(DateTimeOffset date, DateTimeOffset now) => Wait((date - now).TotalSeconds);

    private static double? Number(string? text) =>
        double.TryParse(
            text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite,
            CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? value
            : null;

    private static TimeSpan? Wait(double seconds)
    {
        if (seconds >= Longest.TotalSeconds)
        {
            return Longest;
        }

        long ticks = (long)(seconds * TimeSpan.TicksPerSecond);
        return ticks > 0 ? TimeSpan.FromTicks(ticks) : null;
    }
}
