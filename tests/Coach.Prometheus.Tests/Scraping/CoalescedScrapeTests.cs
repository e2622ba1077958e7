using System.IO.Compression;
using System.Text;
using Coach.Prometheus.Exposition;
using Coach.Prometheus.Scraping;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Prometheus.Tests.Scraping;

/// <summary>Scrapes that arrive together: one collection, pages for all, every page given back.</summary>
public sealed class CoalescedScrapeTests
{
    private static readonly TimeSpan HangLimit = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task Page_ForScrapesThatArriveTogether_IsCollectedOnce()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        MetricsScraper scraper = host.Services.GetRequiredService<MetricsScraper>();
        ExpositionBuffer[] bodies = await AcquireTogetherAsync(
            host, _ => scraper.AcquireAsync(true, false, null, default));
        Assert.Single(bodies.Distinct());
        Assert.All(bodies, body => body.Release());
        Assert.Equal(1, scraper.Collections);
    }

    [Fact]
    public async Task Pages_OfAllFormatsAndCodingsThatAreAskedForTogether_ComeFromOneCollection()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        MetricsScraper scraper = host.Services.GetRequiredService<MetricsScraper>();
        ExpositionBuffer[] bodies = await AcquireTogetherAsync(
            host, i => scraper.AcquireAsync(i % 2 == 0, i % 4 >= 2, null, default));
        Assert.Equal(4, bodies.Distinct().Count());
        for (int i = 0; i < bodies.Length; i++)
        {
            string page = Text(bodies[i], gzip: i % 4 >= 2);
            Assert.Contains("\nt_slow 1\n", page, StringComparison.Ordinal);
            Assert.Equal(i % 2 == 0, page.EndsWith("# EOF\n", StringComparison.Ordinal));
        }

        Assert.All(bodies, body => body.Release());
        Assert.Equal(1, scraper.Collections);
    }

    [Fact]
    public async Task Scrape_JoinedWhileItWrites_DeliversEveryResultAndGivesAllPiecesBack()
    {
        var pool = new TextExpositionPool();
        var scrape = new CoalescedScrape(() => new GzipExposition(new ChunkPool(), long.MaxValue));
        ScrapeResult plain = scrape.Join(openMetrics: false, gzip: false)!;
        Assert.True(scrape.TryNext(out bool openMetrics, out Action<ReadOnlyMemory<byte>>? committed));
        Assert.False(openMetrics);
        Assert.Null(committed);
        ScrapeResult packedMeanwhile = scrape.Join(openMetrics: false, gzip: true)!;
        ScrapeResult other = scrape.Join(openMetrics: true, gzip: false)!;
        scrape.Done(false, Page(pool, "text"));
        Assert.True(scrape.TryNext(out openMetrics, out _));
        Assert.True(openMetrics);
        ScrapeResult late = scrape.Join(openMetrics: false, gzip: false)!;
        scrape.Done(true, Page(pool, "open"));
        ScrapeResult packedLate = scrape.Join(openMetrics: true, gzip: true)!;
        Assert.False(scrape.TryNext(out _, out _));
        Assert.Null(scrape.Join(openMetrics: false, gzip: false));
        (ScrapeResult Result, bool Gzip, string Expected)[] all =
            [
                (plain, false, "text"),
                (packedMeanwhile, true, "text"),
                (other, false, "open"),
                (late, false, "text"),
                (packedLate, true, "open"),
            ];
        foreach ((ScrapeResult result, bool gzip, string expected) in all)
        {
            ExpositionBuffer body = await result.Page;
            Assert.Equal(expected, Text(body, gzip));
            body.Release();
        }

        // The scrape's own share goes when the last compression has ended, a moment after its page was delivered.
        Assert.True(SpinWait.SpinUntil(() => pool.Free == 2, HangLimit));
    }

    [Fact]
    public async Task Scrape_WhosePageFails_TellsEveryoneWhyAndDoesNotTryAgain()
    {
        var scrape = new CoalescedScrape(() => new GzipExposition(new ChunkPool(), long.MaxValue));
        ScrapeResult plain = scrape.Join(false, false)!, packed = scrape.Join(false, true)!;
        Assert.True(scrape.TryNext(out _, out _));
        scrape.Failed(false, new ExpositionTooLargeException(5));
        ScrapeResult late = scrape.Join(false, false)!;
        Assert.False(scrape.TryNext(out _, out _));
        foreach (ScrapeResult result in new[] { plain, packed, late })
        {
            await Assert.ThrowsAsync<ExpositionTooLargeException>(() => result.Page);
        }
    }

    [Fact]
    public async Task Page_ForAScrapeThatGivesUp_GoesBackToThePool()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        MetricsScraper scraper = host.Services.GetRequiredService<MetricsScraper>();
        CoachMetricsExporter exporter = host.Services.GetRequiredService<CoachMetricsExporter>();
        (await scraper.AcquireAsync(false, false, null, default)).Release();
        for (int i = 0; i < 20; i++)
        {
            using var cancelled = new CancellationTokenSource();
            Task<ExpositionBuffer> waiting = scraper.AcquireAsync(false, false, null, cancelled.Token);
            await cancelled.CancelAsync();
            try
            {
                (await waiting).Release();
            }
            catch (OperationCanceledException)
            {
            }
        }

        (await scraper.AcquireAsync(false, false, null, default)).Release();
        Assert.True(
            SpinWait.SpinUntil(() => exporter.FreePages is 1 or 2, HangLimit)); // a scrape lets go a moment after its page was delivered
    }

    [Fact]
    public async Task Page_WhileAnotherCollectionsOutcomeIsHandedOut_IsWaitedFor()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        CoachMetricsExporter exporter = host.Services.GetRequiredService<CoachMetricsExporter>();
        Func<int, bool> collect = exporter.Collect!;
        int calls = 0;
        exporter.Collect = limit => Interlocked.Increment(ref calls) <= 100 || collect(limit); // "done", and no page
        Assert.Contains("coach_metrics_scrapes_total", await host.ScrapeAsync(), StringComparison.Ordinal);
        Assert.Equal(101, calls);
    }

    [Fact]
    public async Task Page_WhenNoCollectionGivesOne_Is503WithTheReason()
    {
        await using MetricsHost host = await MetricsHost.StartAsync(
            metrics: o => o.ScrapeTimeout = TimeSpan.FromMilliseconds(100), time: new VirtualClock());
        host.Services.GetRequiredService<CoachMetricsExporter>().Collect = _ => true;
        using HttpResponseMessage response = await host.SendAsync(HttpMethod.Get, "/metrics");
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains(
            "shut down",
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
    }

    /// <summary>64 scrapes that all come while a slow gauge holds up the one collection.</summary>
    private static async Task<ExpositionBuffer[]> AcquireTogetherAsync(
        MetricsHost host, Func<int, Task<ExpositionBuffer>> acquire)
    {
        using var release = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        int collected = 0;
        host.Meter.CreateObservableGauge("t.slow", () =>
        {
            entered.Set();
            release.Wait(HangLimit);
            return Interlocked.Increment(ref collected);
        });
        Task<ExpositionBuffer>[] waiting = [.. Enumerable.Range(0, 64).Select(acquire)];
        Assert.True(entered.Wait(HangLimit));
        release.Set();
        ExpositionBuffer[] bodies = await Task.WhenAll(waiting);
        Assert.Equal(1, collected);
        return bodies;
    }

    private static TextExposition Page(TextExpositionPool pool, string text)
    {
        TextExposition page = pool.Rent();
        page.Begin(0, Encoding.UTF8.GetBytes(text));
        page.End([]);
        return page;
    }

    private static string Text(ExpositionBuffer body, bool gzip)
    {
        using var bytes = new MemoryStream();
        for (int i = 0; i < body.Pieces; i++)
        {
            bytes.Write(body.Piece(i).Span);
        }

        bytes.Position = 0;
        using var reader = new StreamReader(
            gzip ? new GZipStream(bytes, CompressionMode.Decompress) : bytes, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
