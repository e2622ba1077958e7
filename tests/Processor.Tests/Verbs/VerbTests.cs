using System.Text.Json;
using Processor.Verbs;

namespace Processor.Tests.Verbs;

/// <summary>The commands, in this process, with a registry folder of the test's.</summary>
public sealed class VerbTests : IDisposable
{
    private const string Ref = "llm/litellm@1";
    private static readonly string Digest = "sha256:" + new string('a', 64);
    private static readonly string Other = "sha256:" + new string('b', 64);

    private readonly TempFolder _folder = new();

    public VerbTests() => Write("""
        # kept
        ref: llm/litellm@1
        secrets:
          required: [PROCESSOR_TEST_KEY, { name: REGISTRY_AUTH, keys: [PROCESSOR_TEST_USER, PROCESSOR_TEST_WORD] }]
          optional: [PROCESSOR_TEST_OPTIONAL]
        runtime: { cpu: "2", memory_gb: 4 } # kept, too
        """);

    [Theory]
    [InlineData("llm/litellm@1", "dev", "main", "ann", "main-ann-llm-litellm-v1")]
    [InlineData("llm/litellm@1", "dev", "feature/Foo_Bar", "Ann.B", "feature-foo-bar-ann-b-llm-litellm-v1")]
    [InlineData("LLM/Lite_LLM.x@12", "staging", "b", "u", "llm-lite-llm-x-v12")]
    [InlineData("llm/litellm@1", "main", null, null, "llm-litellm-v1")]
    [InlineData("a/b@007", "main", null, null, "a-b-v7")]
    public async Task Name_IsMadeOfTheRef(string reference, string environment, string? branch, string? user, string app)
    {
        string[] args = ["name", reference, "--env", environment,
            .. branch is null ? [] : (string[])["--branch", branch], .. user is null ? [] : (string[])["--user", user]];

        (int exit, JsonElement answer) = await RunAsync(args);

        Assert.Equal(0, exit);
        Assert.Equal(app, answer.GetProperty("app").GetString());
    }

    [Theory]
    [InlineData("llm/litellm@1", "--env", "dev", "--branch", "b")]
    [InlineData("llm/litellm@1", "--env", "dev", "--user", "u")]
    [InlineData("llm/litellm@1", "--env", "dev", "--branch", " ", "--user", "u")]
    [InlineData("llm/litellm@1", "--env", "prod")]
    [InlineData("llm/litellm", "--env", "main")]
    [InlineData("llm/litellm@", "--env", "main")]
    [InlineData("llm/litellm@v1", "--env", "main")]
    [InlineData("llm/litellm@1.2", "--env", "main")]
    [InlineData("llm/litellm@-1", "--env", "main")]
    [InlineData("llm/litellm@99999999999", "--env", "main")]
    [InlineData("litellm@1", "--env", "main")]
    [InlineData("/litellm@1", "--env", "main")]
    [InlineData("llm/@1", "--env", "main")]
    [InlineData("a/b/c@1", "--env", "main")]
    [InlineData("../etc@1", "--env", "main")]
    [InlineData("llm/litellm@1", "--env")]
    [InlineData("llm/litellm@1", "--what", "x")]
    public async Task Name_Wrong_IsAnError(params string[] args)
    {
        (int exit, JsonElement answer) = await RunAsync(["name", .. args]);

        Assert.Equal(1, exit);
        Assert.Equal("ERR_INPUTS", answer.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Pin_WritesEachPlatform_AndKeepsTheRestOfTheFile()
    {
        Assert.Equal(1, (await PinAsync()).Exit);
        Assert.Equal(0, (await PinAsync("--platform", "amd64", "--oci", $"ghcr.io/acme/llm@{Digest}")).Exit);
        (int exit, JsonElement answer) = await PinAsync("--platform", "arm64", "--oci", $"ghcr.io:443/acme/llm@{Other}");

        Assert.Equal(0, exit);
        Assert.Equal($"ghcr.io/acme/llm@{Digest}", answer.GetProperty("images").GetProperty("amd64").GetString());
        Assert.Equal($"ghcr.io:443/acme/llm@{Other}", answer.GetProperty("images").GetProperty("arm64").GetString());
        string file = await File.ReadAllTextAsync(_folder.File("llm/litellm/1/registry.yaml"));
        Assert.StartsWith("# kept\nref: llm/litellm@1\n", file);
        Assert.Contains("# kept, too", file, StringComparison.Ordinal);
        Assert.Single(file.Split('\n'), line => line == "image:");
    }

    [Theory]
    [InlineData("ghcr.io/acme/llm")]
    [InlineData("ghcr.io/acme/llm:latest")]
    [InlineData("ghcr.io/acme/llm@sha256:abc")]
    [InlineData("ghcr.io/acme/llm:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("ghcr.io/acme/llm@sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("ghcr.io/acme/llm@sha512:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("x\ny@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task Image_NotPinned_IsRefusedEverywhere(string image)
    {
        foreach (string verb in (string[])["pin", "verify-digest"])
        {
            (int exit, JsonElement answer) = await RunAsync([verb, "--ref", Ref, "--oci", image]);
            Assert.Equal(1, exit);
            Assert.Equal("ERR_IMAGE_UNPINNED", answer.GetProperty("code").GetString());
        }
    }

    [Fact]
    public async Task VerifyDigest_ComparesWithWhatIsPinned()
    {
        (int exit, JsonElement answer) = await VerifyAsync($"ghcr.io/acme/llm@{Digest}");
        Assert.Equal((1, "ERR_IMAGE_UNPINNED"), (exit, answer.GetProperty("code").GetString()));
        await PinAsync("--platform", "arm64", "--oci", $"ghcr.io/acme/llm@{Digest}");

        (exit, answer) = await VerifyAsync($"ghcr.io/acme/llm@{Digest}");
        Assert.Equal((0, "OK"), (exit, answer.GetProperty("code").GetString()));
        Assert.Equal("arm64", answer.GetProperty("platform").GetString());
        (exit, answer) = await VerifyAsync($"ghcr.io/acme/llm@{Other}");
        Assert.Equal((1, "ERR_REGISTRY_MISMATCH"), (exit, answer.GetProperty("code").GetString()));
        (exit, answer) = await RunAsync(
            ["verify-digest", "--ref", Ref, "--platform", "amd64", "--oci", $"ghcr.io/acme/llm@{Digest}"]);
        Assert.Equal((1, "ERR_IMAGE_UNPINNED"), (exit, answer.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Secrets_ThatAreMissing_AreNamedAllAtOnce()
    {
        using var set = new Variables(("PROCESSOR_TEST_USER", "ann"));

        (int strict, JsonElement answer) = await RunAsync(["secrets", "check", "--ref", Ref, "--target", "env", "--fail-on-missing"]);
        (int lenient, _) = await RunAsync(["secrets", "check", "--ref", Ref]);

        Assert.Equal((1, 0), (strict, lenient));
        Assert.Equal("ERR_MISSING_SECRET", answer.GetProperty("code").GetString());
        Assert.Equal(["PROCESSOR_TEST_KEY", "PROCESSOR_TEST_WORD"], Names(answer, "missing"));
        Assert.Equal(["PROCESSOR_TEST_USER"], Names(answer, "present"));
    }

    [Theory]
    [InlineData("env")]
    [InlineData("docker")]
    [InlineData("kubernetes")]
    [InlineData("modal")]
    public async Task Sync_WritesForItsOwnerAlone_AndPrintsNamesOnly(string target)
    {
        using var set = new Variables(
            ("PROCESSOR_TEST_KEY", "canary-one"), ("PROCESSOR_TEST_USER", "canary'two"), ("PROCESSOR_TEST_WORD", "canary$three"));
        string path = _folder.File("out-" + target);

        (int exit, string output) = await TextAsync(
            ["secrets", "sync", "--ref", Ref, "--target", target, "--out", path, "--fail-on-missing"]);

        Assert.Equal(0, exit);
        Assert.DoesNotContain("canary", output, StringComparison.Ordinal);
        JsonElement answer = JsonDocument.Parse(output).RootElement;
        string[] written = Names(answer, "written");
        Assert.Equal(target == "docker" ? 3 : 1, written.Length);
        Assert.All(written, file => Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite, OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(file)));
        string text = string.Join('\n', written.Select(File.ReadAllText));
        switch (target)
        {
            case "env":
                Assert.Equal("PROCESSOR_TEST_KEY=canary-one\nPROCESSOR_TEST_USER=canary'two\nPROCESSOR_TEST_WORD=canary$three\n", text);
                break;
            case "docker":
                Assert.Equal("canary-one\ncanary'two\ncanary$three", text);
                break;
            case "kubernetes":
                Assert.Equal(2, text.Split("kind: Secret").Length - 1);
                Assert.Contains("name: registry-auth\ndata:\n  PROCESSOR_TEST_USER: ", text, StringComparison.Ordinal);
                Assert.Contains(Convert.ToBase64String("canary-one"u8), text, StringComparison.Ordinal);
                break;
            default:
                Assert.DoesNotContain("canary", text, StringComparison.Ordinal);
                Assert.EndsWith(
                    "put PROCESSOR_TEST_KEY PROCESSOR_TEST_KEY\nput REGISTRY_AUTH PROCESSOR_TEST_USER PROCESSOR_TEST_WORD\n", text);
                break;
        }
    }

    [Fact]
    public async Task Sync_WithSomethingMissing_AndTheFlag_WritesNothing()
    {
        string path = _folder.File("none.env");
        (int exit, _) = await RunAsync(["secrets", "sync", "--ref", Ref, "--target", "env", "--out", path, "--fail-on-missing"]);
        Assert.Equal(1, exit);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task Sync_OfSeveralLines_IsNoEnvFile()
    {
        using var set = new Variables(("PROCESSOR_TEST_KEY", "a\nINJECTED=b"));
        (int exit, JsonElement answer) = await RunAsync(
            ["secrets", "sync", "--ref", Ref, "--target", "env", "--out", _folder.File("x.env")]);
        Assert.Equal((1, "ERR_VALIDATION"), (exit, answer.GetProperty("code").GetString()));
        Assert.Contains("PROCESSOR_TEST_KEY", answer.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_PrintsTheEnvelope_AndEndsAccordingly()
    {
        const string inputs = """{"schema":"v1","params":{"messages":[{"role":"user","content":"hi"}]}}""";
        (int exit, JsonElement envelope) = await RunAsync(
            ["run", "--ref", Ref, "--mode", "mock", "--inputs-json", inputs, "--artifacts", _folder.File("a"), "--run-id", "r1", "--json"]);
        Assert.Equal(0, exit);
        Assert.Equal("success", envelope.GetProperty("status").GetString());
        Assert.Equal("/artifacts/outputs/r1/outputs.json", envelope.GetProperty("index_path").GetString());
        Assert.StartsWith("cpu:2;memory:4Gi;", envelope.GetProperty("meta").GetProperty("env_fingerprint").GetString());

        (exit, envelope) = await RunAsync(["run", "--ref", Ref, "--mode", "mock", "--inputs-json", "{}"]);
        Assert.Equal((1, "ERR_INPUTS"), (exit, envelope.GetProperty("error").GetProperty("code").GetString()));
        (exit, envelope) = await RunAsync(["run", "--ref", Ref, "--mode", "mock", "--inputs-json", "no"]);
        Assert.Equal((1, "ERR_INPUTS"), (exit, envelope.GetProperty("code").GetString()));
        (exit, envelope) = await RunAsync(["run", "--ref", "no/such@1", "--mode", "mock", "--inputs-json", inputs]);
        Assert.Equal((1, "ERR_INPUTS"), (exit, envelope.GetProperty("error").GetProperty("code").GetString()));
        (exit, envelope) = await RunAsync(["run", "--ref", Ref, "--inputs", "-"], inputs);
        Assert.Equal((0, "success"), (exit, envelope.GetProperty("status").GetString()));
    }

    [Fact]
    public async Task Status_AsksTheHost()
    {
        await using ProcessorFixture host = await ProcessorFixture.StartAsync(new() { ["IMAGE_DIGEST"] = Digest });
        await PinAsync("--oci", $"ghcr.io/acme/llm@{Digest}");

        (int exit, JsonElement answer) = await RunAsync(["status", "--ref", Ref, "--url", host.Http.BaseAddress!.ToString()]);
        (int down, JsonElement silent) = await RunAsync(["status", "--ref", Ref, "--url", "http://127.0.0.1:1"]);

        Assert.Equal(0, exit);
        Assert.True(answer.GetProperty("pinned").GetBoolean());
        Assert.Equal(Digest, answer.GetProperty("digest").GetString());
        Assert.Equal(1, down);
        Assert.False(silent.GetProperty("ok").GetBoolean());
    }

    [Theory]
    [InlineData("secrets: [A]\n", 2)]
    [InlineData("runtime: { timeout_s: soon }\n", 2)]
    [InlineData("ref: llm/other@1\n", 2)]
    [InlineData("prices: [{ model: m, input: free, output: 1 }]\n", 2)]
    public async Task RegistryFile_Wrong_IsNamedWithItsLine(string text, int line)
    {
        Write("# first\n" + text);
        (int exit, JsonElement answer) = await RunAsync(["pin", "--ref", Ref]);
        Assert.Equal((1, "ERR_VALIDATION"), (exit, answer.GetProperty("code").GetString()));
        Assert.Matches($"registry\\.yaml.*{line}", answer.GetProperty("message").GetString());
    }

    [Fact]
    public async Task Verb_Unknown_IsAnError() => Assert.Equal(1, (await RunAsync(["dance"])).Exit);

    public void Dispose() => _folder.Dispose();

    private static string[] Names(JsonElement answer, string property) =>
        [.. answer.GetProperty(property).EnumerateArray().Select(name => name.GetString()!)];

    private void Write(string text)
    {
        string file = _folder.File("llm/litellm/1/registry.yaml");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    private Task<(int Exit, JsonElement Answer)> PinAsync(params string[] args) => RunAsync(["pin", "--ref", Ref, .. args]);

    private Task<(int Exit, JsonElement Answer)> VerifyAsync(string oci) =>
        RunAsync(["verify-digest", "--ref", Ref, "--oci", oci]);

    private async Task<(int Exit, JsonElement Answer)> RunAsync(string[] args, string input = "")
    {
        (int exit, string text) = await TextAsync(args, input);
        return (exit, JsonDocument.Parse(text).RootElement);
    }

    private async Task<(int Exit, string Text)> TextAsync(string[] args, string input = "")
    {
        var output = new StringWriter();
        string[] all = args[0] is "dance" ? args : [.. args, "--registry", _folder.Path];
        int exit = await Verb.RunAsync(all, output, new StringWriter(), new StringReader(input));
        return (exit, output.ToString());
    }

    /// <summary>Variables of this process while a test needs them; their names are no other test's.</summary>
    private sealed class Variables : IDisposable
    {
        private readonly (string Name, string Value)[] _set;

        public Variables(params (string Name, string Value)[] set)
        {
            _set = set;
            foreach ((string name, string value) in set)
            {
                Environment.SetEnvironmentVariable(name, value);
            }
        }

        public void Dispose()
        {
            foreach ((string name, _) in _set)
            {
                Environment.SetEnvironmentVariable(name, null);
            }
        }
    }
}
