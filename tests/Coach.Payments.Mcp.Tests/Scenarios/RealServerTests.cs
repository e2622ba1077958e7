using System.Diagnostics;
using Coach.Payments.Gateways;
using Coach.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Payments.Mcp.Tests.Scenarios;

/// <summary>
/// npm @stripe/mcp 0.2.5 as a child process, its requests redirected to the Stripe fake. Needs Node and
/// <c>npm install --prefix tests/Coach.Payments.Mcp.Tests --no-package-lock</c>.
/// </summary>
public sealed class RealServerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CreateAsync_NpmServer_MakesOneLink()
    {
        await using StripeFake stripe = await StripeFake.StartAsync(cancellationToken: Token);
        await using ServiceProvider services = NewHost(stripe);
        var links = services.GetRequiredService<IPaymentLinks>();
        PaymentLink link = await links.CreateAsync(McpHost.Order(), Token);
        PaymentLink replay = await links.CreateAsync(McpHost.Order(), Token);

        StripeFakeLink made = Assert.Single(stripe.Links);
        Assert.Equal((made.Id, made.Url, 1250L), (link.Id, link.Url.AbsoluteUri, made.AmountTotal));
        Assert.Equal((link.Id, true, true, false), (replay.Id, replay.IsReplay, link.IsReusable, link.IsSimulated));
        Assert.All(stripe.Requests, request => Assert.Equal(McpHost.TestKey, request.ApiKey));
    }

    [Fact]
    public async Task CreateLinkAsync_StripeRefusesBehindTheNpmServer_IsNoSuccess()
    {
        await using StripeFake stripe = await StripeFake.StartAsync(cancellationToken: Token);
        await using ServiceProvider services = NewHost(stripe);
        var gateway = services.GetRequiredService<IPaymentGateway>();
        Assert.True((await gateway.ProbeAsync(Token)).Value);
        GatewayResult<GatewayLink> link = await gateway.CreateLinkAsync(McpHost.LinkRequest("price_unknown"), Token);
        Assert.Equal(GatewayFailureKind.BadAnswer, link.Failure?.Kind);
        Assert.Contains("a sentence instead of the object", link.Failure?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateAsync_StripeFailsForGoodAtTheLink_IsMarkedForReconciliation()
    {
        await using StripeFake stripe = await StripeFake.StartAsync(cancellationToken: Token);
        stripe.Inject(new StripeFault(StripeFaultKind.StoredErrorAfterEffect), "POST", "/v1/payment_links", times: 1);
        await using ServiceProvider services = NewHost(stripe);
        var links = services.GetRequiredService<IPaymentLinks>();
        PaymentException exception =
            await Assert.ThrowsAsync<PaymentException>(() => links.CreateAsync(McpHost.Order(), Token));
        Assert.Equal(PaymentError.Uncertain, exception.Error);
        await Assert.ThrowsAsync<PaymentException>(() => links.CreateAsync(McpHost.Order(), Token));
        Assert.Single(stripe.Links);
    }

    [Fact]
    public async Task ProbeAsync_ChildKilled_StartsANewOne()
    {
        await using StripeFake stripe = await StripeFake.StartAsync(cancellationToken: Token);
        await using ServiceProvider services = NewHost(stripe);
        var gateway = services.GetRequiredService<IPaymentGateway>();
        Assert.True((await gateway.ProbeAsync(Token)).Value);
        foreach (Process child in Children(stripe))
        {
            child.Kill();
            await child.WaitForExitAsync(Token);
        }

        Assert.True((await gateway.ProbeAsync(Token)).Value);
    }

    [Fact]
    public async Task ProbeAsync_ChildProcess_HasTheKeyInItsEnvironmentAndNotInItsCommandLine()
    {
        await using StripeFake stripe = await StripeFake.StartAsync(cancellationToken: Token);
        await using ServiceProvider services = NewHost(stripe);
        await services.GetRequiredService<IPaymentGateway>().ProbeAsync(Token);
        Process child = Assert.Single(Children(stripe));
        string commandLine = await File.ReadAllTextAsync($"/proc/{child.Id}/cmdline", Token);
        string environment = await File.ReadAllTextAsync($"/proc/{child.Id}/environ", Token);
        Assert.DoesNotContain(McpHost.TestKey, commandLine, StringComparison.Ordinal);
        Assert.Contains("STRIPE_SECRET_KEY=" + McpHost.TestKey, environment, StringComparison.Ordinal);
        Assert.DoesNotContain("STRIPE_WEBHOOK_SECRET", environment, StringComparison.Ordinal);
    }

    private static ServiceProvider NewHost(StripeFake stripe)
    {
        string script = ServerScript();
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(
            new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["STRIPE_API_KEY"] = McpHost.TestKey,
                ["Coach:Payments:Mcp:Command"] = "node",
                ["Coach:Payments:Mcp:Arguments:0"] = "--require",
                ["Coach:Payments:Mcp:Arguments:1"] =
                Path.Combine(AppContext.BaseDirectory, "Fixtures", "redirect-stripe.cjs"),
                ["Coach:Payments:Mcp:Arguments:2"] = script,
                ["Coach:Payments:Mcp:Arguments:3"] = "--tools=all",
                ["Coach:Payments:Mcp:EnvironmentVariables:COACH_TEST_STRIPE_URL"] = stripe.Url.AbsoluteUri,
                ["Coach:Payments:Mcp:InitializationTimeout"] = "00:01:00",
                ["Coach:Payments:ProbeTimeout"] = "00:01:00",
                ["Coach:Payments:AttemptTimeout"] = "00:01:00",
                ["Coach:Payments:TotalTimeout"] = "00:05:00",
                ["Coach:Payments:LeaseDuration"] = "00:10:00",
            }).Build());
        services.AddLogging();
        services.AddCoachPayments().UseStripeMcp();
        return services.BuildServiceProvider();
    }

    private static string ServerScript()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string script = Path.Combine(folder.FullName, "node_modules", "@stripe", "mcp", "dist", "index.js");
            if (File.Exists(script))
            {
                return HasNode() ? script : throw Xunit.Sdk.SkipException.ForSkip("node is not on the PATH");
            }
        }

        Assert.Skip("npm @stripe/mcp is not installed; run: npm install --prefix tests/Coach.Payments.Mcp.Tests "
            + "--no-package-lock");
        return "";
    }

    private static bool HasNode() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, "node")) || File.Exists(Path.Combine(folder, "node.exe")));

    /// <summary>The children that serve this test: those of others may take a while to end.</summary>
    private static Process[] Children(StripeFake stripe)
    {
        Assert.SkipUnless(Directory.Exists("/proc/self"), "needs /proc to find the child process");
        return [.. Process.GetProcessesByName("node").Where(process => Serves(process, stripe))];
    }

    private static bool Serves(Process process, StripeFake stripe)
    {
        try
        {
            return File.ReadAllText($"/proc/{process.Id}/environ").Contains(
                $"COACH_TEST_STRIPE_URL={stripe.Url.AbsoluteUri}\0", StringComparison.Ordinal);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
