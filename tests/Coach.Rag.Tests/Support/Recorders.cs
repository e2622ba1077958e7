using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Coach.Rag.Tests;

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
