using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Tests;

/// <summary>A small host with the metrics page, served in memory; with nothing else unless a test says so.</summary>
internal sealed class MetricsHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private MetricsHost(WebApplication app, string meterName)
    {
        _app = app;
        MeterName = meterName;
        Client = app.GetTestClient();
        Meter = Services.GetRequiredService<IMeterFactory>().Create(meterName);
    }

    public HttpClient Client { get; }

    public IServiceProvider Services => _app.Services;

    public string MeterName { get; }

    /// <summary>A meter that the page shows.</summary>
    public Meter Meter { get; }

    public static async Task<MetricsHost> StartAsync(
        Action<CoachMetricsOptions>? metrics = null,
        Dictionary<string, string?>? settings = null,
        Action<MeterProviderBuilder>? provider = null,
        TimeProvider? time = null,
        string? meterName = null) =>
        await StartAsync(
            (builder, name) => builder.Services.AddOpenTelemetry().WithMetrics(meters =>
            {
                meters.AddMeter(name, name + ".2").AddCoachMetricsExporter(o =>
                {
                    o.HostMeters = false;
                    metrics?.Invoke(o);
                });
                provider?.Invoke(meters);
            }),
            app => app.MapCoachMetrics(),
            settings, time, meterName);

    /// <summary>Registers and maps what a test wants beside or in place of the page.</summary>
    public static async Task<MetricsHost> StartAsync(
        Action<WebApplicationBuilder, string> register,
        Action<WebApplication> map,
        Dictionary<string, string?>? settings,
        TimeProvider? time,
        string? meterName = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { EnvironmentName = "Testing" });
        builder.WebHost.UseTestServer();
        builder.Services.AddRoutingCore();
        builder.Services.AddLogging();
        if (settings is not null)
        {
            builder.Configuration.AddInMemoryCollection(settings);
        }

        if (time is not null)
        {
            builder.Services.AddSingleton(time);
        }

        string name = meterName ?? "Test." + Guid.NewGuid().ToString("N");
        register(builder, name);
        WebApplication app = builder.Build();
        map(app);
        await app.StartAsync();
        return new MetricsHost(app, name);
    }

    public async Task<string> ScrapeAsync(bool openMetrics = false) =>
        await ScrapeAsync(openMetrics ? "application/openmetrics-text" : "text/plain");

    public async Task<string> ScrapeAsync(string accept)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, "/metrics", ("Accept", accept));
        string page = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode}: {page}");
        return page;
    }

    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path);
        foreach ((string name, string value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Client.SendAsync(request);
    }

    /// <summary>The lines of one family's samples and metadata.</summary>
    public static string[] LinesOf(string page, string prefix) => [.. page.Split('\n').Where(line => IsOf(line, prefix))];

    public async ValueTask DisposeAsync()
    {
        Meter.Dispose();
        Client.Dispose();
        await _app.DisposeAsync();
    }

    private static bool IsOf(string line, string prefix)
    {
        string name = line.StartsWith("# ", StringComparison.Ordinal)
            ? line.Split(' ').ElementAtOrDefault(2) ?? ""
            : line;
        return name.StartsWith(prefix, StringComparison.Ordinal);
    }
}
