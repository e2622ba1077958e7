using Coach.Payments.Gateways;
using Coach.Payments.Mcp.Connections;
using Coach.Testing;

namespace Coach.Payments.Mcp.Tests.Connections;

public sealed class McpTransportsTests
{
    [Fact]
    public async Task ProbeAsync_ProgramMissing_SaysWhatToCheck()
    {
        GatewayFailure? failure = await ProbeAsync(isSilent: false, "coach-no-such-program");
        Assert.Equal(GatewayFailureKind.NotSupported, failure?.Kind);
        Assert.Equal("The Stripe MCP server could not be started. Check Coach:Payments:Mcp:Command: the program "
            + "must be installed and on the PATH.", failure?.Message);
    }

    [Fact]
    public async Task ProbeAsync_ProgramEndsAtOnce_IsUnreachable()
    {
        Assert.SkipUnless(File.Exists("/bin/sh"), "needs a POSIX shell");

        // It prints its key on the way out, as a server that fails to start might.
        GatewayFailure? failure =
            await ProbeAsync(isSilent: false, "/bin/sh", "-c", "echo \"bad key $STRIPE_SECRET_KEY\" >&2; exit 3");
        Assert.Equal(GatewayFailureKind.Unreachable, failure?.Kind);
        Assert.Equal("The Stripe MCP server ended while it started. Run Coach:Payments:Mcp:Command by hand with "
            + "its arguments to see why.", failure?.Message);
    }

    [Fact]
    public async Task ProbeAsync_ProgramSaysNothing_EndsAtTheTimeLimit()
    {
        Assert.SkipUnless(File.Exists("/bin/sh"), "needs a POSIX shell");
        GatewayFailure? failure = await ProbeAsync(isSilent: true, "/bin/sh", "-c", "while read line; do :; done");
        Assert.Equal("The Stripe MCP server was not ready within 10 s. Check that it is a Stripe MCP server, or "
            + "raise InitializationTimeout.", failure?.Message);
    }

    [Fact]
    public async Task Create_WorkingDirectory_IsWhereTheProgramStarts()
    {
        Assert.SkipUnless(File.Exists("/bin/sh"), "needs a POSIX shell");
        using var folder = new TempFolder();
        var options = new StripeMcpOptions
        {
            Command = "/bin/sh",
            Arguments = ["-c", "pwd -P > where; exit 3"],
            WorkingDirectory = folder.Path,
        };

        await ProbeAsync(isSilent: false, options);

        string where = await File.ReadAllTextAsync(folder.File("where"), TestContext.Current.CancellationToken);
        Assert.EndsWith(Path.GetFileName(folder.Path), where.Trim(), StringComparison.Ordinal);
    }

    private static Task<GatewayFailure?> ProbeAsync(bool isSilent, string command, params string[] arguments) =>
        ProbeAsync(isSilent, new StripeMcpOptions { Command = command, Arguments = arguments });

    private static async Task<GatewayFailure?> ProbeAsync(bool isSilent, StripeMcpOptions options)
    {
        var clock = new VirtualClock();
        await using var host = new McpHost(
            new McpTransports(options, null!).Create, clock, configure: given => given.Command = options.Command);
        Task<GatewayResult<bool>> probe = host.Gateway.ProbeAsync(TestContext.Current.CancellationToken);
        return (await McpHost.DriveAsync(probe, clock, _ => isSilent)).Failure;
    }
}
