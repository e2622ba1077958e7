using System.Diagnostics.Metrics;
using Coach.Rag.Indexing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rag.Tests.Tiers;

public sealed class RagMetricsTests
{
    [Fact]
    public async Task Gauges_IndexIsDisposed_SayNoneAndNothing()
    {
        var services = new ServiceCollection();
        services.AddCoachRag("gauges", o => o.Learn = false);
        ServiceProvider provider = services.BuildServiceProvider();
        await provider.GetRequiredKeyedService<IKnowledgeBase>("gauges").AddOrUpdateAsync([new("a", "Cats purr.")]);
        var retriever = provider.GetRequiredKeyedService<IRetriever>("gauges");
        using var listener = new MeterListener();
        Dictionary<string, int> values = [];
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "Coach.Rag")
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) =>
        {
            if (tags.ToArray().Contains(new KeyValuePair<string, object?>("index", "gauges")))
            {
                lock (values)
                {
                    values[instrument.Name] = value;
                }
            }
        });
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Equal(["coach.rag.available=1", "coach.rag.document_count=1", "coach.rag.documents=0", "coach.rag.type=3"], Sorted());

        // The index goes before the meter does: a scrape in between must not fail.
        provider.GetRequiredKeyedService<IndexManager>("gauges").Dispose();
        listener.RecordObservableInstruments();
        Assert.Equal(["coach.rag.available=0", "coach.rag.document_count=0", "coach.rag.documents=0", "coach.rag.type=0"], Sorted());
        Assert.Equal(RagTier.None, retriever.Tier);
        await provider.DisposeAsync();

        string[] Sorted() => [.. values.Select(pair => $"{pair.Key}={pair.Value}").Order(StringComparer.Ordinal)];
    }
}
