using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Integration.Tests.Hosting;

/// <summary>samples/Chat on a loopback port of its own, with every log line kept.</summary>
public sealed class ChatHost : IAsyncDisposable
{
    /// <summary>Far longer than anything takes: it ends a test that hangs, and fails none that is slow.</summary>
    public static readonly TimeSpan HangLimit = TimeSpan.FromMinutes(5);

    private readonly Factory _factory;
    private readonly TempFolder _folder;

    private ChatHost(Factory factory, TempFolder folder)
    {
        _factory = factory;
        _folder = folder;
    }

    public Uri Address => _factory.ClientOptions.BaseAddress;

    public IReadOnlyList<string> Logs => _factory.Logs.Everything();

    public IServiceProvider Services => _factory.Services;

    public static async Task<ChatHost> StartAsync(
        Action<Dictionary<string, string?>>? settings = null,
        string? knowledge = null,
        bool waitForKnowledge = true,
        Action<IServiceCollection>? services = null,
        int? alsoListenOn = null)
    {
        var folder = new TempFolder();
        var values = new Dictionary<string, string?>
        {
            ["Coach:Rag:IndexFile"] = folder.File("knowledge.coach"),

            // What answers must not depend on how far the background has come.
            ["Coach:Rag:Encoder"] = "none",

            // The limits of a deployment are for its machine; these tests also run on slow ones.
            ["Coach:Rag:TimeLimit"] = "00:01:00",
            ["Coach:Rag:EmbeddingTimeLimit"] = "00:01:00",
            ["Coach:Llm:Validation:Timeout"] = "00:01:00",
            ["Coach:Observability:HealthTimeout"] = "00:01:00",
            ["Coach:Payments:AttemptTimeout"] = "00:01:00",
            ["Coach:Payments:TotalTimeout"] = "00:02:00",
            ["Coach:Payments:LeaseDuration"] = "00:03:00",
            ["Coach:Payments:JoinTimeout"] = "00:01:00",
            ["Coach:Drain"] = "00:00:00",
            ["Coach:Payments:ProbeTimeout"] = "00:01:00",
        };
        if (knowledge is not null)
        {
            values["Coach:Rag:Knowledge"] = knowledge;
        }

        settings?.Invoke(values);
        var factory = new Factory(values, services);
        factory.UseKestrel(options =>
        {
            if (alsoListenOn is { } port)
            {
                options.Listen(IPAddress.Loopback, port);
            }

            options.Listen(IPAddress.Loopback, 0); // the last one is where visitors go
        });
        factory.StartServer();
        var host = new ChatHost(factory, folder);
        if (waitForKnowledge)
        {
            await host.WaitUntilSyncedAsync();
        }

        return host;
    }

    /// <summary>A browser without a page: its own cookies, no redirects.</summary>
    public HttpClient NewVisitor() =>
        new(
            new SocketsHttpHandler { UseCookies = true, CookieContainer = new CookieContainer(), AllowAutoRedirect = false })
        {
            BaseAddress = Address,
            Timeout = HangLimit,
        };

    public async ValueTask DisposeAsync()
    {
        await _factory.DisposeAsync();
        _folder.Dispose();
    }

    private async Task WaitUntilSyncedAsync()
    {
        using HttpClient visitor = NewVisitor();
        long started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < HangLimit)
        {
            string metrics = await visitor.GetStringAsync("/metrics");
            if (metrics.Contains("_rag_available 1", StringComparison.Ordinal))
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }

        Assert.Fail("The documents were not indexed within 5 minutes.");
    }

    private sealed class Factory(
        Dictionary<string, string?> values, Action<IServiceCollection>? services) : WebApplicationFactory<Program>
    {
        public FakeLogCollector Logs { get; } = TestLogs.New();

        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            foreach ((string key, string? value) in values)
            {
                builder.UseSetting(key, value);
            }

            builder.ConfigureServices(collection => services?.Invoke(collection));
            builder.ConfigureLogging(
                logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(new FakeLoggerProvider(Logs)));
        }
    }
}
