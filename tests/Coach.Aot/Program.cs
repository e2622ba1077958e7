// A trimmed program that calls every core package and every endpoint once, in mock mode: no key, no network. Exit code 0
// means all of it works.
using System.Net;
using System.Text;
using Coach.Abstractions;
using Coach.AspNetCore;
using Coach.Llm;
using Coach.Payments;
using Coach.Payments.Gateways;
using Coach.Rag;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
builder.Configuration.AddInMemoryCollection([new("Coach:Mode", "mock"), new("Coach:Rag:Top", "3"), new("Coach:Llm:Temperature", "0.5")]);
builder.Services.AddCoachLlm();
builder.Services.AddCoachRag().WithDocuments(new KnowledgeDocument("harbour.md", "# Harbour\n\nThe lighthouse keeper lights the lamp at nineteen hours.\n"));
builder.Services.AddCoachPayments();
builder.Services.AddCoachPayments("mcp").UseStripeMcp(options => options.Url = new Uri("http://127.0.0.1:9"));
builder.Services.AddCoachObservability();

using IHost host = builder.Build();
await host.StartAsync();

var chat = new RagChatClient(host.Services.GetRequiredService<MockChatClient>(), host.Services.GetRequiredService<IRetriever>());
ChatResponse answer = await chat.GetResponseAsync("When does the keeper light the lamp?");
Require(answer.Text.Contains("nineteen hours", StringComparison.Ordinal), $"answered: {answer.Text}");

PaymentLink link = await host.Services.GetRequiredService<IPaymentLinks>().CreateAsync(new PaymentLinkRequest
{
    OperationKey = "trimmed-1",
    Amount = Money.Create(1250, "usd"),
    Description = "Two espressos",
});
Require(link.IsSimulated, "the link must be simulated");

// Connects to nothing: there is no key.
IPaymentGateway mcp = host.Services.GetRequiredKeyedService<IPaymentGateway>("mcp");
GatewayResult<bool> probe = await mcp.ProbeAsync();
Require(probe.Failure is { Kind: GatewayFailureKind.NotSupported }, $"{mcp.Name}: {probe.Failure?.Message}");

foreach (IComponentHealth component in host.Services.GetServices<IComponentHealth>())
{
    ComponentReport report = await component.CheckAsync();
    Require(report.State != ComponentState.Unhealthy, $"{component.Name}: {report.Description}");
}

await host.StopAsync();
await CallEndpointsAsync();
return 0;

static async Task CallEndpointsAsync()
{
    WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
    builder.Configuration.AddInMemoryCollection(
        [new("Coach:Mode", "mock"), new("urls", "http://127.0.0.1:0"), new("Logging:LogLevel:Default", "Warning")]);
    CoachBuilder coach = builder.AddCoach();
    coach.Rag.WithDocuments(new KnowledgeDocument("harbour.md", "# Harbour\n\nThe keeper lights the lamp at nineteen hours.\n"));
    WebApplication app = builder.Build();
    await using (app.ConfigureAwait(false))
    {
        app.UseCoach();
        app.MapCoach();
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        await CallAsync(client, HttpMethod.Get, "/api/session", null, HttpStatusCode.OK, "\"mode\":\"mock\"");
        await CallAsync(client, HttpMethod.Post, "/api/session/keys", "{}", HttpStatusCode.Conflict, "ERR_REQUEST_INVALID");
        await CallAsync(client, HttpMethod.Post, "/api/chat", "{\"message\":\"When is the lamp lit?\"}", HttpStatusCode.OK, "event: done");
        await CallAsync(client, HttpMethod.Post, "/api/chat", "{\"message\":42}", HttpStatusCode.UnprocessableEntity, "requestId");
        await CallAsync(
            client, HttpMethod.Post, "/api/payments/links", "{\"amount\":1250,\"currency\":\"usd\"}", HttpStatusCode.Created, "\"isSimulated\":true");
        await CallAsync(client, HttpMethod.Post, "/api/payments/webhook", "{}", HttpStatusCode.BadRequest, "ERR_WEBHOOK_INVALID");
        await CallAsync(client, HttpMethod.Get, "/metrics", null, HttpStatusCode.OK, "coach_config_memory_mb 4096");
        await CallAsync(client, HttpMethod.Get, "/readyz", null, HttpStatusCode.OK, "\"checks\":{");
        await CallAsync(client, HttpMethod.Delete, "/api/session", null, HttpStatusCode.NoContent, "");
        await app.StopAsync();
    }
}

static async Task CallAsync(
    HttpClient client, HttpMethod method, string path, string? body, HttpStatusCode status, string part)
{
    using var request = new HttpRequestMessage(method, path);
    request.Headers.Add("Idempotency-Key", "trimmed-1");
    request.Headers.Add("Accept", "application/json, text/plain;q=0.5");
    request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
    using HttpResponseMessage response = await client.SendAsync(request);
    string text = await response.Content.ReadAsStringAsync();
    Require(response.StatusCode == status, $"{method} {path} answered {(int)response.StatusCode}: {text}");
    Require(text.Contains(part, StringComparison.Ordinal), $"{method} {path} answered: {text}");
}

static void Require(bool condition, string otherwise)
{
    if (!condition)
    {
        throw new InvalidOperationException(otherwise);
    }
}
