using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.TestKit;

/// <summary>What a test asks of the lines that were logged.</summary>
public static class TestLogs
{
    /// <summary>A collector of every line, disabled levels included.</summary>
    public static FakeLogCollector New() => FakeLogCollector.Create(new FakeLogCollectorOptions());

    /// <summary>Loggers of every level that write to it.</summary>
    public static ILoggerFactory Factory(this FakeLogCollector logs) =>
        LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(new FakeLoggerProvider(logs)));

    /// <summary>The messages, oldest first.</summary>
    public static string[] Messages(this FakeLogCollector logs)
    {
        ArgumentNullException.ThrowIfNull(logs);
        return [.. logs.GetSnapshot().Select(record => record.Message)];
    }

    /// <summary>Id, level and message of every line.</summary>
    public static string[] Lines(this FakeLogCollector logs)
    {
        ArgumentNullException.ThrowIfNull(logs);
        return [.. logs.GetSnapshot().Select(record => $"{record.Id.Id} {record.Level} {record.Message}")];
    }

    /// <summary>All that a sink gets to see of every line: for tests that search it for what must not be there.</summary>
    public static string[] Everything(this FakeLogCollector logs)
    {
        ArgumentNullException.ThrowIfNull(logs);
        return [.. logs.GetSnapshot().Select(Everything)];
    }

    private static string Everything(FakeLogRecord record)
    {
        string values = string.Join(' ', record.StructuredState?.Select(pair => $"{pair.Key}={pair.Value}") ?? []);
        string scopes = string.Join(' ', record.Scopes.Select(scope => Convert.ToString(scope, CultureInfo.InvariantCulture)));
        return $"{record.Level} {record.Id.Id} {record.Message} {values} {scopes} {record.Exception}";
    }
}
