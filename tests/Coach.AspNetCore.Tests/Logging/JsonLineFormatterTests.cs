using System.Text.Json;
using Coach.AspNetCore.Logging;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Coach.AspNetCore.Tests.Logging;

public sealed class JsonLineFormatterTests
{
    [Fact]
    public void Write_AMessageWithScope_IsOneLineOfJson()
    {
        var scopes = new LoggerExternalScopeProvider();
        using IDisposable scope = scopes.Push(
            new Dictionary<string, object?> { ["request_id"] = "r1", ["Count"] = "hidden" });
        string line = Format("Saw {Count} things in {Place}", null, scopes, 3, "a \"b\"\nc");
        Assert.Equal(
            "{\"ts\":\"2026-01-01T00:00:00.000Z\",\"level\":\"warning\",\"event\":42,\"category\":\"Test\",\"message\":\"Saw 3 things in a \\\"b\\\"\\nc\","
            + "\"Count\":3,\"Place\":\"a \\\"b\\\"\\nc\",\"request_id\":\"r1\"}\n",
            line);
    }

    [Theory]
    [InlineData("AIzaSyD-1234567890abcdefghijklmnopqrstuv")]
    [InlineData("sk-proj-abcdefghijklmnopqrstuvwx")]
    [InlineData("sk-" + "ant-" + "api03-abcdefghijklmnop")]
    [InlineData("sk-or-v1-abcdefghijklmnopqrstuvwx")]
    [InlineData("sk_live_abcdefghijklmnopqrstuvwx")]
    [InlineData("sk_test_abcdefghijklmnopqrstuvwx")]
    [InlineData("rk_live_abcdefghijklmnopqrstuvwx")]
    [InlineData("whsec_abcdefghijklmnopqrstuvwx")]
    public void Write_AKeyOfKnownShape_IsMaskedEverywhere(string key)
    {
        string line = Format(
            "Sent {Value} twice",
            new InvalidOperationException($"refused {key}"),
            new LoggerExternalScopeProvider(),
            $"x{' '}{key};");
        Assert.DoesNotContain(key, line, StringComparison.Ordinal);
        Assert.Contains(
            "x ***;", JsonDocument.Parse(line).RootElement.GetProperty("Value").GetString(), StringComparison.Ordinal);
        Assert.Contains(
            "refused ***",
            JsonDocument.Parse(line).RootElement.GetProperty("error").GetString(),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("key_{0}")]
    [InlineData("x\\n{0}")]
    [InlineData("Bearer%20{0}")]
    [InlineData("\\u0022{0}\\u0022")]
    [InlineData("before{0}")]
    [InlineData("Content{0}")]
    [InlineData("/v1/{0}/models")]
    [InlineData("x-goog-api-key: {0}")]
    [InlineData("\"x-api-key\":\"{0}\"")]
    public void Redact_AKeyRightAfterOtherText_IsMasked(string text)
    {
        foreach (string key in new[]
        {
            "sk_live_51AbCdEfGhIjKlMnOpQrStUv", "rk_test_51AbCdEfGhIjKlMnOpQrStUv", "whsec_51AbCdEfGhIjKlMnOpQrStUv", "sk-proj-ab1cdefghijklmnopqrstuvwx",
            "sk-ant-api03-abcdefghijklmnop", "sk-or-v1-abcdefghijklmnopqrstuvwx", "sk-svcacct-abcdefghijklmnopqrst", "AIzaSyD-1234567890abcdefghijklmnopqrstuv",
        })
        {
            string written = text.Replace("{0}", key, StringComparison.Ordinal);
            Assert.DoesNotContain(key[8..], KeyRedactor.Redact(written), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("x-goog-api-key: AQ.Ab8RN6abcdefghijklmnopqrstuvwx", "x-goog-api-key: ***")]
    [InlineData("sent AQ.Ab8RN6abcdefghijklmnopqrstuvwx there", "sent *** there")]
    [InlineData("api-key=abcdefghijklmnop&x", "api-key=***&x")]
    [InlineData("my_sk-abcdefghijklmnopqrstuvwx", "my_***")]
    [InlineData("x\\nsk-abcdefghijklmnopqrstuvwx", "x\\n***")]
    [InlineData("q=%20sk-abcdefghijklmnopqrstuvwx", "q=%20***")]
    public void Redact_AKeyThatIsEncodedOrNamed_IsMasked(string text, string expected) =>
        Assert.Equal(expected, KeyRedactor.Redact(text));

    [Fact]
    public void Write_AKeyInAPropertysName_IsMasked()
    {
        const string Key = "sk-proj-abcdefghijklmnopqrstuvwx";
        var scopes = new LoggerExternalScopeProvider();
        using IDisposable scope = scopes.Push(new Dictionary<string, object?> { [Key] = 1, ["seen " + Key] = 2 });
        string line = Format("{Text}", null, scopes, "x");
        Assert.DoesNotContain(Key, line, StringComparison.Ordinal);
        Assert.Equal(2, JsonDocument.Parse(line).RootElement.GetProperty("seen ***").GetInt32());
    }

    [Theory]
    [InlineData("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer ***")]
    [InlineData("GET /v1beta/models?key=abcdefghijklmnop&x=1", "GET /v1beta/models?key=***&x=1")]
    [InlineData("the task took 3 s and asked for a task-id", "the task took 3 s and asked for a task-id")]
    [InlineData("disk-usage is high, risk-free", "disk-usage is high, risk-free")]
    [InlineData("task-force-on-everything-that-is-long", "task-force-on-everything-that-is-long")]
    [InlineData("disk-usage-of-the-whole-machine-2026", "disk-usage-of-the-whole-machine-2026")]
    [InlineData("task-or-ticket-number-mismatch-12345", "task-or-ticket-number-mismatch-12345")]
    [InlineData(
        "risk_test_automation and network_test_environment", "risk_test_automation and network_test_environment")]
    [InlineData("FAQ.this-is-a-long-anchor-of-a-page", "FAQ.this-is-a-long-anchor-of-a-page")]
    [InlineData("the x-api-key header is missing: send it", "the x-api-key header is missing: send it")]
    public void Redact_OtherText_KeepsWhatIsNoKey(string text, string expected) =>
        Assert.Equal(expected, KeyRedactor.Redact(text));

    [Fact]
    public void Write_ALongText_IsCut()
    {
        string line = Format("{Text}", null, new LoggerExternalScopeProvider(), new string('x', 1_000_000));
        Assert.InRange(line.Length, 4000, 4500);
    }

    [Theory]
    [InlineData("line\r\nfeeds\t\0 and \u001b[31mcolours")]
    [InlineData("\u2028 \u2029 \u0085 \u009b")]
    [InlineData("half a pair \ud83d here, \udc00 there")]
    [InlineData("\",\"level\":\"info\",\"x\":\"")]
    public void Write_AHostileText_IsStillOneLineOfJsonWithoutControls(string text)
    {
        var scopes = new LoggerExternalScopeProvider();
        using IDisposable scope = scopes.Push(new Dictionary<string, object?> { [text] = text, ["level"] = "forged" });
        string line = Format("{Value}", new InvalidOperationException(text), scopes, text);
        Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal));
        Assert.DoesNotContain(line[..^1], char.IsControl);
        using JsonDocument json = JsonDocument.Parse(line);
        Assert.Equal("warning", json.RootElement.GetProperty("level").GetString());
    }

    [Fact]
    public void Write_ATextThatIsCutInsideASurrogatePair_IsValid()
    {
        string line = Format("{Text}", null, new LoggerExternalScopeProvider(), new string('x', 1999) + "\ud83d\ude00");
        using JsonDocument json = JsonDocument.Parse(line);
        Assert.EndsWith("…", json.RootElement.GetProperty("Text").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void AddCoachJsonConsole_ChoosesTheFormatter()
    {
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.AddCoachJsonConsole());
        using ServiceProvider provider = services.BuildServiceProvider();
        Assert.Contains(provider.GetServices<ConsoleFormatter>(), formatter => formatter.Name == "coach-json");
        Assert.Equal(
            "coach-json",
            provider.GetRequiredService<Microsoft.Extensions.Options.IOptions<ConsoleLoggerOptions>>().Value.FormatterName);
    }

    private static string Format(
        string template, Exception? exception, IExternalScopeProvider scopes, params object?[] values)
    {
        var capture = new Capture();
        capture.Log(LogLevel.Warning, new EventId(42), exception, template, values);
        using var writer = new StringWriter();
        new JsonLineFormatter(new VirtualClock()).Write(capture.Entry!.Value, scopes, writer);
        return writer.ToString();
    }

    private sealed class Capture : ILogger
    {
        public LogEntry<object?>? Entry { get; private set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            Entry = new LogEntry<object?>(
                logLevel, "Test", eventId, state, exception, (s, e) => formatter((TState)s!, e));
    }
}
