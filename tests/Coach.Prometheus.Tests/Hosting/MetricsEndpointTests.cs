using System.Diagnostics.Metrics;
using System.IO.Compression;
using System.Net;
using System.Text;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Tests.Hosting;

public sealed class MetricsEndpointTests
{
    private static readonly TimeSpan HangLimit = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    [InlineData("OPTIONS")]
    public async Task Page_ForOtherMethods_Is405(string method)
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        using HttpResponseMessage response = await host.SendAsync(new HttpMethod(method), "/metrics");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal(["GET", "HEAD"], response.Content.Headers.Allow.Order());
    }

    [Fact]
    public async Task Page_ForHead_HasHeadersAndNoBody()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        using HttpResponseMessage response = await host.SendAsync(HttpMethod.Head, "/metrics");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("Accept, Accept-Encoding", string.Join(", ", response.Headers.Vary));
        Assert.True(response.Headers.CacheControl!.NoStore);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/openmetrics-text")]
    public async Task Page_WithGzip_IsTheSamePage(string accept)
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        Counter<long> counter = host.Meter.CreateCounter<long>("t.c");
        for (int i = 0; i < 1500; i++)
        {
            counter.Add(i, new KeyValuePair<string, object?>("number", i));
        }

        for (int round = 0; round < 5; round++)
        {
            using HttpResponseMessage response = await host.SendAsync(
                HttpMethod.Get, "/metrics", ("Accept", accept), ("Accept-Encoding", "gzip"));
            Assert.Equal(["gzip"], response.Content.Headers.ContentEncoding);
            byte[] packed = await response.Content.ReadAsByteArrayAsync();
            using var unpacked = new StreamReader(
                new GZipStream(new MemoryStream(packed), CompressionMode.Decompress), Encoding.UTF8);
            string plain = await host.ScrapeAsync(accept);
            Assert.Equal(Series(plain), Series(await unpacked.ReadToEndAsync()));
            Assert.True(packed.Length < plain.Length / 3);
        }

        static IEnumerable<string> Series(string page) =>
            page.Split('\n').Where(line => line.Contains("t_c", StringComparison.Ordinal) || line == "# EOF");
    }

    [Fact]
    public async Task Page_LargerThanItsLimit_Fails503AndRecovers()
    {
        await using MetricsHost host = await MetricsHost.StartAsync(metrics: o => o.MaxPageBytes = 64 * 1024);
        var meter = new Meter(host.MeterName + ".2");
        meter.CreateCounter<long>("t.c").Add(1, new KeyValuePair<string, object?>("v", new string('x', 140_000)));
        foreach (string coding in new[] { "identity", "gzip" })
        {
            using HttpResponseMessage response = await host.SendAsync(
                HttpMethod.Get, "/metrics", ("Accept-Encoding", coding));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.Empty(response.Content.Headers.ContentEncoding);
            Assert.Equal("The metrics page is larger than 65536 bytes.\n", await response.Content.ReadAsStringAsync());
        }

        meter.Dispose();
        await host.SendAsync(HttpMethod.Get, "/metrics");
        Assert.Contains("coach_metrics_scrape_errors_total ", await host.ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_HeldUpByACallback_Fails503AfterTheScrapersLimit()
    {
        var clock = new VirtualClock();
        await using MetricsHost host = await MetricsHost.StartAsync(time: clock);
        using var release = new ManualResetEventSlim();
        using var entered = new ManualResetEventSlim();
        host.Meter.CreateObservableGauge("t.slow", () =>
        {
            entered.Set();
            release.Wait(HangLimit);
            return 1;
        });
        int timers = clock.PendingTimers;
        Task<HttpResponseMessage> scrape = host.SendAsync(
            HttpMethod.Get, "/metrics", ("X-Prometheus-Scrape-Timeout-Seconds", "0.9"));
        Assert.True(entered.Wait(HangLimit));
        Assert.True(
            SpinWait.SpinUntil(() => clock.PendingTimers > timers, HangLimit)); // the scrape waits with its limit
        clock.Advance(TimeSpan.FromSeconds(0.89));
        Assert.False(scrape.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(0.01));
        using HttpResponseMessage response = await scrape;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        release.Set();
        Assert.Contains("t_slow 1\n", await host.ScrapeAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("identity;q=0")]
    [InlineData("*;q=0")]
    public async Task Page_WhenNoCodingIsAcceptable_Is406(string acceptEncoding)
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        foreach (HttpMethod method in new[] { HttpMethod.Get, HttpMethod.Head })
        {
            using HttpResponseMessage response = await host.SendAsync(
                method, "/metrics", ("Accept-Encoding", acceptEncoding));
            Assert.Equal(HttpStatusCode.NotAcceptable, response.StatusCode);
        }
    }

    [Fact]
    public async Task Pages_UnderLoadWithInstrumentsComingAndGoing_AreWhole()
    {
        await using MetricsHost host = await MetricsHost.StartAsync(metrics: o => o.ScrapeTimeout = HangLimit);
        Counter<long> counter = host.Meter.CreateCounter<long>("t.load");
        host.Meter.CreateObservableGauge("t.fixed", () => 4096);
        using var stop = new CancellationTokenSource();
        Task load = Task.Run(() =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                counter.Add(1, new KeyValuePair<string, object?>("k", i % 50));
                if (i % 500 == 0)
                {
                    using var passing = new Meter(host.MeterName + ".2");
                    passing.CreateCounter<long>($"t.passing{i % 7}").Add(1);
                    host.Services.GetRequiredService<MeterProvider>().ForceFlush();
                }
            }
        });
        for (int round = 0; round < 5; round++)
        {
            string[] pages = await Task.WhenAll(
                Enumerable.Range(0, 64).Select(i => host.ScrapeAsync(openMetrics: i % 2 == 0)));
            for (int i = 0; i < pages.Length; i++)
            {
                Assert.Contains("t_fixed 4096\n", pages[i], StringComparison.Ordinal);
                Assert.True(
                    i % 2 != 0 || pages[i].EndsWith("# EOF\n", StringComparison.Ordinal),
                    "an OpenMetrics page was cut short");
                string[] series =
                [
                    .. pages[i]
                        .Split('\n')
                        .Where(line => line.Length > 0 && line[0] != '#')
                        .Select(line => line[..line.LastIndexOf(' ')]),
                ];
                Assert.Equal(series.Length, series.Distinct().Count());
            }
        }

        await stop.CancelAsync();
        await load;
    }

    [Fact]
    public async Task Page_AboutItself_CountsScrapesAndTheirTime()
    {
        await using MetricsHost host = await MetricsHost.StartAsync();
        await host.ScrapeAsync();
        await host.ScrapeAsync(openMetrics: true);
        string page = await host.ScrapeAsync();
        Assert.Contains("coach_metrics_scrapes_total{format=\"text\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("coach_metrics_scrapes_total{format=\"openmetrics\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains(
            "coach_metrics_scrape_duration_seconds_count{format=\"text\"} 1\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_OutOfRange_StopTheStartWithKeyValueAndRange()
    {
        var failure = await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(
            () => MetricsHost.StartAsync(settings: new() { ["Coach:Metrics:MaxPageBytes"] = "5", ["Coach:Metrics:ScrapeTimeout"] = "01:00:00" }));
        Assert.Equal(
            [
                "Coach:Metrics:MaxPageBytes is 5; it must be between 65536 and 1073741824.",
                "Coach:Metrics:ScrapeTimeout is 01:00:00; it must be between 00:00:00.0100000 and 00:05:00.",
            ],
            failure.Failures);
    }
}
