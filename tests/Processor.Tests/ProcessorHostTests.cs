using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Processor.Tests;

/// <summary>The host from its start: what keeps it from starting is a sentence, and for whom it answers.</summary>
public sealed class ProcessorHostTests
{
    [Theory]
    [InlineData("PORT", "abc", "PORT is abc; it must be between 0 and 65535.")]
    [InlineData("PORT", "70000", "PORT is 70000; it must be between 0 and 65535.")]
    [InlineData(
        "HOST", "loclahost",
        "HOST is loclahost; it must be an IP address of this machine, localhost, or * for every address.")]
    [InlineData("PORT", "sk-proj-abcdefghijklmnopqrstuvwx", "PORT is ***; it must be between 0 and 65535.")]
    [InlineData("Processor:MetricsPort", "0", "Processor:MetricsPort is 0; it must be between 1 and 65535.")]
    [InlineData("Processor:MaxRuns", "0", "Processor:MaxRuns is 0; it must be between 1 and 100000.")]
    [InlineData(
        "Processor:MaxRuns", "many",
        "Failed to convert configuration value 'many' at 'Processor:MaxRuns' to type 'System.Int32'.")]
    [InlineData("Processor:Ref", "litellm", "Processor:Ref is litellm; it must look like llm/litellm@1.")]
    public async Task Run_AWrongSetting_IsOneSentenceAndExitCode1(string key, string value, string sentence)
    {
        Assert.Equal((1, sentence), await RunAsync((key, value)));
    }

    [Fact]
    public async Task Run_AProcessorWithoutARegistryFile_SaysWhereItWasLookedFor()
    {
        (int exit, string text) = await RunAsync(("Processor:Ref", "llm/none@7"));

        Assert.Equal(1, exit);
        Assert.StartsWith("There is no registry file of llm/none@7: ", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_APortThatIsTaken_SaysWhichAndWhatToDo()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;

        (int exit, string text) = await RunAsync(("PORT", $"{port}"));

        Assert.Equal(1, exit);
        Assert.Equal(
            $"Failed to bind to address http://127.0.0.1:{port}: address already in use. Stop what listens there, or "
            + "choose another port with PORT=8081.",
            text);
    }

    [Theory]
    [InlineData("*", "evil.example", HttpStatusCode.MisdirectedRequest)] // DNS rebinding: "*" does not open loopback
    [InlineData("run.example", "evil.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("run.example", "run.example", HttpStatusCode.UpgradeRequired)]
    [InlineData("*.example", "run.example", HttpStatusCode.UpgradeRequired)]
    [InlineData("*", "localhost", HttpStatusCode.UpgradeRequired)]
    [InlineData("run.example", "127.0.0.1", HttpStatusCode.UpgradeRequired)]
    public async Task Run_OfAHostName_IsForLoopbackAndWhatIsListed(string allowed, string name, HttpStatusCode status)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(new() { ["AllowedHosts"] = allowed });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/run");
        request.Headers.Host = name;

        using HttpResponseMessage answer = await host.Http.SendAsync(request);

        Assert.Equal(status, answer.StatusCode);
    }

    private static async Task<(int Exit, string Text)> RunAsync(params (string Key, string? Value)[] settings)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(
            settings.Prepend(("PORT", "0")).GroupBy(each => each.Item1)
                .Select(same => KeyValuePair.Create(same.Key, same.Last().Item2)));
        var errors = new StringWriter();
        int exit = await ProcessorHost.RunAsync(builder, errors);
        return (exit, errors.ToString().Trim());
    }
}
