using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using Microsoft.Extensions.Logging;

namespace Coach.Prometheus.Collection;

/// <summary>Why something is missing from the page. A closed set: it is a metric label.</summary>
internal enum ScrapeProblem
{
    Callback,
    TypeConflict,
    NameTaken,
    DuplicateSeries,
    NonFinite,
    Render,
    Overflow,
    InstrumentLimit,
}

/// <summary>The exporter's own metrics and log messages.</summary>
internal sealed class MetricsDiagnostics : IDisposable
{
    public const string MeterName = "Coach.Prometheus";

    // In the order of ScrapeProblem: a label from a closed set, without an allocation a count.
    private static readonly string[] ProblemNames =
    [
        "callback", "type_conflict", "name_taken", "duplicate_series", "non_finite", "render",
        "overflow", "instrument_limit",
    ];
    private static readonly string[] FormatNames = ["text", "openmetrics"];

    private static readonly double[] ScrapeSeconds =
        [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    // The event source serves the whole process; callbacks run on the thread that collects.
    [ThreadStatic]
    private static MetricsDiagnostics? _collecting;

    private readonly MeterSource _source;
    private readonly ILogger _logger;
    private readonly Counter<long> _problems;
    private readonly Counter<long> _scrapes;
    private readonly Counter<long> _errors;
    private readonly Histogram<double> _duration;
    private readonly SdkEvents _sdk;

    public MetricsDiagnostics(IMeterFactory? factory, ILogger<MetricsDiagnostics> logger)
    {
        _logger = logger;
        _source = new MeterSource(MeterName, factory);
        _problems = _source.Meter.CreateCounter<long>(
            "coach.metrics.problems",
            null,
            "Instruments, series or values that were left out of the metrics page or merged, by reason.");
        _scrapes = _source.Meter.CreateCounter<long>("coach.metrics.scrapes", null, "Metrics pages served, by format.");
        _errors = _source.Meter.CreateCounter<long>(
            "coach.metrics.scrape_errors", null, "Metrics pages that could not be served.");
        _duration = _source.Meter.CreateHistogram(
            "coach.metrics.scrape.duration", "s", "Time to collect and write one metrics page, by format.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = ScrapeSeconds });
        _sdk = new SdkEvents(this);
    }

    /// <summary>
    /// Makes every counter start at 0, so that the first problem is a visible rise. Called when the reader listens.
    /// </summary>
    public void Initialize()
    {
        foreach (string reason in ProblemNames)
        {
            _problems.Add(0, new KeyValuePair<string, object?>("reason", reason));
        }

        foreach (string format in FormatNames)
        {
            _scrapes.Add(0, new KeyValuePair<string, object?>("format", format));
        }

        _errors.Add(0);
    }

    /// <summary>Runs one collection; what its callbacks throw is counted here.</summary>
    public bool Collect(Func<int, bool> collect, int timeoutMilliseconds)
    {
        _collecting = this;
        try
        {
            return collect(timeoutMilliseconds);
        }
        finally
        {
            _collecting = null;
        }
    }

    public void Problem(ScrapeProblem problem) =>
        _problems.Add(1, new KeyValuePair<string, object?>("reason", ProblemNames[(int)problem]));

    public void Refused(ScrapeProblem problem, MetricEntry entry)
    {
        Problem(problem);
        _logger.InstrumentRefused(entry.Metric.Name, entry.Metric.MeterName, entry.Name, ProblemNames[(int)problem]);
    }

    /// <summary>
    /// Counted with each collection, so that an alert holds as long as it lasts; logged once.
    /// </summary>
    public void Overflow(MetricEntry entry)
    {
        Problem(ScrapeProblem.Overflow);
        if (!entry.IsOverflowTold)
        {
            entry.IsOverflowTold = true;
            _logger.LabelSetsOverflow(entry.Metric.Name, entry.Metric.MeterName);
        }
    }

    public void MetersNamed(MetricFamily family) => _logger.MetersShareAName(
        string.Join(", ", family.Entries.Select(entry => entry.Metric.MeterName).Distinct()), family.Name);

    public void RenderFailed(string family, Exception exception)
    {
        Problem(ScrapeProblem.Render);
        _logger.FamilyLeftOut(family, exception.GetType().Name);
    }

    public void Served(bool openMetrics, TimeSpan elapsed)
    {
        var format = new KeyValuePair<string, object?>("format", FormatNames[openMetrics ? 1 : 0]);
        _scrapes.Add(1, format);
        _duration.Record(elapsed.TotalSeconds, format);
    }

    public void Failed(string reason)
    {
        _errors.Add(1);
        _logger.ScrapeFailed(reason);
    }

    public void Dispose()
    {
        _sdk.Dispose();
        _source.Dispose();
    }

    private void Ignored(string instrument, string meter)
    {
        Problem(ScrapeProblem.InstrumentLimit);
        _logger.InstrumentIgnored(instrument, meter);
    }

    /// <summary>
    /// The SDK swallows what an observable callback throws, and instruments beyond the number that it takes; it tells
    /// only its own event source.
    /// </summary>
    private sealed class SdkEvents(MetricsDiagnostics owner) : EventListener
    {
        private readonly MetricsDiagnostics? _owner = owner;

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "OpenTelemetry-Sdk")
            {
                EnableEvents(eventSource, EventLevel.Warning);
            }
        }

        // May run before the constructor has: the base class announces existing sources.
        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.EventName == "ObservableInstrumentCallbackException" && ReferenceEquals(_collecting, _owner))
            {
                _owner?.Problem(ScrapeProblem.Callback);
            }

            // Views that drop an instrument are reported by the same event.
            if (eventData.EventName == "MetricInstrumentIgnored"
                && eventData.Payload is [string instrument, string meter, string reason, ..]
                && reason.StartsWith("Maximum allowed", StringComparison.Ordinal))
            {
                _owner?.Ignored(instrument, meter);
            }
        }
    }
}
