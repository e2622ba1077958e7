using System.Text.Json;
using Coach.Testing;
using Coach.Usage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http;
using Processor.Configuration;
using Processor.Execution;

namespace Processor.Tests.Execution;

/// <summary>What a run needs, makes and says, in both modes.</summary>
public sealed class RunTests
{
    private const string TwoSecrets = """
        ref: llm/litellm@1
        secrets:
          required: [OPENAI_API_KEY, { name: REGISTRY_AUTH, keys: [REGISTRY_USERNAME, REGISTRY_PASSWORD] }]
        model: gpt-4o-mini
        prices:
          - { model: gpt-4o-mini, input: 0.15, output: 0.60 }
        """;

    [Theory]
    [InlineData("""{}""", "'messages'")]
    [InlineData("""{"messages":[]}""", "'messages'")]
    [InlineData("""{"messages":"hi"}""", "'messages'")]
    [InlineData("""{"messages":["hi"]}""", "'messages[0]'")]
    [InlineData("""{"messages":[{"role":"root","content":"x"}]}""", "'messages[0].role'")]
    [InlineData("""{"messages":[{"role":"user","content":""}]}""", "'messages[0].content'")]
    [InlineData("""{"messages":[{"role":"user","content":7}]}""", "'messages[0].content'")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}""", "'messages[0].content'")]
    [InlineData("""{"messages":[{"role":"user","content":"\ud800"}]}""", "half a character")]
    [InlineData("""{"schema":"v999","params":{"messages":[{"role":"user","content":"x"}]}}""", "'inputs.schema'")]
    [InlineData("""{"params":[]}""", "'inputs.params'")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"max_tokens":0}""", "'max_tokens'")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],"model":5}""", "'model'")]
    [InlineData("[]", "'inputs'")]
    [InlineData("null", "'inputs'")]
    public async Task Inputs_Wrong_NameTheField(string inputs, string field)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.SendAsync($$"""{"kind":"Request","control":{"run_id":"i","mode":"mock"},"inputs":{{inputs}}}""");

        List<JsonElement> frames = await client.ReadToEndAsync();

        Assert.Equal("Ack", frames[0].Kind());
        Assert.Equal("ERR_INPUTS", frames[^1].ErrorCode());
        Assert.Contains(field, frames[^1].ErrorMessage(), StringComparison.Ordinal);
        Assert.Equal("error", frames[^1].GetProperty("control").GetProperty("status").GetString());
        Assert.Equal(1000, (int)client.Socket.CloseStatus!);
    }

    [Theory]
    [InlineData("\"prod\"")]
    [InlineData("\"REAL\"")]
    [InlineData("\"\"")]
    [InlineData("1")]
    [InlineData("true")]
    public async Task Mode_Unknown_IsNeverTheDefault(string mode)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.SendAsync(
            $$"""{"kind":"Request","control":{"run_id":"m","mode":{{mode}}},"inputs":{{JsonSerializer.Serialize(Frames.Inputs("x"))}} }""");

        JsonElement final = (await client.ReadToEndAsync())[^1];

        Assert.Equal("ERR_INPUTS", final.ErrorCode());
        Assert.Contains("'mode'", final.ErrorMessage(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Artifacts_OlderThanTheirRetention_AreRemovedWithTheirFolders_AndTheirPlaceIsFree()
    {
        using var folder = new TempFolder();
        var options = new ProcessorOptions();
        options.Artifacts.Directory = folder.Path;
        options.Artifacts.MaxBytes = 1_024;
        var store = new ArtifactStore(Microsoft.Extensions.Options.Options.Create(options), null!);
        await store.WriteAsync("a/b/old.txt", new byte[1_000], "text/plain", default);
        await store.WriteAsync("a/new.txt", new byte[20], "text/plain", default);
        DateTimeOffset now = DateTimeOffset.UtcNow.AddDays(1);
        DateTime old = (now - TimeSpan.FromDays(8)).UtcDateTime;
        File.SetLastWriteTimeUtc(folder.File("a/b/old.txt"), old);
        Directory.SetLastWriteTimeUtc(folder.File("a/b"), old);

        Assert.Equal(1, store.Sweep(now));
        Assert.False(File.Exists(folder.File("a/b/old.txt")));
        Assert.True(File.Exists(folder.File("a/new.txt")));
        Assert.InRange(store.Used, 0.01, 0.03);
        options.Artifacts.Retention = TimeSpan.Zero;
        Assert.Equal(0, store.Sweep(now.AddDays(900)));
        Assert.True(File.Exists(folder.File("a/new.txt")));
    }

    [Fact]
    public async Task Real_WithoutItsSecrets_NamesThemAllAtOnce()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(
            new() { ["REGISTRY_USERNAME"] = "ann" }, registry: TwoSecrets);

        JsonElement final = await RunAsync(host, "real");

        Assert.Equal("ERR_MISSING_SECRET", final.ErrorCode());
        Assert.Contains("OPENAI_API_KEY, REGISTRY_PASSWORD", final.ErrorMessage(), StringComparison.Ordinal);
        Assert.DoesNotContain("REGISTRY_USERNAME", final.ErrorMessage(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Real_InCi_IsRefusedBeforeSecretsAreLookedAt_UnlessAllowed()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(new() { ["CI"] = "true" });
        Assert.Equal("ERR_CI_SAFETY", (await RunAsync(host, "real")).ErrorCode());
        Assert.Null((await RunAsync(host, "mock")).ErrorCode());

        await using ProcessorFixture allowed = await ProcessorFixture.StartAsync(
            new() { ["CI"] = "true", ["Processor:AllowRealInCi"] = "true" });
        Assert.Equal("ERR_MISSING_SECRET", (await RunAsync(allowed, "real")).ErrorCode());
    }

    [Theory]
    [InlineData("", "ERR_IMAGE_UNPINNED")]
    [InlineData("image: { oci: \"ghcr.io/acme/llm:latest\" }", "ERR_IMAGE_UNPINNED")]
    [InlineData("image: { platforms: { amd64: \"ghcr.io/acme/llm@sha256:short\" } }", "ERR_IMAGE_UNPINNED")]
    [InlineData("image: { platforms: { amd64: \"ghcr.io/acme/llm@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" } }", "ERR_MISSING_SECRET")]
    public async Task Real_WherePinnedImagesAreRequired_NeedsThem(string image, string code)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(
            new() { ["Processor:RequirePinnedImage"] = "true" }, registry: TwoSecrets + "\n" + image + "\n");

        Assert.Equal(code, (await RunAsync(host, "real")).ErrorCode());
        Assert.Null((await RunAsync(host, "mock")).ErrorCode());
    }

    [Fact]
    public async Task Real_InAnotherImageThanThePinnedOne_IsRefused()
    {
        string pinned = new('a', 64);
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(
            new() { ["Processor:RequirePinnedImage"] = "true", ["IMAGE_DIGEST"] = "sha256:" + new string('b', 64) },
            registry: $"{TwoSecrets}\nimage: {{ platforms: {{ amd64: \"ghcr.io/acme/llm@sha256:{pinned}\" }} }}\n");

        Assert.Equal("ERR_REGISTRY_MISMATCH", (await RunAsync(host, "real")).ErrorCode());
    }

    [Fact]
    public async Task Real_BeyondTheHostsLimit_IsRefusedBeforeAModelIsAsked_AndWhatWasUsedIsInTheLedger()
    {
        const string Key = "sk-canary-1234567890abcdef";
        await using ProviderFake provider = await ProviderFake.StartAsync();
        provider.SetKey("openai-compatible", Key);
        provider.AnswerAlways("openai-compatible", _ => ScriptedAnswer.Text("Nine.").WithUsage(1000, 50));
        Dictionary<string, string?> settings = Real(provider, Key);
        settings["Coach:Usage:Limits:0:Name"] = "day";
        settings["Coach:Usage:Limits:0:Scope"] = "App";
        settings["Coach:Usage:Limits:0:Max"] = "2600"; // one reservation of 4,096 tokens is 2,458 and its prompt
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(settings);

        Assert.Null((await RunAsync(host, "real", "first")).ErrorCode());
        JsonElement refused = await RunAsync(host, "real", "second");

        Assert.Equal("ERR_BUDGET_EXCEEDED", refused.ErrorCode());
        Assert.StartsWith("The budget 'day' allows 0.0026 (a day)", refused.ErrorMessage(), StringComparison.Ordinal);
        Assert.Single(provider.Requests, request => request.Path.Contains("completions", StringComparison.Ordinal));
        IUsageLedger ledger = host.Services.GetRequiredService<IUsageLedger>();
        Assert.Equal(180, (await ledger.GetBalanceAsync(LedgerAccount.AppUsage, "usd")).Micros);
    }

    [Fact]
    public async Task Real_StreamsTheModel_AndCountsTheCostOfItsUsage()
    {
        const string Key = "sk-canary-1234567890abcdef";
        await using ProviderFake provider = await ProviderFake.StartAsync();
        provider.SetKey("openai-compatible", Key);
        provider.Answer(
            "openai-compatible", ScriptedAnswer.Text("The library ").ThenText("opens at nine.").WithUsage(1000, 50));
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(Real(provider, Key));

        JsonElement final = await RunAsync(host, "real");

        Assert.Null(final.ErrorCode());
        JsonElement envelope = final.GetProperty("content");
        Assert.Equal("real", envelope.GetProperty("mode").GetString());
        Assert.Equal(180, envelope.GetProperty("cost_micro").GetInt64()); // 1000 × 0.15 + 50 × 0.60
        JsonElement meta = envelope.GetProperty("meta");
        Assert.Equal(1000, meta.GetProperty("usage").GetProperty("input_tokens").GetInt64());
        Assert.EndsWith("secrets:LITELLM_API_BASE,OPENAI_API_KEY", meta.GetProperty("env_fingerprint").GetString());
        Assert.Equal(
            "The library opens at nine.",
            await File.ReadAllTextAsync(Path.Combine(host.Artifacts, "outputs/run-real/outputs/text/response.txt")));
        Assert.DoesNotContain(Key, final.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain(host.Logs.Everything(), line => line.Contains(Key, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(401)]
    [InlineData(400)]
    [InlineData(429)]
    public async Task Real_ProviderRefuses_SaysSoInItsOwnWords(int status)
    {
        await using ProviderFake provider = await ProviderFake.StartAsync();
        provider.SetKey("openai-compatible", "sk-good-key-0123456789");
        provider.Fail("openai-compatible", ProviderFault.Status(status), times: 100);
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(Real(provider, "sk-good-key-0123456789"));

        JsonElement final = await RunAsync(host, "real");

        Assert.Equal("ERR_PROVIDER", final.ErrorCode());
        Assert.DoesNotContain("sk-good", final.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mock_TouchesNeitherSecretsNorTheProvider()
    {
        await using ProviderFake provider = await ProviderFake.StartAsync();
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(Real(provider, "sk-unused-0123456789abcdef"));

        JsonElement final = await RunAsync(host, "mock");

        Assert.EndsWith(
            "secrets:", final.GetProperty("content").GetProperty("meta").GetProperty("env_fingerprint").GetString());
        Assert.Empty(provider.Requests);
    }

    [Theory]
    [InlineData("/artifacts/../etc/")]
    [InlineData("../x/")]
    [InlineData("/artifacts/a//b/")]
    [InlineData("/artifacts/a/./b/")]
    [InlineData("/artifacts/%2e%2e/b/")]
    [InlineData("/artifacts/a\\\\b/")]
    [InlineData("/artifacts/a\\u0000b/")]
    [InlineData("/artifacts/")]
    public async Task WritePrefix_ThatLeadsAway_IsRefused(string prefix)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        string inputs = JsonSerializer.Serialize(Frames.Inputs("x"));
        await client.SendAsync(
            $$$"""{"kind":"RunOpen","content":{"role":"client","run_id":"w","payload":{"mode":"mock","write_prefix":"{{{prefix}}}","inputs":{{{inputs}}} } } }""");

        Assert.Equal("ERR_INPUTS", (await client.ReadToEndAsync())[^1].ErrorCode());
        Assert.False(Directory.Exists(host.Artifacts));
    }

    [Fact]
    public async Task WritePrefix_WithTheRunsId_IsWhereOutputsLie_IndexLast()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        string inputs = JsonSerializer.Serialize(Frames.Inputs("x"));
        await client.SendAsync(
            $$$"""{"kind":"RunOpen","content":{"role":"client","run_id":"w2","payload":{"mode":"mock","write_prefix":"/artifacts/world/{execution_id}/","inputs":{{{inputs}}} } } }""");

        JsonElement envelope = (await client.ReadToEndAsync())[^1].GetProperty("content");

        Assert.Equal("/artifacts/world/w2/outputs.json", envelope.GetProperty("index_path").GetString());
        string index = await File.ReadAllTextAsync(Path.Combine(host.Artifacts, "world/w2/outputs.json"));
        Assert.Equal(
            envelope.GetProperty("outputs").GetRawText(),
            JsonDocument.Parse(index).RootElement.GetProperty("outputs").GetRawText());
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite,
                File.GetUnixFileMode(Path.Combine(host.Artifacts, "world/w2/outputs.json")));
        }
    }

    [Fact]
    public async Task Outputs_ByUrl_StayHereInMock_AndNeedAnAllowedHostInReal()
    {
        await using ProviderFake provider = await ProviderFake.StartAsync();
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(Real(provider, "sk-good-key-0123456789"));
        foreach ((string mode, string? code) in ((string, string?)[])[("mock", null), ("real", "ERR_INPUTS")])
        {
            await using TestClient client = await host.ConnectAsync();
            await client.RequestAsync(
                "u-" + mode, Frames.Inputs("x"), mode, new { response = "https://bucket.example/x?sig=SECRET" });

            JsonElement final = (await client.ReadToEndAsync())[^1];

            Assert.Equal(code, final.ErrorCode());
            Assert.DoesNotContain("SECRET", final.GetRawText(), StringComparison.Ordinal);
        }

        Assert.Empty(provider.Requests);
    }

    [Theory]
    [InlineData(
        """{"role":"client","run_id":"p","payload":{"mode":"real","write_prefix":"/artifacts/world/{execution_id}/","put_urls":URLS,"inputs":INPUTS} }""",
        "RunOpen")]
    [InlineData("""{"run_id":"p","mode":"real","inputs":INPUTS,"outputs":NAMED}""", "RunOpen")]
    [InlineData("""{"run_id":"p","mode":"real"},"inputs":INPUTS,"outputs":NAMED,"x":{}""", "Request")]
    public async Task Outputs_BySignedUrls_AreSentInReal_TheIndexLast_AndTheUrlsAreShownNowhere(string opened, string kind)
    {
        const string Key = "sk-good-key-0123456789";
        var uploads = new UploadRecorder();
        await using ProviderFake provider = await ProviderFake.StartAsync();
        provider.SetKey("openai-compatible", Key);
        provider.Answer("openai-compatible", ScriptedAnswer.Text("At nine.").WithUsage(1000, 50));
        Dictionary<string, string?> settings = Real(provider, Key);
        settings["Processor:Artifacts:UploadHosts:0"] = "bucket.example";
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(settings, services: services => services
            .PostConfigure<HttpClientFactoryOptions>(ArtifactStore.HttpClientName, client =>
                client.HttpMessageHandlerBuilderActions.Add(handler => handler.PrimaryHandler = uploads)));
        await using TestClient client = await host.ConnectAsync();
        string frame = opened
            .Replace("URLS", """{"outputs/text/response.txt":"https://bucket.example/r?sig=SECRET","outputs.json":"https://bucket.example/i?sig=SECRET"}""", StringComparison.Ordinal)
            .Replace("NAMED", """{"response":"https://bucket.example/r?sig=SECRET","outputs.json":"https://bucket.example/i?sig=SECRET"}""", StringComparison.Ordinal)
            .Replace("INPUTS", JsonSerializer.Serialize(Frames.Inputs("when?")), StringComparison.Ordinal);
        await client.SendAsync($$"""{"kind":"{{kind}}","{{(kind == "Request" ? "control" : "content")}}":{{frame}}}""");

        List<JsonElement> frames = await client.ReadToEndAsync();

        Assert.Null(frames[^1].ErrorCode());
        Assert.Equal(["/r", "/i"], uploads.Sent.Select(sent => sent.Path));
        Assert.Equal("At nine.", uploads.Sent[0].Body);
        Assert.Contains("outputs/text/response.txt", uploads.Sent[1].Body, StringComparison.Ordinal);
        Assert.All(frames, each => Assert.DoesNotContain("SECRET", each.GetRawText(), StringComparison.Ordinal));
        Assert.DoesNotContain(host.Logs.Everything(), line => line.Contains("SECRET", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("https://evil.example/r?sig=SECRET")]
    [InlineData("http://bucket.example/r")]
    [InlineData("file:///etc/passwd")]
    [InlineData("/artifacts/elsewhere")]
    [InlineData("")]
    public async Task Outputs_BySignedUrls_OfAnotherHost_AreRefusedBeforeAModelIsAsked(string url)
    {
        await using ProviderFake provider = await ProviderFake.StartAsync();
        Dictionary<string, string?> settings = Real(provider, "sk-good-key-0123456789");
        settings["Processor:Artifacts:UploadHosts:0"] = "bucket.example";
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(settings);
        await using TestClient client = await host.ConnectAsync();
        string inputs = JsonSerializer.Serialize(Frames.Inputs("x"));
        await client.SendAsync(
            $$$"""{"kind":"RunOpen","content":{"role":"client","run_id":"e","payload":{"mode":"real","put_urls":{"outputs.json":"{{{url}}}"},"inputs":{{{inputs}}} } } }""");

        JsonElement final = (await client.ReadToEndAsync())[^1];

        Assert.Equal("ERR_INPUTS", final.ErrorCode());
        Assert.DoesNotContain("SECRET", final.GetRawText(), StringComparison.Ordinal);
        Assert.Empty(provider.Requests);
    }

    [Fact]
    public async Task Outputs_NamedUsage_HoldTheTokens()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync();
        await using TestClient client = await host.ConnectAsync();
        await client.RequestAsync(
            "g", Frames.Inputs("one two"), "mock", new { usage = "/artifacts/g/usage.json", response = "/artifacts/g/r.txt" });

        Assert.Null((await client.ReadToEndAsync())[^1].ErrorCode());
        using JsonDocument usage = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(host.Artifacts, "g/usage.json")));
        Assert.Equal(
            """{"prompt_tokens":0,"completion_tokens":4}""", usage.RootElement.GetRawText());
        Assert.Equal("Mock response: one two", await File.ReadAllTextAsync(Path.Combine(host.Artifacts, "g/r.txt")));
    }

    [Fact]
    public async Task Artifacts_AtTheirLimit_AreRefused_AndHealthTells()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(new() { ["Processor:Artifacts:MaxBytes"] = "1024" });
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("full", Frames.Payload(new string('a', 390)));
        await client.ReadToEndAsync();
        await using TestClient second = await host.ConnectAsync();
        await second.OpenAsync("fuller", Frames.Payload(new string('b', 390)));

        Assert.Equal("ERR_RUNTIME", (await second.ReadToEndAsync())[^1].ErrorCode());
        Assert.Contains("outputs fill", await host.Http.GetStringAsync("/healthz"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Processor:MaxOutputBytes", "18", null)]
    [InlineData("Processor:MaxOutputBytes", "17", "ERR_RUNTIME")]
    [InlineData("Processor:MaxTokens", "3", null)]
    [InlineData("Processor:MaxTokens", "2", "ERR_RUNTIME")]
    public async Task Answer_AtItsLimit_Passes_OneMoreEndsTheRun(string option, string value, string? code)
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(new() { [option] = value });
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync("l", Frames.Payload("abc"));

        Assert.Equal(code, (await client.ReadToEndAsync())[^1].ErrorCode());
    }

    private sealed class UploadRecorder : HttpMessageHandler
    {
        public List<(string Path, string Body)> Sent { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Sent.Add((request.RequestUri!.AbsolutePath, await request.Content!.ReadAsStringAsync(cancellationToken)));
            return new HttpResponseMessage(System.Net.HttpStatusCode.OK);
        }
    }

    private static Dictionary<string, string?> Real(ProviderFake provider, string key) => new()
    {
        ["OPENAI_API_KEY"] = key,
        ["LITELLM_API_BASE"] = provider.BaseUrl("openai-compatible").ToString(),
        ["Coach:Llm:Requests:MaxRetries"] = "0",
    };

    private static async Task<JsonElement> RunAsync(ProcessorFixture host, string mode, string? id = null)
    {
        await using TestClient client = await host.ConnectAsync();
        await client.OpenAsync(id ?? "run-" + mode, Frames.Payload("when?", mode));
        return (await client.ReadToEndAsync())[^1];
    }
}
