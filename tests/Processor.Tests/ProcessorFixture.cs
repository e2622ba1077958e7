using Coach.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Processor.Tests;

/// <summary>The sample as it runs, on a loopback port of its own, with settings, a clock and a log of the test's.</summary>
internal sealed class ProcessorFixture : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TempFolder _folder;

    private ProcessorFixture(WebApplication app, TempFolder folder, FakeLogCollector logs)
    {
        _app = app;
        _folder = folder;
        Logs = logs;
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Http = new HttpClient { BaseAddress = new Uri(address) };
        Socket = new UriBuilder(address) { Scheme = "ws", Path = "/run" }.Uri;
    }

    public HttpClient Http { get; }

    public Uri Socket { get; }

    public FakeLogCollector Logs { get; }

    public string Artifacts => _folder.File("artifacts");

    public IServiceProvider Services => _app.Services;

    public static async Task<ProcessorFixture> StartAsync(
        Dictionary<string, string?>? settings = null, TimeProvider? time = null, string? registry = null,
        Action<IServiceCollection>? services = null)
    {
        var folder = new TempFolder();
        WebApplicationBuilder builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = ["--urls", "http://127.0.0.1:0"],
            ContentRootPath = AppContext.BaseDirectory,
        });
        FakeLogCollector logs = TestLogs.New();
        builder.Logging.ClearProviders().AddProvider(new FakeLoggerProvider(logs));
        builder.Logging.SetMinimumLevel(LogLevel.Trace);

        // Nothing of the machine's own environment: CI and keys are the test's to set.
        builder.Configuration.Sources.Clear();
        var all = new Dictionary<string, string?>
        {
            ["urls"] = "http://127.0.0.1:0",
            ["CI"] = "false",
            ["OPENAI_API_KEY"] = "",
            ["LITELLM_API_BASE"] = "",
            ["Processor:Artifacts:Directory"] = folder.File("artifacts"),
            ["Processor:Mock:TokenDelay"] = "00:00:00",
        };
        if (registry is not null)
        {
            string file = folder.File("registry/llm/litellm/1/registry.yaml");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, registry);
            all["Processor:Registry"] = folder.File("registry");
        }

        foreach ((string key, string? value) in settings ?? [])
        {
            all[key] = value;
        }

        builder.Configuration.AddInMemoryCollection(all);
        if (time is not null)
        {
            builder.Services.AddSingleton(time);
        }

        services?.Invoke(builder.Services);
        WebApplication app = ProcessorHost.Build(builder);
        await app.StartAsync();
        return new ProcessorFixture(app, folder, logs);
    }

    public Task<TestClient> ConnectAsync() => TestClient.ConnectAsync(Socket);

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
        _folder.Dispose();
    }
}
