using System.Diagnostics;
using System.Diagnostics.Metrics;
using Coach.Prometheus.Exposition;
using Coach.Prometheus.Scraping;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Prometheus.Tests.Scenarios;

/// <summary>What a scrape allocates once its pages are known.</summary>
public sealed class ExpositionMemoryTests
{
    [Fact]
    public async Task ManySeries_AfterTheFirstPage_AllocateLittle()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        for (int family = 0; family < 100; family++)
        {
            Counter<long> counter = host.Meter.CreateCounter<long>($"t.f{family}");
            for (int i = 0; i < 100; i++)
            {
                counter.Add(i, new("a", "x"), new("b", i), new("c", "z"));
            }
        }

        CoachMetricsExporter exporter = host.Services.GetRequiredService<CoachMetricsExporter>();
        foreach (bool openMetrics in new[] { false, true })
        {
            long least = long.MaxValue;
            for (int i = 0; i < 10; i++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                ExpositionBuffer body = Render(exporter, openMetrics);
                least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
                Assert.True(body.Length > 300_000);
                body.Recycle();
            }

            Assert.InRange(least, 0, 64 * 1024);
        }
    }

    [Fact]
    public async Task ManyExemplars_AllocateNoMoreThanNone()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        List<Counter<long>> counters = [];
        for (int family = 0; family < 100; family++)
        {
            counters.Add(host.Meter.CreateCounter<long>($"t.f{family}"));
        }

        Histogram<double> histogram = host.Meter.CreateHistogram<double>("t.h");
        CoachMetricsExporter exporter = host.Services.GetRequiredService<CoachMetricsExporter>();
        long least = long.MaxValue;
        for (int round = 0; round < 5; round++)
        {
            foreach (Counter<long> counter in counters)
            {
                for (int i = 0; i < 100; i++)
                {
                    using Activity activity = new Activity("work").Start();
                    activity.ActivityTraceFlags = ActivityTraceFlags.Recorded;
                    counter.Add(round + 1, new("a", "x"), new("b", i));
                    histogram.Record(i * 100, new KeyValuePair<string, object?>("b", round));
                }
            }

            long before = GC.GetAllocatedBytesForCurrentThread();
            ExpositionBuffer body = Render(exporter, openMetrics: true);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            least = round == 0 ? least : Math.Min(least, allocated);
            Assert.True(body.Length > 1_000_000);
            body.Recycle();
        }

        Assert.InRange(least, 0, 64 * 1024);
    }

    private static ExpositionBuffer Render(CoachMetricsExporter exporter, bool openMetrics)
    {
        var order = new OneOrder(openMetrics);
        exporter.Render(order);
        return order.Page!;
    }

    private sealed class OneOrder(bool openMetrics) : IScrapeOutput
    {
        private bool _isTaken;

        public ExpositionBuffer? Page { get; private set; }

        public bool TryNext(out bool isOpenMetrics, out Action<ReadOnlyMemory<byte>>? committed)
        {
            isOpenMetrics = openMetrics;
            committed = null;
            return !_isTaken && (_isTaken = true);
        }

        public void Done(bool isOpenMetrics, ExpositionBuffer page) => Page = page;

        public void Failed(bool isOpenMetrics, Exception exception) => throw exception;
    }
}
