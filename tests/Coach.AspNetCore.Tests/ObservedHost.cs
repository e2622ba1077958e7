using System.Diagnostics.Metrics;
using Coach.Observability;
using Coach.Prometheus;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace Coach.AspNetCore.Tests;

/// <summary>A small host with everything of Coach.Observability, served in memory.</summary>
internal sealed class ObservedHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ObservedHost(WebApplication app, string meterName)
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

    public static async Task<ObservedHost> StartAsync(
        Action<WebApplicationBuilder>? build = null,
        Action<CoachMetricsOptions>? metrics = null,
        Action<WebApplication>? map = null,
        Dictionary<string, string?>? settings = null,
        Action<MeterProviderBuilder>? provider = null,
        TimeProvider? time = null)
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

        build?.Invoke(builder);
        string name = "Test." + Guid.NewGuid().ToString("N");
        CoachObservabilityBuilder observability = builder.Services.AddCoachObservability();
        observability.AddCoachMetricsExporter(o =>
        {
            o.HostMeters = false;
            metrics?.Invoke(o);
        });
        observability.AddCoachHealthChecks();
        builder.Services.ConfigureOpenTelemetryMeterProvider(m =>
        {
            m.AddMeter(name, name + ".2");
            provider?.Invoke(m);
        });
        WebApplication app = builder.Build();
        app.UseCoachRequestIds();
        app.UseCoachSecurityHeaders();
        app.MapCoachMetrics();
        app.MapCoachHealth();
        map?.Invoke(app);
        await app.StartAsync();
        return new ObservedHost(app, name);
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
    public static string[] LinesOf(string page, string prefix) =>
        [.. page.Split('\n').Where(line => line.StartsWith(prefix, StringComparison.Ordinal)
            || (line.StartsWith("# ", StringComparison.Ordinal) && line.Split(' ').ElementAtOrDefault(2)?.StartsWith(prefix, StringComparison.Ordinal) == true))];

    public async ValueTask DisposeAsync()
    {
        Meter.Dispose();
        Client.Dispose();
        await _app.DisposeAsync();
    }
}
