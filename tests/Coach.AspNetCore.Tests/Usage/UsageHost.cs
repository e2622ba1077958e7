using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Coach.Payments;
using Coach.Testing;
using Coach.Usage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Coach.AspNetCore.Tests.Usage;

/// <summary>A whole host in memory, one visitor with a cookie, prices of round numbers.</summary>
internal sealed class UsageHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TaskCompletionSource<PaymentFact> _paid = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private UsageHost(Dictionary<string, string?> settings, Action<CoachBuilder> configure)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { EnvironmentName = "Testing" });
        builder.WebHost.UseTestServer();
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<TimeProvider>(Clock).AddRouting();
        builder.Services.AddAuthorizationBuilder().AddPolicy("admin", policy => policy.RequireAssertion(
            context => (context.Resource as HttpContext)?.Request.Query["as"].ToString() == "admin"));
        builder.Services.AddAuthentication("none").AddCookie("none");
        CoachBuilder coach = builder.AddCoach();
        coach.Usage.UsePrices(_ => new FixedPriceSource(new PriceTable(
            [
                new ModelPrice
                {
                    Provider = "gemini", Model = "*", Currency = "usd", Input = 1_000_000, Output = 2_000_000,
                },
            ],
            "usd")));
        configure(coach);

        // Behind the handler of credits: when this one is told, the credits are there.
        coach.Payments.WithEventHandler((_, fact, _) =>
        {
            _paid.TrySetResult(fact);
            return Task.CompletedTask;
        });
        _app = builder.Build();
        _app.UseAuthentication();
        _app.UseCoach();
        _app.UseAuthorization();
        _app.MapCoach();
        _app.MapCoachUsageAdmin("admin");
    }

    public VirtualClock Clock { get; } = new();

    public HttpClient Visitor { get; private set; } = null!;

    public Task<PaymentFact> Paid => _paid.Task;

    public IServiceProvider Services => _app.Services;

    public static async Task<UsageHost> StartAsync(
        Dictionary<string, string?> settings, Action<CoachBuilder>? configure = null)
    {
        var host = new UsageHost(settings, configure ?? (_ => { }));
        await host._app.StartAsync(TestContext.Current.CancellationToken);
        host.Visitor = new HttpClient(new Cookies(host._app.GetTestServer().CreateHandler()))
        {
            BaseAddress = new Uri("http://localhost"),
        };
        return host;
    }

    public Task<HttpResponseMessage> AskAsync(string message) =>
        Visitor.PostAsJsonAsync("/api/chat", new { message }, TestContext.Current.CancellationToken);

    public async Task<JsonElement> DoneAsync(string message)
    {
        using HttpResponseMessage response = await AskAsync(message);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        string data = text.Split("event: done\n")[^1].Split('\n')[0]["data: ".Length..];
        return JsonDocument.Parse(Encoding.UTF8.GetBytes(data)).RootElement;
    }

    public async Task<JsonElement> GetAsync(string path) => await Visitor.GetFromJsonAsync<JsonElement>(
        path, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Visitor.Dispose();
        await _app.DisposeAsync();
    }

    /// <summary>Carries the session's cookie.</summary>
    private sealed class Cookies(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        private string? _cookie;

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (_cookie is not null)
            {
                request.Headers.Add("Cookie", _cookie);
            }

            HttpResponseMessage response = await base.SendAsync(request, cancellationToken);
            if (response.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? set))
            {
                _cookie = set.First().Split(';')[0];
            }

            return response;
        }
    }
}
