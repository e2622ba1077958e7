namespace Coach.Prometheus;

/// <summary>What the metrics page holds and how large and slow it may get: the section <c>Coach:Metrics</c>.</summary>
public sealed class CoachMetricsOptions
{
    /// <summary>
    /// Whether the meters of .NET and ASP.NET Core are shown too: requests, Kestrel, rate limiting, HTTP client,
    /// runtime.
    /// </summary>
    /// <value>True unless set.</value>
    public bool HostMeters { get; set; } = true;

    /// <summary>
    /// Whether each sample names its meter: <c>otel_scope_name</c>, <c>otel_scope_version</c> and the meter's own tags
    /// and schema URL. Unset, only where two meters have an instrument of one name on the page: then all samples of
    /// that name carry <c>otel_scope_name</c>, and the rest of it where the meters share their name, too.
    /// </summary>
    /// <value>
    /// Null unless set. True lengthens every line; false adds counters of two meters up, and of two gauges one is lost.
    /// </value>
    public bool? ScopeLabels { get; set; }

    /// <summary>
    /// Whether the page begins with <c>target_info</c>: the attributes of the host's OpenTelemetry resource, such as
    /// <c>service_name</c>.
    /// </summary>
    /// <value>True unless set: one series.</value>
    public bool TargetInfo { get; set; } = true;

    /// <summary>Whether OpenMetrics pages carry a <c>_created</c> sample per counter and histogram.</summary>
    /// <value>False unless set: it doubles the number of stored series.</value>
    public bool CreatedSamples { get; set; }

    /// <summary>Whether OpenMetrics pages link counters and buckets to the traces of recorded measurements.</summary>
    /// <value>True unless set. Only measurements made inside a sampled trace are kept.</value>
    public bool Exemplars { get; set; } = true;

    /// <summary>The largest page before compression. A larger one fails the scrape as a whole.</summary>
    /// <value>64 KiB to 1 GiB; 64 MiB unless set.</value>
    public long MaxPageBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>The longest that a scrape waits for its page. A scraper that names a shorter limit gets that.</summary>
    /// <value>10 milliseconds to 5 minutes; 10 seconds unless set.</value>
    public TimeSpan ScrapeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Other first words for metric names: <c>Prefixes["orders"] = "shop"</c> shows <c>orders.count</c> of the meter
    /// <c>Orders</c> or <c>Orders.Api</c> as <c>shop_count</c>. Names of other meters stay, whatever they begin with.
    /// </summary>
    /// <value>
    /// From the word that instruments begin with to the word on the page: 1 to 32 lower-case letters, digits and single
    /// underscores, a letter first. Empty unless set.
    /// </value>
    public IDictionary<string, string> Prefixes { get; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
