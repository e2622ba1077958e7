// A trimmed program that calls every core package once, in mock mode: no key, no network. Exit code 0 means all of it works.
using Coach.Abstractions;
using Coach.Llm;
using Coach.Payments;
using Coach.Payments.Gateways;
using Coach.Rag;
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
return 0;

static void Require(bool condition, string otherwise)
{
    if (!condition)
    {
        throw new InvalidOperationException(otherwise);
    }
}
