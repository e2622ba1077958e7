using System.Collections.Frozen;
using System.Text;
using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Collection;

/// <summary>One instrument's metric with its name, kind and encoded lines.</summary>
internal sealed class MetricEntry
{
    // dotnet/runtime#126167: declared as counters, but they go down.
    private static readonly FrozenSet<string> MistypedGauges =
        FrozenSet.Create(
            StringComparer.Ordinal, "dotnet.thread_pool.thread.count", "dotnet.thread_pool.queue.length");

    private readonly KeyValuePair<string, string>[] _meter;

    public MetricEntry(Metric metric, CoachMetricsOptions options)
    {
        Metric = metric;
        Kind = metric.MetricType switch
        {
            MetricType.LongSum or MetricType.DoubleSum =>
                metric.MeterName == "System.Runtime" && MistypedGauges.Contains(metric.Name)
                ? MetricKind.Gauge
                : MetricKind.Counter,
            MetricType.Histogram or MetricType.ExponentialHistogram => MetricKind.Histogram,
            _ => MetricKind.Gauge,
        };
        (Name, Unit) = MetricNames.Family(
            metric.Name, metric.Unit, Kind == MetricKind.Counter, metric.MeterName, options.Prefixes);
        _meter =
        [
            new("otel_scope_name", metric.MeterName), new("otel_scope_version", metric.MeterVersion ?? ""),
            new("otel_scope_schema_url", metric.MeterSchemaUrl ?? ""),
            .. (metric.MeterTags ?? []).Select(tag => new KeyValuePair<string, string>(
                MetricNames.Label("otel_scope_" + tag.Key), SeriesPrefix.Value(tag.Value))),
        ];
        Meter = SeriesPrefix.Labels([], _meter);
        Series = new SeriesPrefix(Name, Kind, null, Scope);
    }

    public Metric Metric { get; }

    public MetricKind Kind { get; }

    public string Name { get; }

    public string Unit { get; }

    public bool IsExponential => Metric.MetricType == MetricType.ExponentialHistogram;

    /// <summary>The meter as label text: name, version, schema URL and tags.</summary>
    public string Meter { get; }

    /// <summary>What the samples say of their meter.</summary>
    public KeyValuePair<string, string>[] Scope { get; private set; } = [];

    /// <summary>
    /// Whether the SDK added measurements up in one series because there were more label sets than it keeps.
    /// </summary>
    public bool HasOverflow { get; set; }

    /// <summary>Whether that was told.</summary>
    public bool IsOverflowTold { get; set; }

    public SeriesPrefix Series { get; private set; }

    /// <summary>Every name that a sample of this family may have.</summary>
    public IEnumerable<string> SampleNames => Kind switch
    {
        MetricKind.Counter => [Name, Name + "_total", Name + "_created"],
        MetricKind.Histogram => [Name, Name + "_bucket", Name + "_sum", Name + "_count", Name + "_created"],
        _ => [Name],
    };

    /// <summary>
    /// Names the meter on each sample from now on, for as long as the metric lives: labels that come and go with a
    /// second meter would be other series each time.
    /// </summary>
    /// <param name="isWhole">Its version, schema URL and tags, too.</param>
    /// <returns>Whether that is new.</returns>
    public bool NameMeter(bool isWhole)
    {
        int labels = isWhole ? _meter.Length : 1;
        if (Scope.Length >= labels)
        {
            return false;
        }

        Scope = _meter[..labels];
        Series = new SeriesPrefix(Name, Kind, Series.Bounds, Scope);
        return true;
    }

    /// <summary>Takes the bucket bounds over, which are known only once there is a point.</summary>
    public void UseBounds(double[] bounds) => Series = new SeriesPrefix(Name, Kind, bounds, Scope);
}

/// <summary>All metrics that share one name, with the block's first lines in both formats.</summary>
internal sealed class MetricFamily
{
    private const int MaxHelpCharacters = 1000;

    public MetricFamily(MetricEntry first)
    {
        Entries.Add(first);
        Kind = first.Kind;
        Name = first.Name;
        string help = Clean(first.Metric.Description is { Length: > 0 } text
            ? text
            : $"Instrument {first.Metric.Name} of meter {first.Metric.MeterName}.");
        string type = first.Kind switch
        {
            MetricKind.Counter => "counter",
            MetricKind.Histogram => "histogram",
            _ => "gauge",
        };
        string textName = first.Kind == MetricKind.Counter ? first.Name + "_total" : first.Name;
        // Both heads are encoded once a family; a page only copies them.
        TextHead = Encoding.UTF8.GetBytes(
            $"# HELP {textName} {Escaped(help, quotes: false)}\n# TYPE {textName} {type}\n");
        string unit = first.Unit.Length > 0 ? $"# UNIT {first.Name} {first.Unit}\n" : "";
        OpenMetricsHead = Encoding.UTF8.GetBytes(
            $"# TYPE {first.Name} {type}\n{unit}# HELP {first.Name} {Escaped(help, quotes: true)}\n");
    }

    public List<MetricEntry> Entries { get; } = [];

    public MetricKind Kind { get; }

    public string Name { get; }

    public byte[] TextHead { get; }

    public byte[] OpenMetricsHead { get; }

    /// <summary>The label texts seen so far: two points with one text would be a duplicate series.</summary>
    public HashSet<string> Seen { get; } = new(StringComparer.Ordinal);

    /// <summary>Stands for the lines' texts and their order; another object after each change.</summary>
    public object Layout { get; set; } = new();

    /// <summary>How the exponential histograms of this family are shown.</summary>
    public ExponentialBuckets Exponential { get; } = new();

    /// <summary>Whether duplicates were found, so that the family is written by merging them.</summary>
    public bool HasDuplicates { get; set; }

    /// <summary>Gives exponential histograms bounds that hold what was measured since the last page.</summary>
    public void Widen()
    {
        bool hasChanged = false;
        foreach (MetricEntry entry in Entries)
        {
            hasChanged |= entry.IsExponential
                && (Exponential.Widen(entry.Metric) || entry.Series.Bounds != Exponential.Bounds);
        }

        if (hasChanged)
        {
            Forget();
            Entries.Where(entry => entry.IsExponential).ToList().ForEach(entry => entry.UseBounds(Exponential.Bounds));
        }
    }

    /// <summary>Makes the samples tell their meters where more than one has an instrument of this name.</summary>
    /// <returns>Whether the meters are told since now.</returns>
    public bool NameMeters(bool? asked)
    {
        if (asked == false)
        {
            return false;
        }

        int meters = Entries.DistinctBy(entry => entry.Meter).Count();
        bool isWhole = asked == true
            || Entries.DistinctBy(entry => entry.Metric.MeterName).Count() < meters
            || Entries.Any(entry => entry.Scope.Length > 1);
        bool isNeeded = asked == true || meters > 1 || Entries.Any(entry => entry.Scope.Length > 0);
        bool isNew = false;
        foreach (MetricEntry entry in isNeeded ? Entries : [])
        {
            isNew |= entry.NameMeter(isWhole);
        }

        return isNew && asked is null;
    }

    public void Forget()
    {
        Seen.Clear();
        Layout = new object();
        HasDuplicates = false;
        foreach (MetricEntry entry in Entries)
        {
            entry.Series.Clear();
        }
    }

    // Control characters other than the line feed are legal but break people's tools; they carry no meaning in a
    // description.
    private static string Clean(string text)
    {
        string cut = text.Length > MaxHelpCharacters ? text[..MaxHelpCharacters] : text;
        return string.Create(cut.Length, cut, static (span, source) =>
        {
            for (int i = 0; i < span.Length; i++)
            {
                span[i] = source[i] != '\n' && char.IsControl(source[i]) ? ' ' : source[i];
            }
        });
    }

    private static string Escaped(string text, bool quotes)
    {
        var result = new StringBuilder(text.Length);
        SeriesPrefix.Escape(result, text, quotes);
        return result.ToString();
    }
}
