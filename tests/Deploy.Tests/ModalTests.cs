using System.Text.Json;

namespace Deploy.Tests;

/// <summary><c>modal/app.py</c> against a stand-in of the library that records what it is asked for.</summary>
public sealed class ModalTests : IDisposable
{
    private const string Library = """
        import json, os, atexit
        calls = []
        def record(name, *args, **options):
            calls.append([name, list(args), options])
        class Image:
            @staticmethod
            def from_registry(name): record("image", name); return Image()
            def env(self, values): record("env", values); return self
        class Secret:
            @staticmethod
            def from_name(name): record("secret", name); return "secret:" + name
        class Volume:
            @staticmethod
            def from_name(name, create_if_missing=False): record("volume", name); return "volume:" + name
        class App:
            def __init__(self, name, image=None): record("app", name)
            def function(self, **options):
                record("function", **options)
                return lambda f: f
        def concurrent(**options):
            record("concurrent", **options)
            return lambda f: f
        def web_server(port, **options):
            record("web_server", port, **options)
            return lambda f: f
        atexit.register(lambda: print(json.dumps(calls)))
        """;

    private static readonly string Digest = "sha256:" + new string('c', 64);

    private readonly TempFolder _folder = new();

    public ModalTests() => File.WriteAllText(_folder.File("modal.py"), Library);

    [Theory]
    [InlineData("processor", "dev", "feature/X_y", "Ann", "feature-x-y-ann-llm-litellm-v1")]
    [InlineData("processor", "main", "", "", "llm-litellm-v1")]
    [InlineData("chat", "staging", "", "", "coach-chat")]
    [InlineData("memo", "dev", "b", "u", "b-u-coach-memo")]
    public async Task App_IsNamedAsTheVerbNamesIt_WithSecretsByName(string app, string environment, string branch, string user, string name)
    {
        (int code, string output, string errors) = await RunAsync(new()
        {
            ["COACH_APP"] = app,
            ["COACH_ENV"] = environment,
            ["GIT_BRANCH"] = branch,
            ["GIT_USER"] = user,
            ["COACH_IMAGE"] = "ghcr.io/acme/coach@" + Digest,
            ["MODAL_MEMORY_MB"] = "2048",
            ["OPENAI_API_KEY"] = "sk-canary",
        });

        Assert.True(code == 0, errors);
        Assert.DoesNotContain("canary", output, StringComparison.Ordinal);
        List<JsonElement> calls = [.. JsonDocument.Parse(output).RootElement.EnumerateArray()];
        Assert.Equal(name, Call(calls, "app")[1][0].GetString());
        Assert.Equal("ghcr.io/acme/coach@" + Digest, Call(calls, "image")[1][0].GetString());
        Assert.Equal(Digest, Call(calls, "env")[1][0].GetProperty("IMAGE_DIGEST").GetString());
        JsonElement function = Call(calls, "function")[2];
        Assert.Equal(2048, function.GetProperty("memory").GetInt32());
        Assert.Equal(3, function.GetProperty("max_containers").GetInt32());
        Assert.Equal(300, function.GetProperty("scaledown_window").GetInt32());
        Assert.True(function.GetProperty("timeout").GetInt32() >= 600);
        Assert.All(function.GetProperty("secrets").EnumerateArray(), secret => Assert.Matches("^secret:[A-Z_]+$", secret.GetString()));
        Assert.Equal(8080, Call(calls, "web_server")[1][0].GetInt32());
    }

    [Theory]
    [InlineData("COACH_IMAGE", "ghcr.io/acme/coach:latest", "ERR_IMAGE_UNPINNED")]
    [InlineData("COACH_IMAGE", "", "ERR_IMAGE_UNPINNED")]
    [InlineData("COACH_ENV", "prod", "ERR_INPUTS")]
    [InlineData("COACH_APP", "other", "ERR_INPUTS")]
    [InlineData("COACH_REF", "litellm", "ERR_INPUTS")]
    [InlineData("GIT_USER", "", "ERR_INPUTS")]
    [InlineData("MODAL_MEMORY_MB", "0", "MODAL_MEMORY_MB")]
    [InlineData("MODAL_MAX_CONTAINERS", "-1", "MODAL_MAX_CONTAINERS")]
    public async Task App_WithAWrongSetting_IsNotDeployed(string variable, string value, string error)
    {
        var variables = new Dictionary<string, string>
        {
            ["COACH_IMAGE"] = "ghcr.io/acme/coach@" + Digest,
            ["COACH_ENV"] = "dev",
            ["GIT_BRANCH"] = "b",
            ["GIT_USER"] = "u",
        };
        variables[variable] = value;

        (int code, _, string errors) = await RunAsync(variables);

        Assert.NotEqual(0, code);
        Assert.Contains(error, errors, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private static JsonElement Call(IEnumerable<JsonElement> calls, string name) =>
        Assert.Single(calls, call => call[0].GetString() == name);

    private Task<(int Code, string Output, string Errors)> RunAsync(Dictionary<string, string> variables)
    {
        DeployFiles.SkipWithout("python3", "python3");
        variables["PYTHONPATH"] = _folder.Path;
        variables["PYTHONDONTWRITEBYTECODE"] = "1";
        return DeployFiles.RunAsync(
            File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3", [Path.Combine(DeployFiles.Deploy, "modal", "app.py")], variables: variables);
    }
}
