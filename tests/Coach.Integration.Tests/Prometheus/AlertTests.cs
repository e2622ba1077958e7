using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Coach.Integration.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Integration.Tests.Prometheus;

/// <summary>
/// The shipped alerts in a real Prometheus, in which a minute lasts a second, over a page that tells of a host in good
/// health or of one in which everything goes wrong.
/// </summary>
public sealed partial class AlertTests
{
    [Fact]
    public async Task EveryAlert_InARealPrometheus_FiresWhenItShouldAndNotBefore()
    {
        Shipped.SkipWithout("prometheus", "prometheus");
        await using Target host = await Target.StartAsync();
        await using Target other = await Target.StartAsync();
        await using PrometheusServer prometheus = await PrometheusServer.StartAsync(text => Faster(text)
            .Replace("\"127.0.0.1:8080\"", $"\"{host.Address}\", \"{other.Address}\"", StringComparison.Ordinal));

        // Long enough for every window and every "for" of a rule that would fire wrongly.
        await host.UntilScrapedAsync(40);
        // But for what a machine that stands still for two seconds brings about by itself.
        Assert.Empty((await FiringAsync(prometheus)).Where(alert => alert != "CoachDown"));

        host.IsWell = false;
        other.IsGone = true;
        HashSet<string> missing = [.. Shipped.Alerts()];
        long started = TimeProvider.System.GetTimestamp();
        while (missing.Count > 0 && TimeProvider.System.GetElapsedTime(started) < ChatHost.HangLimit)
        {
            await host.UntilScrapedAsync(2);
            missing.ExceptWith(await FiringAsync(prometheus));
        }

        Assert.Empty(missing);
    }

    private static async Task<string[]> FiringAsync(PrometheusServer prometheus) =>
    [
        .. (await prometheus.GetAsync("/api/v1/alerts")).GetProperty("alerts").EnumerateArray()
            .Where(alert => alert.GetProperty("state").GetString() == "firing")
            .Select(alert => alert.GetProperty("labels").GetProperty("alertname").GetString()!)
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];

    // A minute is a second, an hour a minute. Only times: names of recordings hold some, too.
    private static string Faster(string text) => TimePattern()
        .Replace(text, match => match.Groups[1].Value + match.Groups[2].Value + (match.Groups[3].Value == "h" ? "m" : "s"))
        .Replace("15s\n", "1s\n", StringComparison.Ordinal)
        .Replace("scrape_timeout: 10s", "scrape_timeout: 1s", StringComparison.Ordinal);

    [GeneratedRegex(@"(\[|for: )([0-9]+)([mh])(?=\]|\n)")]
    private static partial Regex TimePattern();

    /// <summary>A host as Prometheus sees it: each scrape is a minute later.</summary>
    private sealed class Target : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private readonly SemaphoreSlim _scrapes = new(0);
        private int _minute;
        private int _badMinutes;

        private Target(WebApplication app) => _app = app;

        public string Address => _app.Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!.Addresses.Single()["http://".Length..];

        public bool IsWell { get; set; } = true;

        public bool IsGone { get; set; }

        public static async Task<Target> StartAsync()
        {
            WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
            var target = new Target(builder.Build());
            target._app.Run(target.AnswerAsync);
            await target._app.StartAsync();
            return target;
        }

        /// <summary>Waits for so many more scrapes.</summary>
        public async Task UntilScrapedAsync(int scrapes)
        {
            using var limit = new CancellationTokenSource(ChatHost.HangLimit);
            for (int i = 0; i < scrapes; i++)
            {
                await _scrapes.WaitAsync(limit.Token);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _app.DisposeAsync();
            _scrapes.Dispose();
        }

        private async Task AnswerAsync(HttpContext context)
        {
            context.Response.StatusCode = IsGone ? 500 : 200;
            context.Response.ContentType = "text/plain; version=0.0.4";
            int bad = IsWell ? _badMinutes : ++_badMinutes;
            await context.Response.WriteAsync(Page(++_minute, bad));
            _scrapes.Release();
        }

        private string Page(int minute, int bad)
        {
            var page = new StringBuilder();
            void Line(string series, double value) =>
                page.Append(series).Append(' ').Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
            void Seconds(string name, string labels, string last, string slow)
            {
                Line($"{name}_bucket{{{labels},le=\"{last}\"}}", minute * 10);
                Line($"{name}_bucket{{{labels},le=\"{slow}\"}}", (minute * 10) + (bad * 90));
                Line($"{name}_bucket{{{labels},le=\"+Inf\"}}", (minute * 10) + (bad * 90));
                Line($"{name}_count{{{labels}}}", (minute * 10) + (bad * 90));
            }

            bool isBad = bad > 0;
            Line("process_start_time_seconds", 1000 + bad);
            Line("coach_health_status{check=\"lifetime\"}", isBad ? 0 : 1);
            Line("coach_health_status{check=\"rag\"}", isBad ? 0.5 : 1);
            Line("coach_health_status{check=\"llm_providers\"}", isBad ? 0.5 : 1);
            Line("coach_container_memory_pressure", isBad ? 1 : 0);
            Line("coach_llm_model_retirement_days{provider=\"openai\",model=\"m\"}", isBad ? 7 : 300);
            Line("coach_payments_gateway_available", isBad ? 0 : 1);
            Line("coach_store_available{store=\"redis\"}", isBad ? 0 : 1);
            Line("coach_payments_attempts_total{step=\"price\",outcome=\"success\"}", minute);
            Line("coach_payments_reconciliation_pending", isBad ? 2 : 0);
            Line("coach_llm_session_rejections_total{reason=\"memory\"}", bad);
            Line("coach_metrics_problems_total{reason=\"callback\"}", bad);
            Line("coach_metrics_problems_total{reason=\"overflow\"}", bad);
            Line("coach_llm_key_validations_total{provider=\"gemini\",status=\"valid\"}", minute);
            Line("coach_llm_key_validations_total{provider=\"gemini\",status=\"timed_out\"}", bad * 30);
            Line("coach_llm_key_validations_total{provider=\"gemini\",status=\"invalid\"}", bad * 20);
            Line("coach_rag_retrievals_total{tier=\"lexical\"}", minute);
            Line("coach_rag_retrievals_total{tier=\"none\"}", bad * 9);
            Line("coach_rag_fallbacks_total{from=\"hybrid\",to=\"lexical\",reason=\"circuit_open\"}", bad);
            Line("gen_ai_client_operation_duration_seconds_count{gen_ai_provider_name=\"openai\"}", minute);
            Line(
                "gen_ai_client_operation_duration_seconds_count{gen_ai_provider_name=\"openai\",error_type=\"timed_out\"}",
                bad * 9);
            const string Route = "http_route=\"/api/chat\",http_response_status_code=";
            Line($"http_server_request_duration_seconds_count{{{Route}\"503\"}}", bad * 90);
            Line($"http_server_request_duration_seconds_count{{{Route}\"429\"}}", bad * 30);
            Seconds("http_server_request_duration_seconds", Route + "\"200\"", "14.0", "20.0");
            Seconds(
                "gen_ai_client_operation_time_to_first_chunk_seconds", "gen_ai_provider_name=\"openai\"", "5.12", "20.48");
            Seconds("coach_metrics_scrape_duration_seconds", "format=\"text\"", "0.5", "2.5");
            return page.ToString();
        }
    }
}
