using System.Diagnostics.Metrics;
using Coach.Rag.Indexing;
using Coach.Rag.Search;

namespace Coach.Rag.Tiers;

/// <summary>The instruments of the meter <c>Coach.Rag</c>, shared by all registrations of a host.</summary>
internal sealed class RagInstruments : IDisposable
{
    private readonly MeterSource _source;
    private readonly Lock _gate = new();
    private IRagGauges[] _registrations = [];

    public RagInstruments(IMeterFactory? factory)
    {
        _source = new MeterSource("Coach.Rag", factory);
        Meter meter = _source.Meter;
        Retrievals = meter.CreateCounter<long>(
            "coach.rag.retrievals", "{retrieval}", "Retrievals by the tier that answered.");
        Fallbacks = meter.CreateCounter<long>(
            "coach.rag.fallbacks", "{fallback}", "Retrievals that a lower tier than hybrid answered, by reason.");
        FoundNothing = meter.CreateCounter<long>(
            "coach.rag.found_nothing", "{retrieval}", "Retrievals that worked and found no passage, by tier.");
        Withheld = meter.CreateCounter<long>(
            "coach.rag.passages_withheld", "{passage}", "Passages that a scanner kept back.");
        VectorScans = meter.CreateCounter<long>(
            "coach.rag.vector_scans", "{scan}", "Scans of an index's vectors, by kind: one_bit first, or exact.");
        VectorsRescored = meter.CreateCounter<long>(
            "coach.rag.vectors_rescored", "{vector}", "Vectors that scans by one bit left for exact scores.");
        Duration = meter.CreateHistogram<double>("coach.rag.retrieval.duration", "s", "How long retrievals took.",
            advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                0.1, 0.25, 0.5, 1, 2.5, 5]
            });
        meter.CreateObservableGauge("coach.rag.available", () => Observe(static r => r.Tier == RagTier.None ? 0 : 1),
            description: "1 when questions can be answered from documents.");
        meter.CreateObservableGauge("coach.rag.type", () => Observe(static r => (int)r.Tier),
            description: "The best tier now: 0 none, 1 hybrid, 2 local, 3 lexical.");
        meter.CreateObservableGauge(
            "coach.rag.document_count", () => Observe(static r => r.Documents), description: "Documents in the index.");

        ScopeOpens = meter.CreateCounter<long>(
            "coach.rag.scope_opens", "{scope}", "Scopes whose documents were opened, by outcome (opened, failed).");
        ScopeCloses = meter.CreateCounter<long>(
            "coach.rag.scope_closes", "{scope}",
            "Scopes whose documents were closed, by reason: their place was needed, idle, removed, stopped.");
        meter.CreateObservableGauge(
            "coach.rag.scopes_open", ObserveScopes, description: "Scopes whose documents are open.");
        meter.CreateObservableGauge(
            "coach.rag.documents", ObserveDocuments,
            description: "What became of the documents of the sources: read, skipped (left out on purpose), failed.");
    }

    public Counter<long> Retrievals { get; }

    public Counter<long> Fallbacks { get; }

    public Counter<long> FoundNothing { get; }

    public Counter<long> Withheld { get; }

    public Counter<long> VectorScans { get; }

    public Counter<long> VectorsRescored { get; }

    public Counter<long> ScopeOpens { get; }

    public Counter<long> ScopeCloses { get; }

    public Histogram<double> Duration { get; }

    public void Add(IRagGauges registration)
    {
        lock (_gate)
        {
            _registrations = [.. _registrations, registration];
        }
    }

    public void Dispose() => _source.Dispose();

    private IEnumerable<Measurement<int>> ObserveDocuments() =>
        Volatile.Read(ref _registrations).SelectMany(registration => new[]
        {
            Of(registration, "read", registration.Account.Read),
            Of(registration, "skipped", registration.Account.SkippedCount),
            Of(registration, "failed", registration.Account.FailedCount),
        });

    private IEnumerable<Measurement<int>> ObserveScopes() =>
        from registration in Volatile.Read(ref _registrations)
        where registration.OpenScopes is not null
        select new Measurement<int>(registration.OpenScopes!.Value, registration.Tags);

    private static Measurement<int> Of(IRagGauges registration, string state, int count) =>
        new(count, [new("state", state), .. registration.Tags]);

    private IEnumerable<Measurement<int>> Observe(Func<IRagGauges, int> value) =>
        Volatile.Read(ref _registrations)
            .Select(registration => new Measurement<int>(value(registration), registration.Tags));
}

/// <summary>What a registration shows whenever it is looked at.</summary>
internal interface IRagGauges
{
    KeyValuePair<string, object?>[] Tags { get; }

    RagTier Tier { get; }

    int Documents { get; }

    KnowledgeAccount Account { get; }

    /// <summary>How many scopes are open; null where documents are not kept by scope.</summary>
    int? OpenScopes { get; }
}

/// <summary>Of a registration with one index.</summary>
internal sealed class IndexGauges(RagMetrics metrics, IndexManager index, TierDecision tiers, KnowledgeBase knowledge)
    : IRagGauges
{
    public KeyValuePair<string, object?>[] Tags => metrics.Tags;

    public RagTier Tier => tiers.BestNow();

    public KnowledgeAccount Account => knowledge.Account;

    public int? OpenScopes => null;

    public int Documents
    {
        get
        {
            try
            {
                return index.DocumentCount;
            }
            catch (Exception e) when (e is RagException or ObjectDisposedException)
            {
                return 0;
            }
        }
    }
}

/// <summary>What one registration records. A named one carries its name as the label <c>index</c>.</summary>
internal sealed class RagMetrics(RagInstruments instruments, string name)
{
    /// <summary>The registration's; empty for the one without.</summary>
    public string Name => name;

    public KeyValuePair<string, object?>[] Tags { get; } = name.Length == 0 ? [] : [new("index", name)];

    public void ScopeOpened(bool isOpen) =>
        instruments.ScopeOpens.Add(1, [new("outcome", isOpen ? "opened" : "failed"), .. Tags]);

    public void ScopeClosed(string reason) => instruments.ScopeCloses.Add(1, [new("reason", reason), .. Tags]);

    public void Scanned(VectorScanFigures scan)
    {
        instruments.VectorScans.Add(1, [new("kind", scan.Rescored is null ? "exact" : "one_bit"), .. Tags]);
        if (scan.Rescored is { } rescored)
        {
            instruments.VectorsRescored.Add(rescored, Tags);
        }
    }

    public void Record(Retrieval retrieval, TimeSpan duration)
    {
        KeyValuePair<string, object?>[] tier = [new("tier", NameOf(retrieval.Tier)), .. Tags];
        instruments.Retrievals.Add(1, tier);
        instruments.Duration.Record(duration.TotalSeconds, tier);
        if (retrieval.FoundNothing)
        {
            instruments.FoundNothing.Add(1, tier);
        }

        if (retrieval.Degradation is { } degradation)
        {
            instruments.Fallbacks.Add(1,
                [new("from", NameOf(degradation.From)), new("to", NameOf(degradation.To)), new(
                    "reason", NameOf(degradation.Reason)), .. Tags]);
        }
    }

    public static string NameOf(RagTier tier) => tier switch
    {
        RagTier.Hybrid => "hybrid",
        RagTier.Local => "local",
        RagTier.Lexical => "lexical",
        _ => "none",
    };

    public static string NameOf(DegradationReason reason) => reason switch
    {
        DegradationReason.NotConfigured => "not_configured",
        DegradationReason.NotRequested => "not_requested",
        DegradationReason.NotReady => "not_ready",
        DegradationReason.EmbeddingFailed => "embedding_failed",
        DegradationReason.EmbeddingTimedOut => "embedding_timed_out",
        DegradationReason.CircuitOpen => "circuit_open",
        DegradationReason.EmbedderMismatch => "embedder_mismatch",
        DegradationReason.StillLoading => "still_loading",
        DegradationReason.IndexDamaged => "index_damaged",
        DegradationReason.AnalyserMismatch => "analyser_mismatch",
        DegradationReason.SourceFailed => "source_failed",
        _ => "index_unavailable",
    };
}
