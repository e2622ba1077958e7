using System.Text.Json;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Coach.AspNetCore.Tests;

public sealed class JsonLineFormatterTests
{
    [Fact]
    public void Write_AMessageWithScope_IsOneLineOfJson()
    {
        var scopes = new LoggerExternalScopeProvider();
        using IDisposable scope = scopes.Push(new Dictionary<string, object?> { ["request_id"] = "r1", ["Count"] = "hidden" });
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
        string line = Format("Sent {Value} twice", new InvalidOperationException($"refused {key}"), new LoggerExternalScopeProvider(), $"x{' '}{key};");
        Assert.DoesNotContain(key, line, StringComparison.Ordinal);
        Assert.Contains("x ***;", JsonDocument.Parse(line).RootElement.GetProperty("Value").GetString(), StringComparison.Ordinal);
        Assert.Contains("refused ***", JsonDocument.Parse(line).RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer ***")]
    [InlineData("GET /v1beta/models?key=abcdefghijklmnop&x=1", "GET /v1beta/models?key=***&x=1")]
    [InlineData("the task took 3 s and asked for a task-id", "the task took 3 s and asked for a task-id")]
    [InlineData("disk-usage is high, risk-free", "disk-usage is high, risk-free")]
    public void Redact_OtherText_KeepsWhatIsNoKey(string text, string expected) => Assert.Equal(expected, KeyRedaction.Redact(text));

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
        Assert.Equal("coach-json", provider.GetRequiredService<Microsoft.Extensions.Options.IOptions<ConsoleLoggerOptions>>().Value.FormatterName);
    }

    private static string Format(string template, Exception? exception, IExternalScopeProvider scopes, params object?[] values)
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

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Entry = new LogEntry<object?>(logLevel, "Test", eventId, state, exception, (s, e) => formatter((TState)s!, e));
    }
}
