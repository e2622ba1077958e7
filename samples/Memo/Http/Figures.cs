using System.Diagnostics.Metrics;

namespace Memo.Http;

/// <summary>What this host measures: for the metrics page, and for the alerts of the last minutes.</summary>
internal sealed class Figures : IDisposable
{
    public const string MeterName = "Memo";

    private const int Kept = 200;

    private readonly Meter _meter;
    private readonly Histogram<double> _duration;
    private readonly Lock _lock = new();
    private readonly Queue<(double Seconds, bool IsFailed)> _requests = new();

    public Figures(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        _duration = _meter.CreateHistogram<double>(
            "memo.evaluation.duration", "s", "Time from the start to the end of one evaluation, by outcome.");
    }

    public void Evaluated(TimeSpan duration, bool isFailed) =>
        _duration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("outcome", isFailed ? "failed" : "done"));

    public void Answered(TimeSpan duration, int status)
    {
        lock (_lock)
        {
            _requests.Enqueue((duration.TotalSeconds, status >= 500));
            if (_requests.Count > Kept)
            {
                _requests.Dequeue();
            }
        }
    }

    /// <summary>Of the last requests: the 95th percentile of their time in seconds, and the share that failed in
    /// percent.</summary>
    public (double Seconds, double ErrorPercent) Recent()
    {
        lock (_lock)
        {
            if (_requests.Count == 0)
            {
                return (0, 0);
            }

            double[] times = [.. _requests.Select(each => each.Seconds).Order()];
            return (
                times[(int)Math.Floor(.95 * (times.Length - 1))],
                100.0 * _requests.Count(each => each.IsFailed) / _requests.Count);
        }
    }

    public void Dispose() => _meter.Dispose();
}
