using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Coach.Rag.Tests;

/// <summary>Keeps every line that is logged.</summary>
internal sealed class ListLogger : ILogger, ILoggerProvider
{
    private readonly ConcurrentQueue<string> _lines = new();

    public string Lines => string.Join('\n', _lines);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue($"{eventId.Id} {logLevel} {formatter(state, exception)}");

    public ILogger CreateLogger(string categoryName) => this;

    public void Dispose()
    {
    }
}

/// <summary>Keeps the tags of every measurement of one counter of Coach.Rag.</summary>
internal sealed class CounterLog : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<string> _tags = new();

    public CounterLog(string instrument)
    {
        _listener.InstrumentPublished = (published, listener) =>
        {
            if (published.Meter.Name == "Coach.Rag" && published.Name == instrument)
            {
                listener.EnableMeasurementEvents(published);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            var parts = new List<string>();
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                parts.Add($"{tag.Key}={tag.Value}");
            }

            _tags.Enqueue(string.Join(',', parts));
        });
        _listener.Start();
    }

    public string Tags => string.Join('\n', _tags);

    public void Dispose() => _listener.Dispose();
}
