using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Coach.AspNetCore;

/// <summary>Writes the collected metrics of the SDK as one page, when a scrape asked for it.</summary>
/// <remarks>The SDK runs one collection at a time, so nothing here is locked.</remarks>
[ExportModes(ExportModes.Pull)]
internal sealed class CoachMetricsExporter : BaseExporter<Metric>, IPullMetricExporter
{
    private const int MaxAttempts = 64;

    private readonly MetricsDiagnostics _diagnostics;
    private readonly CoachMetricsOptions _options;
    private readonly string _prefix;
    private readonly ExpositionWriter _writer;
    private readonly ChunkPool _pool = new();
    private readonly List<Metric> _metrics = [];
    private Dictionary<Metric, MetricEntry> _entries = [];
    private MetricFamily[] _families = [];
    private PageRequest? _request;

    public CoachMetricsExporter(IOptions<CoachMetricsOptions> options, string prefix, MetricsDiagnostics diagnostics)
    {
        _options = options.Value;
        _prefix = prefix;
        _diagnostics = diagnostics;
        _writer = new ExpositionWriter(diagnostics, _options.Exemplars, _options.CreatedSamples);
    }

    /// <summary>Set by the reader.</summary>
    public Func<int, bool>? Collect { get; set; }

    /// <summary>An empty page on the same pool, for the compressed copy.</summary>
    public ScrapeBody NewBody() => new(_pool, _options.MaxPageBytes);

    /// <summary>Pieces that wait for the next page.</summary>
    public int FreeChunks => _pool.Free;

    /// <summary>Collects and renders.</summary>
    /// <param name="openMetrics">OpenMetrics or text.</param>
    /// <param name="committed">Takes each piece of the page as soon as it is final, on the collecting thread.</param>
    /// <exception cref="BodyTooLargeException">The page outgrew its limit.</exception>
    /// <exception cref="InvalidOperationException">There is no reader, or the collection gave no page.</exception>
    public ScrapeBody Render(bool openMetrics, Action<ReadOnlyMemory<byte>>? committed = null)
    {
        Func<int, bool> collect = Collect ?? throw new InvalidOperationException("The metrics exporter is not attached to a meter provider.");
        var request = new PageRequest(openMetrics, committed);

        // Somebody's ForceFlush may be collecting just now: then the SDK lets us share its outcome, which has no page.
        for (int attempt = 0; attempt < MaxAttempts && request.Body is null && request.Error is null; attempt++)
        {
            Volatile.Write(ref _request, request);
            _diagnostics.Collect(collect, (int)_options.ScrapeTimeout.TotalMilliseconds);
        }

        Interlocked.CompareExchange(ref _request, null, request);
        return request.Error is { } error ? throw error
            : request.Body ?? throw new InvalidOperationException("The collection gave no page; the meter provider may have been shut down.");
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        if (Interlocked.Exchange(ref _request, null) is not { } request)
        {
            return ExportResult.Success;
        }

        if (!IsKnown(in batch))
        {
            Arrange(in batch);
        }

        var body = new ScrapeBody(_pool, _options.MaxPageBytes, request.Committed);
        try
        {
            foreach (MetricFamily family in _families)
            {
                Write(family, body, request.OpenMetrics);
                body.Commit();
            }

            if (request.OpenMetrics)
            {
                body.Write("# EOF\n"u8);
            }

            body.Commit(isLast: true);
            request.Body = body;
            return ExportResult.Success;
        }
        catch (BodyTooLargeException exception)
        {
            body.Recycle();
            request.Error = exception;
            return ExportResult.Failure;
        }
    }

    private void Write(MetricFamily family, ScrapeBody body, bool openMetrics)
    {
        long start = body.Length;
        try
        {
            _writer.Write(family, body, openMetrics);
        }
        catch (Exception exception) when (exception is not BodyTooLargeException and not OutOfMemoryException)
        {
            // One odd instrument must not cost the scrape: its family is left out, counted and logged.
            body.Truncate(start);
            family.Forget();
            _diagnostics.RenderFailed(family.Name, exception);
        }
    }

    private bool IsKnown(in Batch<Metric> batch)
    {
        int i = 0;
        foreach (Metric metric in batch)
        {
            if (i >= _metrics.Count || !ReferenceEquals(_metrics[i], metric))
            {
                return false;
            }

            i++;
        }

        return i == _metrics.Count;
    }

    // Instruments came or went: group them into families anew.
    private void Arrange(in Batch<Metric> batch)
    {
        _metrics.Clear();
        var entries = new Dictionary<Metric, MetricEntry>(ReferenceEqualityComparer.Instance);
        var families = new Dictionary<string, MetricFamily>(StringComparer.Ordinal);
        var taken = new Dictionary<string, MetricFamily>(StringComparer.Ordinal);
        foreach (Metric metric in batch)
        {
            _metrics.Add(metric);
            bool isNew = !_entries.TryGetValue(metric, out MetricEntry? entry);
            entry ??= new MetricEntry(metric, _prefix, _options.ScopeLabels);
            entries.Add(metric, entry);
            if (families.TryGetValue(entry.Name, out MetricFamily? family))
            {
                if (family.Kind == entry.Kind)
                {
                    family.Entries.Add(entry);
                }
                else if (isNew)
                {
                    _diagnostics.Refused(ScrapeProblem.TypeConflict, entry);
                }
            }
            else if (entry.SampleNames.Any(taken.ContainsKey))
            {
                if (isNew)
                {
                    _diagnostics.Refused(ScrapeProblem.NameTaken, entry);
                }
            }
            else
            {
                family = new MetricFamily(entry);
                families.Add(entry.Name, family);
                foreach (string name in entry.SampleNames)
                {
                    taken[name] = family;
                }
            }
        }

        foreach (MetricFamily family in families.Values)
        {
            family.Forget();
        }

        _entries = entries;
        _families = [.. families.Values.OrderBy(family => family.Name, StringComparer.Ordinal)];
    }

    private sealed class PageRequest(bool openMetrics, Action<ReadOnlyMemory<byte>>? committed)
    {
        public bool OpenMetrics { get; } = openMetrics;

        /// <summary>Takes each piece of the page as soon as it is final.</summary>
        public Action<ReadOnlyMemory<byte>>? Committed { get; } = committed;

        public ScrapeBody? Body { get; set; }

        public Exception? Error { get; set; }
    }
}
