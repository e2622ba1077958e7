using System.IO.Compression;
using System.Text;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.AspNetCore.Tests;

/// <summary>Scrapes that arrive together: one collection, pages for all, every page given back.</summary>
public sealed class ScrapeFlightTests
{
    private static readonly TimeSpan HangLimit = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task Page_ForScrapesThatArriveTogether_IsCollectedOnce()
    {
        await using ObservedHost host = await ObservedHost.StartAsync();
        MetricsScraper scraper = host.Services.GetRequiredService<MetricsScraper>();
        PageBody[] bodies = await AcquireTogetherAsync(host, _ => scraper.AcquireAsync(true, false, null, default));
        Assert.Single(bodies.Distinct());
        Assert.All(bodies, body => body.Release());
        Assert.Equal(1, scraper.Collections);
    }

    [Fact]
    public async Task Pages_OfAllFormatsAndCodingsThatAreAskedForTogether_ComeFromOneCollection()
    {
        await using ObservedHost host = await ObservedHost.StartAsync();
        MetricsScraper scraper = host.Services.GetRequiredService<MetricsScraper>();
        PageBody[] bodies = await AcquireTogetherAsync(host, i => scraper.AcquireAsync(i % 2 == 0, i % 4 >= 2, null, default));
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
    public async Task Flight_JoinedWhileItWrites_DeliversEveryVariantAndGivesAllPiecesBack()
    {
        var pool = new PagePool();
        var flight = new ScrapeFlight(() => new PackedPage(new ChunkPool(), long.MaxValue));
        ScrapeFlight.Variant plain = flight.Join(openMetrics: false, gzip: false)!;
        Assert.True(flight.TryNext(out bool openMetrics, out Action<ReadOnlyMemory<byte>>? committed));
        Assert.False(openMetrics);
        Assert.Null(committed);
        ScrapeFlight.Variant packedMeanwhile = flight.Join(openMetrics: false, gzip: true)!;
        ScrapeFlight.Variant other = flight.Join(openMetrics: true, gzip: false)!;
        flight.Done(false, Page(pool, "text"));
        Assert.True(flight.TryNext(out openMetrics, out _));
        Assert.True(openMetrics);
        ScrapeFlight.Variant late = flight.Join(openMetrics: false, gzip: false)!;
        flight.Done(true, Page(pool, "open"));
        ScrapeFlight.Variant packedLate = flight.Join(openMetrics: true, gzip: true)!;
        Assert.False(flight.TryNext(out _, out _));
        Assert.Null(flight.Join(openMetrics: false, gzip: false));
        (ScrapeFlight.Variant Variant, bool Gzip, string Expected)[] all =
            [(plain, false, "text"), (packedMeanwhile, true, "text"), (other, false, "open"), (late, false, "text"), (packedLate, true, "open")];
        foreach ((ScrapeFlight.Variant variant, bool gzip, string expected) in all)
        {
            PageBody body = await variant.Page;
            Assert.Equal(expected, Text(body, gzip));
            body.Release();
        }

        // The flight's own share goes when the last compression has ended, a moment after its page was delivered.
        Assert.True(SpinWait.SpinUntil(() => pool.Free == 2, HangLimit));
    }

    [Fact]
    public async Task Flight_WhosePageFails_TellsEveryoneWhyAndDoesNotTryAgain()
    {
        var flight = new ScrapeFlight(() => new PackedPage(new ChunkPool(), long.MaxValue));
        ScrapeFlight.Variant plain = flight.Join(false, false)!, packed = flight.Join(false, true)!;
        Assert.True(flight.TryNext(out _, out _));
        flight.Failed(false, new PageTooLargeException(5));
        ScrapeFlight.Variant late = flight.Join(false, false)!;
        Assert.False(flight.TryNext(out _, out _));
        foreach (ScrapeFlight.Variant variant in new[] { plain, packed, late })
        {
            await Assert.ThrowsAsync<PageTooLargeException>(() => variant.Page);
        }
    }

    [Fact]
    public async Task Page_ForAScrapeThatGivesUp_GoesBackToThePool()
    {
        await using ObservedHost host = await ObservedHost.StartAsync();
        MetricsScraper scraper = host.Services.GetRequiredService<MetricsScraper>();
        CoachMetricsExporter exporter = host.Services.GetRequiredService<CoachMetricsExporter>();
        (await scraper.AcquireAsync(false, false, null, default)).Release();
        for (int i = 0; i < 20; i++)
        {
            using var cancelled = new CancellationTokenSource();
            Task<PageBody> waiting = scraper.AcquireAsync(false, false, null, cancelled.Token);
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
        Assert.True(SpinWait.SpinUntil(() => exporter.FreePages is 1 or 2, HangLimit)); // a flight lets go a moment after its page was delivered
    }

    [Fact]
    public async Task Page_WhileAnotherCollectionsOutcomeIsHandedOut_IsWaitedFor()
    {
        await using ObservedHost host = await ObservedHost.StartAsync();
        CoachMetricsExporter exporter = host.Services.GetRequiredService<CoachMetricsExporter>();
        Func<int, bool> collect = exporter.Collect!;
        int calls = 0;
        exporter.Collect = limit => Interlocked.Increment(ref calls) <= 100 || collect(limit); // "done", and no page
        Assert.Contains("coach_build_info", await host.ScrapeAsync(), StringComparison.Ordinal);
        Assert.Equal(101, calls);
    }

    [Fact]
    public async Task Page_WhenNoCollectionGivesOne_Is503WithTheReason()
    {
        await using ObservedHost host = await ObservedHost.StartAsync(metrics: o => o.ScrapeTimeout = TimeSpan.FromMilliseconds(100), time: new VirtualClock());
        host.Services.GetRequiredService<CoachMetricsExporter>().Collect = _ => true;
        using HttpResponseMessage response = await host.SendAsync(HttpMethod.Get, "/metrics");
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains("shut down", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    /// <summary>64 scrapes that all come while a slow gauge holds up the one collection.</summary>
    private static async Task<PageBody[]> AcquireTogetherAsync(ObservedHost host, Func<int, Task<PageBody>> acquire)
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
        Task<PageBody>[] waiting = [.. Enumerable.Range(0, 64).Select(acquire)];
        Assert.True(entered.Wait(HangLimit));
        release.Set();
        PageBody[] bodies = await Task.WhenAll(waiting);
        Assert.Equal(1, collected);
        return bodies;
    }

    private static MetricsPage Page(PagePool pool, string text)
    {
        MetricsPage page = pool.Rent();
        page.Begin(0, Encoding.UTF8.GetBytes(text));
        page.End([]);
        return page;
    }

    private static string Text(PageBody body, bool gzip)
    {
        using var bytes = new MemoryStream();
        for (int i = 0; i < body.Pieces; i++)
        {
            bytes.Write(body.Piece(i).Span);
        }

        bytes.Position = 0;
        using var reader = new StreamReader(gzip ? new GZipStream(bytes, CompressionMode.Decompress) : bytes, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
