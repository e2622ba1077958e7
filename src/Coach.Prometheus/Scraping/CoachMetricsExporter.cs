using System.Text;
using Coach.Prometheus.Collection;
using Coach.Prometheus.Exposition;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Coach.Prometheus.Scraping;

/// <summary>Writes the collected metrics of the SDK as one page, when a scrape asked for it.</summary>
/// <remarks>The SDK runs one collection at a time, so nothing here is locked.</remarks>
[ExportModes(ExportModes.Pull)]
internal sealed class CoachMetricsExporter : BaseExporter<Metric>, IPullMetricExporter
{
    // The first attempts only spin, each later one sleeps for a millisecond or longer.
    private const int FirstAttempts = 50;

    private readonly MetricsDiagnostics _diagnostics;
    private readonly CoachMetricsOptions _options;
    private readonly ExpositionWriter _writer;
    private readonly ChunkPool _chunks = new();
    // A pool a format: a page of the other format has other lines, and nothing of it could stay in place.
    private readonly TextExpositionPool _textPages = new();
    private readonly TextExpositionPool _openMetricsPages = new();
    private readonly List<Metric> _metrics = [];
    private Dictionary<Metric, MetricEntry> _entries = [];
    private MetricFamily[] _families = [];
    private IScrapeOutput? _output;
    private TargetInfo? _target;

    public CoachMetricsExporter(IOptions<CoachMetricsOptions> options, MetricsDiagnostics diagnostics)
    {
        _options = options.Value;
        _diagnostics = diagnostics;
        _writer = new ExpositionWriter(diagnostics, _options.Exemplars, _options.CreatedSamples);
    }

    /// <summary>Set by the reader.</summary>
    public Func<int, bool>? Collect { get; set; }

    /// <summary>An empty compressed page.</summary>
    public GzipExposition NewGzipExposition() => new(_chunks, _options.MaxPageBytes);

    /// <summary>Pages that wait to be written over.</summary>
    public int FreePages => _textPages.Free + _openMetricsPages.Free;

    /// <summary>Collects once and writes every page that is ordered before the collection ends.</summary>
    /// <exception cref="InvalidOperationException">
    /// There is no reader, or the collection did not reach this exporter.
    /// </exception>
    public void Render(IScrapeOutput output)
    {
        Func<int, bool> collect = Collect
            ?? throw new InvalidOperationException("The metrics exporter is not attached to a meter provider.");

        // Another collection may be ending just now: then the SDK lets us share its outcome, which has no page. A
        // thread that was interrupted there keeps it so until it runs again, hence the waiting.
        var wait = new SpinWait();
        int attempts = FirstAttempts + (int)(_options.ScrapeTimeout.TotalMilliseconds / 2);
        for (int attempt = 0; attempt < attempts; attempt++, wait.SpinOnce())
        {
            Volatile.Write(ref _output, output);
            _diagnostics.Collect(collect, (int)_options.ScrapeTimeout.TotalMilliseconds);
            if (Interlocked.CompareExchange(ref _output, null, output) != output)
            {
                return;
            }
        }

        throw new InvalidOperationException("The collection gave no page; the meter provider may have been shut down.");
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        // A pull exporter is also called for collections that others started (ForceFlush): those have no page.
        if (Interlocked.Exchange(ref _output, null) is not { } output)
        {
            return ExportResult.Success;
        }

        if (!IsKnown(in batch))
        {
            Arrange(in batch);
        }

        ExportResult result = ExportResult.Success;
        // Scrapes may join while a page is written; the loop ends when every format that is waited for exists.
        while (output.TryNext(out bool openMetrics, out Action<ReadOnlyMemory<byte>>? committed))
        {
            TextExposition page = (openMetrics ? _openMetricsPages : _textPages).Rent();
            try
            {
                Write(page, openMetrics, committed);
                output.Done(openMetrics, page);
            }
            catch (ExpositionTooLargeException exception)
            {
                output.Failed(openMetrics, exception);
                result = ExportResult.Failure;
            }
        }

        foreach (MetricFamily family in _families)
        {
            foreach (MetricEntry entry in family.Entries)
            {
                if (entry.HasOverflow)
                {
                    _diagnostics.Overflow(entry);
                }
            }
        }

        return result;
    }

    private void Write(TextExposition page, bool openMetrics, Action<ReadOnlyMemory<byte>>? committed)
    {
        page.Begin(_families.Length, _target is null ? [] : _target.Text(openMetrics));
        committed?.Invoke(page.Piece(0));
        for (int i = 0; i < _families.Length; i++)
        {
            FamilyBuffer block = page.Block(i);
            Write(_families[i], block, openMetrics);
            page.Add(block, _options.MaxPageBytes);
            committed?.Invoke(block.Memory);
        }

        ReadOnlyMemory<byte> end = page.End(openMetrics ? "# EOF\n"u8 : []);
        committed?.Invoke(end);
    }

    private void Write(MetricFamily family, FamilyBuffer block, bool openMetrics)
    {
        try
        {
            _writer.Write(family, block, openMetrics);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // One odd instrument must not cost the scrape: its family is left out, counted and logged.
            block.Clear();
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
        _target ??= _options.TargetInfo ? TargetInfo.Of(ParentProvider.GetResource()) : null;
        var entries = new Dictionary<Metric, MetricEntry>(ReferenceEqualityComparer.Instance);
        var families = new Dictionary<string, MetricFamily>(StringComparer.Ordinal);
        var taken = new HashSet<string>(_target is null ? [] : TargetInfo.Names, StringComparer.Ordinal);
        foreach (Metric metric in batch)
        {
            _metrics.Add(metric);
            bool isNew = !_entries.TryGetValue(metric, out MetricEntry? entry);
            entry ??= new MetricEntry(metric, _options);
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
            else if (entry.SampleNames.Any(taken.Contains))
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
                taken.UnionWith(entry.SampleNames);
            }
        }

        foreach (MetricFamily family in families.Values)
        {
            if (family.NameMeters(_options.ScopeLabels))
            {
                _diagnostics.MetersNamed(family);
            }

            family.Forget();
        }

        _entries = entries;
        // Sorted by name: the order of a page does not depend on the order in which instruments were made.
        _families = [.. families.Values.OrderBy(family => family.Name, StringComparer.Ordinal)];
    }
}

/// <summary>
/// What is to be written from one collection. Called on the collecting thread, inside the collection.
/// </summary>
internal interface IScrapeOutput
{
    /// <summary>The next format that is wanted; false when there is none, after which none follows.</summary>
    /// <param name="openMetrics">OpenMetrics or text.</param>
    /// <param name="committed">
    /// Takes each piece of the page as soon as it is final; null when nobody needs it early.
    /// </param>
    bool TryNext(out bool openMetrics, out Action<ReadOnlyMemory<byte>>? committed);

    /// <summary>The page of that format is written; the receiver owns it.</summary>
    void Done(bool openMetrics, ExpositionBuffer page);

    /// <summary>The page of that format could not be written.</summary>
    void Failed(bool openMetrics, Exception exception);
}

/// <summary>
/// The resource's attributes as <c>target_info</c> (specification/compatibility/prometheus_and_openmetrics.md,
/// "Resource Attributes"): an info in OpenMetrics, a gauge in text, which has no infos.
/// </summary>
internal sealed class TargetInfo
{
    /// <summary>The names that no instrument may take besides.</summary>
    public static readonly IReadOnlyList<string> Names = ["target", "target_info"];

    private readonly byte[] _text;
    private readonly byte[] _openMetrics;

    private TargetInfo(string labels)
    {
        const string Help = "Attributes of the resource that this page is about.";
        string sample = $"target_info{{{labels}}} 1\n";
        _text = Encoding.UTF8.GetBytes($"# HELP target_info {Help}\n# TYPE target_info gauge\n{sample}");
        _openMetrics = Encoding.UTF8.GetBytes($"# TYPE target info\n# HELP target {Help}\n{sample}");
    }

    /// <summary>Null for a resource without attributes.</summary>
    public static TargetInfo? Of(Resource resource)
    {
        string labels = SeriesPrefix.Labels(
            [
                .. resource.Attributes.Select(
                    attribute => new KeyValuePair<string, object?>(attribute.Key, attribute.Value)),
            ],
            []);
        return labels.Length == 0 ? null : new TargetInfo(labels);
    }

    public ReadOnlySpan<byte> Text(bool openMetrics) => openMetrics ? _openMetrics : _text;
}
