using System.Diagnostics.Metrics;

namespace Coach.Rag;

/// <summary>The instruments of the meter <c>Coach.Rag</c>.</summary>
internal sealed class RagMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _retrievals;
    private readonly Counter<long> _fallbacks;
    private readonly Histogram<double> _duration;

    public RagMetrics(IMeterFactory? factory, RagIndex index, Func<RagTier> tier)
    {
        _meter = factory?.Create("Coach.Rag") ?? new Meter("Coach.Rag");
        _retrievals = _meter.CreateCounter<long>("coach.rag.retrievals", "{retrieval}", "Retrievals by the tier that answered.");
        _fallbacks = _meter.CreateCounter<long>("coach.rag.fallbacks", "{fallback}", "Retrievals that a lower tier than hybrid answered, by reason.");
        _duration = _meter.CreateHistogram<double>("coach.rag.retrieval.duration", "s", "How long retrievals took.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] });
        _meter.CreateObservableGauge("coach.rag.available", () => tier() == RagTier.None ? 0 : 1, description: "1 when questions can be answered from documents.");
        _meter.CreateObservableGauge("coach.rag.type", () => (int)tier(), description: "The best tier now: 0 none, 1 hybrid, 2 local, 3 lexical.");
        _meter.CreateObservableGauge("coach.rag.document_count", () => Count(index), description: "Documents in the index.");
    }

    public void Retrieved(Retrieval retrieval, TimeSpan duration)
    {
        var tier = new KeyValuePair<string, object?>("tier", NameOf(retrieval.Tier));
        _retrievals.Add(1, tier);
        _duration.Record(duration.TotalSeconds, tier);
        if (retrieval.Degradation is { } degradation)
        {
            _fallbacks.Add(1, new("from", NameOf(degradation.From)), new("to", NameOf(degradation.To)), new("reason", NameOf(degradation.Reason)));
        }
    }

    public void Dispose() => _meter.Dispose();

    private static int Count(RagIndex index)
    {
        try
        {
            return index.DocumentCount;
        }
        catch (RagException)
        {
            return 0;
        }
    }

    private static string NameOf(RagTier tier) => tier switch
    {
        RagTier.Hybrid => "hybrid",
        RagTier.Local => "local",
        RagTier.Lexical => "lexical",
        _ => "none",
    };

    private static string NameOf(DegradationReason reason) => reason switch
    {
        DegradationReason.NotConfigured => "not_configured",
        DegradationReason.NotRequested => "not_requested",
        DegradationReason.NotReady => "not_ready",
        DegradationReason.EmbeddingFailed => "embedding_failed",
        DegradationReason.EmbeddingTimedOut => "embedding_timed_out",
        DegradationReason.CircuitOpen => "circuit_open",
        DegradationReason.EmbedderMismatch => "embedder_mismatch",
        DegradationReason.StillLoading => "still_loading",
        _ => "index_unavailable",
    };
}
