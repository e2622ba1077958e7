using Coach.Testing;

namespace Coach.Payments.Mcp.Tests.Scenarios;

/// <summary>The contract of all gateways, here for each generation of MCP tools; Coach.Payments.Tests runs the same for
/// REST.</summary>
public sealed class GatewayContractTests
{
    public static TheoryData<string> Checks => [.. PaymentGatewayContract.Names];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task NamedTools_KeepTheContract(string check) => RunAsync(check, McpGeneration.Named);

    [Theory]
    [MemberData(nameof(Checks))]
    public Task Dispatcher_KeepsTheContract(string check) => RunAsync(check, McpGeneration.Dispatcher);

    [Theory]
    [MemberData(nameof(Checks))]
    public Task OneToolForBoth_KeepsTheContract(string check) => RunAsync(check, McpGeneration.Execute);

    private static async Task RunAsync(string check, McpGeneration generation)
    {
        var clock = new VirtualClock();
        var stripe = new StripeFake(options => options.Time = clock);
        await using var mcp = new McpFake(generation, stripe);
        await using var host = new McpHost(mcp, clock, configure: options => options.MaxResultLength = 1024 * 1024);

        await PaymentGatewayContract.RunAsync(
            check, host.Gateway, link => Task.FromResult(stripe.OpenSession(link)!.Id), link =>
        {
            Assert.NotNull(stripe.Pay(link));
            return Task.CompletedTask;
        }, TestContext.Current.CancellationToken);
    }
}
