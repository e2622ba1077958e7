using System.Diagnostics.Metrics;
using System.Text.Json.Nodes;
using Coach.Abstractions;
using Coach.TestKit;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;

namespace Coach.Llm.Tests;

/// <summary>A configuration that is reloaded while the host runs.</summary>
public sealed class LiveSettingsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reload_OfWhatDecidesAboutACall_IsSentWithTheNext()
    {
        using var folder = new TempFolder();
        string file = folder.File("settings.json");
        Write(file, """{"Coach":{"Llm":{"Temperature":0.1,"OpenAI":{"Model":"one"}}}}""");
        await using Host host = Host.Build(file);

        await host.AskAsync();
        Write(file, """{"Coach":{"Llm":{"Temperature":0.9,"MaxOutputTokens":99,"OpenAI":{"Model":"two"},"Requests":{"IdleTimeout":"00:01:30"}}}}""");
        host.Configuration.Reload();
        await host.AskAsync();

        Assert.Equal("0.1", host.Server.Requests[0]["temperature"]!.ToJsonString());
        Assert.Equal("0.9", host.Server.Requests[1]["temperature"]!.ToJsonString());
        Assert.Equal(99, (int)host.Server.Requests[1]["max_completion_tokens"]!);
        Assert.Equal("two", (string?)host.Server.Requests[1]["model"]);
        Assert.Equal(0.9f, host.Services.GetRequiredService<IOptionsMonitor<CoachLlmOptions>>().CurrentValue.Temperature);
        Assert.Equal(TimeSpan.FromSeconds(90), host.Services.GetRequiredService<IOptions<CoachLlmOptions>>().Value.Requests.IdleTimeout);
        Assert.DoesNotContain(host.Logs.GetSnapshot(), line => line.Id.Id is 2506 or 2507);
    }

    [Fact]
    public async Task Reload_OfWhatTheHostIsBuiltOf_SaysThatItNeedsARestart()
    {
        using var folder = new TempFolder();
        string file = folder.File("settings.json");
        Write(file, """{"Coach":{"Llm":{"Temperature":0.1}}}""");
        await using Host host = Host.Build(file);
        await host.AskAsync();

        Write(file, """{"Coach":{"Llm":{"Temperature":0.1,"Sessions":{"MaxSessions":5},"OpenAI":{"BaseUrl":"http://other.test"}}}}""");
        host.Configuration.Reload();
        await host.AskAsync();

        FakeLogRecord line = Assert.Single(host.Logs.GetSnapshot(), line => line.Id.Id == 2506);
        Assert.Equal("These settings changed and take effect after a restart: Coach:Llm:OpenAI:BaseUrl, Coach:Llm:Sessions:MaxSessions", line.Message);
        Assert.Equal(2, host.Server.Requests.Count);
    }

    [Fact]
    public async Task Reload_OfAWrongSetting_ChangesNothingAndSaysWhich()
    {
        using var folder = new TempFolder();
        string file = folder.File("settings.json");
        Write(file, """{"Coach":{"Llm":{"Temperature":0.1,"OpenAI":{"Model":"one"}}}}""");
        await using Host host = Host.Build(file);
        await host.AskAsync();

        Write(file, """{"Coach":{"Llm":{"Temperature":7,"OpenAI":{"Model":"two"}}}}""");
        host.Configuration.Reload();
        await host.AskAsync();

        Assert.Equal("0.1", host.Server.Requests[1]["temperature"]!.ToJsonString());
        Assert.Equal("one", (string?)host.Server.Requests[1]["model"]);
        Assert.Contains("Coach:Llm:Temperature", Assert.Single(host.Logs.GetSnapshot(), line => line.Id.Id == 2507).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reload_OfTheModel_IsComparedWithWhatTheLatestKeyHas_AndKeysAreAskedAgain()
    {
        using var folder = new TempFolder();
        string file = folder.File("settings.json");
        Write(file, """{"Coach":{"Llm":{"OpenAI":{"Model":"old"}}}}""");
        string soon = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime).AddDays(9).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        StubHandler network = StubHandler.Knowing("sk-key-of-this-test", () => StubHandler.Response(
            200, $$"""{"object":"list","data":[{"id":"old","shutdown_date":"{{soon}}"},{"id":"new"}]}"""));
        await using Host host = Host.Build(file, network);
        var validator = host.Services.GetRequiredService<IApiKeyValidator>();
        ApiKey key = LlmHost.Key("openai", "sk-key-of-this-test");
        Assert.Contains("'old'", Assert.Single((await validator.ValidateAsync(key, Token)).Limits), StringComparison.Ordinal);
        Assert.Equal(["old"], Retirements());
        Assert.Single(host.Logs.GetSnapshot(), line => line.Id.Id == 2002);

        Write(file, """{"Coach":{"Llm":{"OpenAI":{"Model":"new"}}}}""");
        host.Configuration.Reload();
        Assert.Empty(Retirements());
        KeyValidation now = await validator.ValidateAsync(key, Token);
        Assert.False(now.IsCached);
        Assert.Empty(now.Limits);

        Write(file, """{"Coach":{"Llm":{"OpenAI":{"Model":"none"}}}}""");
        host.Configuration.Reload();
        Assert.Single(host.Logs.GetSnapshot(), line => line.Id.Id == 2003);
        Write(file, """{"Coach":{"Llm":{"OpenAI":{"Model":"old"}}}}""");
        host.Configuration.Reload();
        Assert.Equal(["old"], Retirements());

        List<string> Retirements()
        {
            List<string> seen = [];
            var meter = host.Services.GetRequiredService<MeterSource>().Meter;
            using var listener = new MeterListener();
            listener.InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == "coach.llm.model_retirement_days" && ReferenceEquals(instrument.Meter, meter))
                {
                    self.EnableMeasurementEvents(instrument);
                }
            };
            listener.SetMeasurementEventCallback<int>((_, _, tags, _) => seen.Add((string)tags[1].Value!));
            listener.Start();
            listener.RecordObservableInstruments();
            return seen;
        }
    }

    private static void Write(string file, string json) => File.WriteAllText(file, JsonNode.Parse(json)!.ToJsonString());

    private sealed class Host(ServiceProvider services, RuleServer server, IConfigurationRoot configuration, FakeLogCollector logs) : IAsyncDisposable
    {
        public ServiceProvider Services => services;

        public RuleServer Server => server;

        public IConfigurationRoot Configuration => configuration;

        public FakeLogCollector Logs => logs;

        public static Host Build(string file, HttpMessageHandler? network = null)
        {
            var server = new RuleServer(_ => (200, RuleServer.Answer("openai")));
            IConfigurationRoot configuration = new ConfigurationBuilder().AddJsonFile(file).Build();
            FakeLogCollector logs = TestLogs.New();
            var services = new ServiceCollection();
            services.AddSingleton<IConfiguration>(configuration).AddSingleton(logs.Factory()).AddLogging();
            services.AddCoachLlm(options => options.OpenAI.Protocol = OpenAIOptions.ChatCompletions).HttpClient.ConfigurePrimaryHttpMessageHandler(() => network ?? server);
            return new Host(services.BuildServiceProvider(), server, configuration, logs);
        }

        public async Task AskAsync()
        {
            using ClientLease<IChatClient> lease = await services.GetRequiredService<ISessionClientRegistry>().AcquireAsync<IChatClient>(
                SessionId.From("s"), LlmHost.Key("openai", "sk-key-of-this-test"), Token);
            await lease.Client.GetResponseAsync("hi", null, Token);
        }

        public ValueTask DisposeAsync() => services.DisposeAsync();
    }
}
