using System.Text;
using Coach.Llm.Core;

namespace Coach.Llm.Tests;

public class RetryAfterParserTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 8, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("retry-after-ms", "1500", 1.5)]
    [InlineData("retry-after-ms", "0.5", 0.0005)]
    [InlineData("retry-after", "19", 19)]
    [InlineData("retry-after", "1.25", 1.25)]
    [InlineData("retry-after", "Sat, 21 Nov 2026 08:01:30 GMT", 90)]
    [InlineData("retry-after", "Saturday, 21-Nov-26 08:01:30 GMT", 90)]
    [InlineData("retry-after", "Sat Nov 21 08:01:30 2026", 90)]
    [InlineData("retry-after", "99999999999999999999", 2678400)]
    [InlineData("retry-after", "7, 7", 7)]
    [InlineData("retry-after", "2026-11-21T08:01:30Z", 90)]
    [InlineData("retry-after", "2026-11-21T09:01:30+01:00", 90)]
    [InlineData("retry-after", " 3 ", 3)]
    [InlineData("x-ratelimit-reset", "1795248060000", 60)]
    [InlineData("x-ratelimit-reset", "1795248060", 60)]
    [InlineData("x-ratelimit-reset", "30", 30)]
    [InlineData("x-ratelimit-reset-requests", "6m0s", 360)]
    [InlineData("x-ratelimit-reset-tokens", "120ms", 0.12)]
    [InlineData("anthropic-ratelimit-requests-reset", "2026-11-21T08:01:00Z", 60)]
    public void Find_Header_IsUnderstood(string name, string value, double seconds) =>
        Assert.Equal(TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond)), Find("{}", (name, value)));

    [Theory]
    [InlineData("retry-after", "-1")]
    [InlineData("retry-after", "soon")]
    [InlineData("retry-after", "NaN")]
    [InlineData("retry-after", "Infinity")]
    [InlineData("retry-after", "")]
    [InlineData("retry-after-ms", "1e3")]
    [InlineData("x-ratelimit-reset-requests", "6x")]
    [InlineData("retry-after-ms", "0")]
    [InlineData("retry-after-ms", "0.00001")]
    [InlineData("retry-after", "0")]
    [InlineData("retry-after", "0.0")]
    [InlineData("retry-after", "Sat, 21 Nov 2026 07:00:00 GMT")]
    [InlineData("retry-after", "Sat, 21 Nov 2026 08:00:00 GMT")]
    [InlineData("retry-after", "2026-11-21T07:59:59Z")]
    [InlineData("x-ratelimit-reset", "0")]
    [InlineData("x-ratelimit-reset", "1795240000")]
    [InlineData("x-ratelimit-reset-requests", "0s")]
    [InlineData("anthropic-ratelimit-requests-reset", "2026-11-21T07:00:00Z")]
    public void Find_HeaderMakesNoSense_IsIgnored(string name, string value) => Assert.Null(Find("{}", (name, value)));

    [Theory]
    [InlineData("Please retry in 34.074824224s.", 34.0748242)]
    [InlineData("Please retry in 900.2ms.", 0.9002)]
    [InlineData("Please try again in 18.642s. Visit https://x", 18.642)]
    [InlineData("please Try Again in 6m0s.", 360)]
    [InlineData("Try again in 1h2m3s", 3723)]
    [InlineData("No deployments available. Try again in 5 seconds.", 5)]
    [InlineData("retry after 2 minutes", 120)]
    [InlineData("Please try again in 1m30s", 90)]
    [InlineData("Please try again in 1 minute and 30 seconds.", 90)]
    [InlineData("Try again in 1 minute, 30 seconds", 90)]
    [InlineData("Please try again in 1m26.4s. Need more?", 86.4)]
    [InlineData("Please wait 20 seconds and ask again.", 20)]
    [InlineData("Please wait for 2 min", 120)]
    [InlineData("Retry your request after 8 seconds.", 8)]
    [InlineData("Your quota will reset after 3h12m.", 11520)]
    [InlineData("Try again in about 4s", 4)]
    public void Find_Message_IsTheLastResort(string message, double seconds) =>
        Assert.Equal(TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond)), Find($$$"""{"error":{"message":"{{{message}}}"}}"""));

    [Theory]
    [InlineData("Limit 30000, Used 14567, Requested 24754.")]
    [InlineData("Please retry later.")]
    [InlineData("retry in a moment")]
    [InlineData("retry in 5 lightyears")]
    [InlineData("Please retry in 0s.")]
    public void Find_MessageWithoutATime_GivesNone(string message) => Assert.Null(Find($$$"""{"error":{"message":"{{{message}}}"}}"""));

    [Theory]
    [InlineData("""{"error":{"metadata":{"headers":{"X-RateLimit-Reset":"1795248060000"}}}}""", 60.0)]
    [InlineData("""{"error":{"metadata":{"retry_after_seconds":7.5}}}""", 7.5)]
    [InlineData("""{"error":{"metadata":{"raw":"try again in 9s"},"message":"Provider returned error"}}""", null)]
    [InlineData("""[{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"0.25s"}]}}]""", 0.25)]
    [InlineData("""{"error":{"details":[{"retryDelay":{"seconds":"12","nanos":500}}]}}""", 12.0)]
    [InlineData("""{"error":{"details":[{"retryDelay":"0s"}]}}""", null)]
    [InlineData("""{"error":{"message":"Please retry in 5s.","details":[{"retryDelay":"0s"}]}}""", 5.0)]
    public void Find_WithinTheBody_IsUnderstood(string body, double? seconds) => Assert.Equal(seconds, Find(body)?.TotalSeconds);

    [Fact]
    public void Find_SeveralForms_TakesTheMostExact()
    {
        const string Body = """{"error":{"message":"Please retry in 5s.","details":[{"retryDelay":"4s"}]}}""";
        (string, string)[] all = [("retry-after-ms", "1000"), ("retry-after", "2"), ("x-ratelimit-reset-requests", "3s")];

        Assert.Equal(1, Find(Body, all)?.TotalSeconds);
        Assert.Equal(2, Find(Body, all[1..])?.TotalSeconds);
        Assert.Equal(4, Find(Body, all[2..])?.TotalSeconds);
        Assert.Equal(3, Find("""{"error":{"message":"Please retry in 5s."}}""", all[2..])?.TotalSeconds);
        Assert.Equal(5, Find("""{"error":{"message":"Please retry in 5s."}}""")?.TotalSeconds);
    }

    [Fact]
    public void Find_AFormSaysZero_TheNextOneCounts()
    {
        const string Body = """{"error":{"message":"Please retry in 5s.","details":[{"retryDelay":"4s"}]}}""";

        Assert.Equal(9, Find(Body, ("retry-after-ms", "0"), ("retry-after", "9"))?.TotalSeconds);
        Assert.Equal(4, Find(Body, ("retry-after-ms", "0"), ("retry-after", "0"))?.TotalSeconds);
        Assert.Equal(3, Find("{}", ("x-ratelimit-reset", "0"), ("x-ratelimit-reset-requests", "3s"))?.TotalSeconds);
        Assert.Equal(3, Find("""{"error":{"type":"tokens"}}""", ("x-ratelimit-reset-tokens", "0s"), ("x-ratelimit-reset-requests", "3s"))?.TotalSeconds);
    }

    [Fact]
    public void Find_SeveralResetHeaders_TakesTheOneThatIsUsedUp()
    {
        (string, string)[] headers =
        [
            ("anthropic-ratelimit-requests-reset", "2026-11-21T08:10:00Z"), ("anthropic-ratelimit-requests-remaining", "40"),
            ("anthropic-ratelimit-input-tokens-reset", "2026-11-21T08:00:42Z"), ("anthropic-ratelimit-input-tokens-remaining", "0"),
        ];

        Assert.Equal(42, Find("{}", headers)?.TotalSeconds);
        Assert.Equal(600, Find("{}", headers[0], headers[2])?.TotalSeconds);
    }

    [Fact]
    public void Find_OpenAINamesTheKind_TakesThatKindsReset() => Assert.Equal(18.642,
        Find("""{"error":{"type":"tokens"}}""", ("x-ratelimit-reset-requests", "120ms"), ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-tokens", "18.642s"))?.TotalSeconds);

    private static TimeSpan? Find(string body, params (string Name, string Value)[] headers)
    {
        using var response = new HttpResponseMessage();
        foreach ((string name, string value) in headers)
        {
            response.Headers.TryAddWithoutValidation(name, value);
        }

        byte[] bytes = Encoding.UTF8.GetBytes(body);
        return RetryAfterParser.Find(new ProviderAnswer(429, response.Headers, null, bytes, false), ErrorBody.Parse(bytes), Now);
    }
}
