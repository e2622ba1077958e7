using System.Net;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Prometheus.Tests;
using Coach.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Coach.AspNetCore.Tests.Health;

public sealed class HealthEndpointTests
{
    private readonly VirtualClock _clock = new();

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    [InlineData("OPTIONS")]
    public async Task Health_ForOtherMethods_Is405(string method)
    {
        await using MetricsHost host = await StartAsync();
        foreach (string path in new[] { "/healthz", "/livez", "/readyz" })
        {
            using HttpResponseMessage response = await host.SendAsync(new HttpMethod(method), path);
            Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
            Assert.Equal(["GET", "HEAD"], response.Content.Headers.Allow.Order());
        }
    }

    [Fact]
    public async Task Healthz_ADegradedComponent_Is200OkAndVisibleInJsonAndGauge()
    {
        await using MetricsHost host = await StartAsync(
            new Part("rag", ComponentState.Degraded, "no semantic index; lexical answers"));
        Assert.Equal((HttpStatusCode.OK, "ok"), await GetAsync(host, "/healthz"));
        JsonElement json = await JsonAsync(host, "/healthz", HttpStatusCode.OK);
        Assert.Equal("degraded", json.GetProperty("status").GetString());
        Assert.Equal("degraded", json.GetProperty("checks").GetProperty("rag").GetProperty("status").GetString());
        Assert.Equal(
            "no semantic index; lexical answers",
            json.GetProperty("checks").GetProperty("rag").GetProperty("description").GetString());
        Assert.Contains("coach_health_status{check=\"rag\"} 0.5\n", await host.ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Healthz_ForABrowser_IsAPage()
    {
        await using MetricsHost host = await StartAsync(
            new Part("documents", ComponentState.Healthy, "Documents are being read: 12 of <b>6000</b>."));
        using HttpResponseMessage response = await host.SendAsync(
            HttpMethod.Get, "/healthz", ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/html", response.Content.Headers.ContentType?.MediaType);
        string page = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("<h1>Healthy</h1>", page, StringComparison.Ordinal);
        Assert.Contains("<th scope=\"row\">documents</th><td>Healthy</td>", page, StringComparison.Ordinal);
        Assert.Contains("12 of &lt;b&gt;6000", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Healthz_UnhealthyComponents_Is503WithTheReasonsInOneLine()
    {
        await using MetricsHost host = await StartAsync(
            new Part(
                "rag",
                ComponentState.Unhealthy,
                "RAG not initialized or no documents available."), new Part(
                    "payments", ComponentState.Unhealthy, "gateway\ndown"),
            new Part("llm", ComponentState.Degraded, "slow"));
        foreach (string path in new[] { "/healthz", "/readyz" })
        {
            Assert.Equal(
                (HttpStatusCode.ServiceUnavailable, "unhealthy: gateway down, RAG not initialized or no documents available"), await GetAsync(host, path));
        }

        Assert.Equal((HttpStatusCode.OK, "ok"), await GetAsync(host, "/livez"));
    }

    [Fact]
    public async Task Healthz_ExceptionsAndKeys_AreNeverShown()
    {
        await using MetricsHost host = await ObservedHost.StartAsync(time: _clock, build: builder =>
        {
            builder.Services.AddSingleton<IComponentHealth>(
                new Part("odd", ComponentState.Unhealthy, "key AIzaSyA1234567890abcdefghijklmnopqrstuv refused"));
            builder.Services.AddHealthChecks()
                .AddCheck("thrower", () => throw new InvalidOperationException("Password=canary"));
        });
        (_, string text) = await GetAsync(host, "/healthz");
        string json = (await JsonAsync(host, "/healthz", HttpStatusCode.ServiceUnavailable)).ToString();
        foreach (string body in new[] { text, json })
        {
            Assert.DoesNotContain("canary", body, StringComparison.Ordinal);
            Assert.DoesNotContain("AIzaSyA1234567890", body, StringComparison.Ordinal);
            Assert.Contains("key *** refused", body, StringComparison.Ordinal);
            Assert.Contains("the check 'thrower' failed", body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Healthz_AHostsCheckOfAComponentsName_StandsBesideIt()
    {
        await using MetricsHost host = await ObservedHost.StartAsync(time: _clock, build: builder =>
        {
            builder.Services.AddSingleton<IComponentHealth>(
                new Part("rag", ComponentState.Degraded, "the component's"));
            builder.Services.AddHealthChecks()
                .AddCheck("RAG", () => HealthCheckResult.Healthy("the host's"))
                .AddCheck("lifetime", () => HealthCheckResult.Healthy("the host's"));
        });
        JsonElement checks = (await JsonAsync(host, "/healthz", HttpStatusCode.OK)).GetProperty("checks");
        Assert.Equal("the host's", checks.GetProperty("RAG").GetProperty("description").GetString());
        Assert.Equal("the component's", checks.GetProperty("coach-rag").GetProperty("description").GetString());
        Assert.Equal("started", checks.GetProperty("coach-lifetime").GetProperty("description").GetString());
    }

    [Fact]
    public async Task Healthz_ProbesWithinASecond_RunTheChecksOnce()
    {
        var part = new Part("rag", ComponentState.Healthy, "fine");
        await using MetricsHost host = await ObservedHost.StartAsync(
            time: _clock, build: builder => builder.Services.AddSingleton<IComponentHealth>(part), settings: new() { ["Coach:Observability:HealthMaxAge"] = "00:00:00" });
        int before = part.Calls;
        await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => GetAsync(host, "/readyz")));
        Assert.Equal(before + 1, part.Calls);
        _clock.Advance(TimeSpan.FromSeconds(1));
        await GetAsync(host, "/healthz");
        Assert.Equal(before + 2, part.Calls);
    }

    [Fact]
    public async Task Healthz_FirstProbesTogether_RunEachCheckOnce()
    {
        var part = new Part("rag", ComponentState.Healthy, "fine") { Gate = new TaskCompletionSource() };
        await using MetricsHost host = await StartAsync(part);
        Task<(HttpStatusCode Status, string Body)>[] probes =
            [.. Enumerable.Range(0, 100).Select(i => GetAsync(host, i % 2 == 0 ? "/readyz" : "/healthz"))];
        Assert.True(SpinWait.SpinUntil(() => part.Calls > 0, TimeSpan.FromMinutes(5)));
        part.Gate.SetResult();
        Assert.All(await Task.WhenAll(probes), answer => Assert.Equal((HttpStatusCode.OK, "ok"), answer));
        Assert.Equal(1, part.Calls);
    }

    [Fact]
    public async Task Healthz_AComponentThatHangs_Is503WithinItsLimitAndLivezStaysOk()
    {
        var part = new Part("rag", ComponentState.Healthy, "fine") { Hangs = true };
        await using MetricsHost host = await StartAsync(part);
        Task<(HttpStatusCode Status, string Body)> probe = GetAsync(host, "/readyz");
        Assert.Equal("ok", (await GetAsync(host, "/livez")).Body);
        await _clock.RunUntilAsync(probe);
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, "unhealthy: the check 'rag' did not finish in time"), await probe);
    }

    [Fact]
    public async Task Readyz_WhenTheHostStops_Is503AtOnce()
    {
        await using MetricsHost host = await StartAsync();
        Assert.Equal("ok", (await GetAsync(host, "/readyz")).Body);
        host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, "unhealthy: the application is stopping"),
            await GetAsync(host, "/readyz"));
        Assert.Equal("ok", (await GetAsync(host, "/livez")).Body);
    }

    [Fact]
    public async Task Healthz_ForHead_HasTheStatusAndNoBody()
    {
        await using MetricsHost host = await StartAsync(new Part("rag", ComponentState.Unhealthy, "down"));
        using HttpResponseMessage response = await host.SendAsync(HttpMethod.Head, "/healthz");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        Assert.True(response.Headers.CacheControl!.NoStore);
    }

    [Theory]
    [InlineData("application/json", "application/json")]
    [InlineData("text/html, application/json;q=0.9", "application/json")]
    [InlineData("application/json;q=0, */*", "text/plain")]
    [InlineData("text/plain, application/json", "text/plain")]
    [InlineData("application/json, text/plain", "application/json")]
    [InlineData("application/json;q=0.1, text/plain;q=0.2", "text/plain")]
    [InlineData("text/plain;q=0.1, application/json;q=0.2", "application/json")]
    [InlineData("application/json;q=0.5, */*;q=0.9", "text/plain")]
    [InlineData("text/plain;q=0, */*", "application/json")]
    [InlineData("application/json, */*", "application/json")]
    [InlineData("*/*, application/json", "application/json")]
    [InlineData("application/json; q=0.000, application/*", "text/plain")]
    [InlineData("application/*", "application/json")]
    [InlineData("text/*", "text/plain")]
    [InlineData("APPLICATION/JSON ; charset=utf-8", "application/json")]
    [InlineData("application/json;q=banana", "text/plain")]
    [InlineData("application/xml", "text/plain")]
    [InlineData("application/problem+json", "text/plain")]
    [InlineData("*/*", "text/plain")]
    [InlineData("", "text/plain")]
    public async Task Healthz_ByAccept_IsTextOrJson(string accept, string expected)
    {
        await using MetricsHost host = await StartAsync();
        using HttpResponseMessage response = await host.SendAsync(HttpMethod.Get, "/healthz", ("Accept", accept));
        Assert.Equal(expected, response.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task Healthz_WithADetailPolicy_ShowsStrangersTheStatusOnly()
    {
        WebApplication? mapped = null;
        await using MetricsHost host = await ObservedHost.StartAsync(
            time: _clock,
            build: builder => builder.Services.AddAuthorization(o =>
            {
                o.AddPolicy("nobody", policy => policy.RequireAssertion(_ => false));
                o.AddPolicy("anybody", policy => policy.RequireAssertion(_ => true));
            }),
            map: app =>
            {
                mapped = app;
                app.MapGroup("/closed").MapCoachHealth("nobody");
                app.MapGroup("/open").MapCoachHealth("anybody");
            });
        Assert.Equal("""{"status":"healthy"}""", (await JsonAsync(host, "/closed/healthz", HttpStatusCode.OK)).ToString());
        Assert.True((await JsonAsync(host, "/open/healthz", HttpStatusCode.OK)).TryGetProperty("checks", out _));
        Assert.NotNull(mapped);
    }

    private async Task<MetricsHost> StartAsync(params IComponentHealth[] parts) =>
        await ObservedHost.StartAsync(time: _clock, build: builder =>
    {
        foreach (IComponentHealth part in parts)
        {
            builder.Services.AddSingleton(part);
        }
    });

    private static async Task<(HttpStatusCode Status, string Body)> GetAsync(MetricsHost host, string path)
    {
        using HttpResponseMessage response = await host.SendAsync(HttpMethod.Get, path);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private static async Task<JsonElement> JsonAsync(MetricsHost host, string path, HttpStatusCode expected)
    {
        using HttpResponseMessage response = await host.SendAsync(HttpMethod.Get, path, ("Accept", "application/json"));
        Assert.Equal(expected, response.StatusCode);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
    }

    private sealed class Part(string name, ComponentState state, string description) : IComponentHealth
    {
        private int _calls;

        public string Name => name;

        public int Calls => _calls;

        public bool Hangs { get; init; }

        public TaskCompletionSource? Gate { get; init; }

        public async ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _calls);
            if (Gate is not null)
            {
                await Gate.Task;
            }

            if (Hangs)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return new ComponentReport(state, description);
        }
    }
}
