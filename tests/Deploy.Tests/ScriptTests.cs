namespace Deploy.Tests;

/// <summary>The scripts, with stand-ins for what needs a container engine or a cluster.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ScriptTests : IDisposable
{
    private static readonly string Digest = "sha256:" + new string('d', 64);

    private readonly TempFolder _folder = new();

    public ScriptTests()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The scripts are bash's.");
        Directory.CreateDirectory(_folder.File("bin"));
    }

    [Fact]
    public async Task Scripts_AreBash()
    {
        foreach (string script in Directory.EnumerateFiles(Path.Combine(DeployFiles.Deploy, "scripts"), "*.sh"))
        {
            (int code, _, string errors) = await DeployFiles.RunAsync("bash", ["-n", script]);
            Assert.True(code == 0, errors);
            Assert.Contains("set -euo pipefail", await File.ReadAllTextAsync(script), StringComparison.Ordinal);
            Assert.True(File.GetUnixFileMode(script).HasFlag(UnixFileMode.UserExecute), script);
        }
    }

    [Fact]
    public async Task PinBases_PrintsDigests_AndFailsWithoutOne()
    {
        string path = DeployFiles.StandIn(_folder.File("bin"), "docker", $"echo {Digest}\n");
        (int code, string output, _) = await RunAsync("pin-bases.sh", path);
        Assert.Equal(0, code);
        Assert.Equal(
            $"SDK_IMAGE=mcr.microsoft.com/dotnet/sdk@{Digest}\nRUNTIME_IMAGE=mcr.microsoft.com/dotnet/aspnet@{Digest}\n", output);

        DeployFiles.StandIn(_folder.File("bin"), "docker", "echo oops\n");
        Assert.NotEqual(0, (await RunAsync("pin-bases.sh", path)).Code);
    }

    [Fact]
    public async Task BuildImage_RefusesTags_AndPrintsTheDigestThatWasPushed()
    {
        DeployFiles.Copy("deploy", _folder.Path);
        string path = DeployFiles.StandIn(_folder.File("bin"), "docker", $$"""
            printf '%s\n' "$@" > "{{_folder.File("args")}}"
            while [ $# -gt 0 ]; do [ "$1" = --metadata-file ] && echo '{"containerimage.digest": "{{Digest}}"}' > "$2"; shift; done
            """);
        DeployFiles.StandIn(_folder.File("bin"), "git", "echo 0123456789abcdef\n");
        string bases = _folder.File("deploy/docker/bases.env");
        (int code, _, string errors) = await BuildAsync(path);
        Assert.Equal(1, code);
        Assert.Contains("ERR_IMAGE_UNPINNED", errors, StringComparison.Ordinal);
        await File.WriteAllTextAsync(bases, "SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:10.0\nRUNTIME_IMAGE=x@" + Digest + "\n");
        Assert.Equal(1, (await BuildAsync(path)).Code);
        await File.WriteAllTextAsync(bases, $"SDK_IMAGE=a/sdk@{Digest}\nRUNTIME_IMAGE=a/aspnet@{Digest}\n");

        (code, string output, errors) = await BuildAsync(path);

        Assert.True(code == 0, errors);
        Assert.Equal($"registry.example.com/coach-processor@{Digest}\n", output);
        string args = await File.ReadAllTextAsync(_folder.File("args"));
        Assert.Contains("linux/amd64,linux/arm64", args, StringComparison.Ordinal);
        Assert.Contains($"SDK_IMAGE=a/sdk@{Digest}", args, StringComparison.Ordinal);
        Assert.Contains("deploy/docker/Processor.Dockerfile", args, StringComparison.Ordinal);

        Task<(int Code, string Output, string Errors)> BuildAsync(string search) => DeployFiles.RunAsync(
            "bash", [_folder.File("deploy/scripts/build-image.sh"), "Processor", "linux/amd64,linux/arm64"], _folder.Path,
            new() { ["PATH"] = search, ["REGISTRY"] = "registry.example.com" });
    }

    [Fact]
    public async Task SetImage_WritesTheDigest_AndRefusesTags()
    {
        DeployFiles.Copy("deploy", _folder.Path);
        foreach (string name in (string[])["chat", "memo", "processor"])
        {
            string image = $"ghcr.io/acme/coach-{name}@{Digest}";
            (int code, _, string errors) = await DeployFiles.RunAsync(
                "bash", [_folder.File("deploy/scripts/set-image.sh"), name, image], _folder.Path);
            Assert.True(code == 0, errors);
            string manifest = await File.ReadAllTextAsync(_folder.File($"deploy/kubernetes/{name}.yaml"));
            Assert.Contains("image: " + image + "\n", manifest, StringComparison.Ordinal);
            Assert.DoesNotContain("sha256:0000", manifest, StringComparison.Ordinal);
        }

        (int refused, _, string why) = await DeployFiles.RunAsync(
            "bash", [_folder.File("deploy/scripts/set-image.sh"), "chat", "ghcr.io/acme/chat:latest"], _folder.Path);
        Assert.Equal(1, refused);
        Assert.Contains("ERR_IMAGE_UNPINNED", why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_RefusesTagsMissingSecretsAndOpenOnes_ThenStarts()
    {
        DeployFiles.Copy("deploy", _folder.Path);
        string path = DeployFiles.StandIn(_folder.File("bin"), "docker", $"printf '%s ' \"$@\" > \"{_folder.File("args")}\"\n");
        string secrets = Directory.CreateDirectory(_folder.File("secrets")).FullName;
        string env = _folder.File("deploy/prod.env");
        string example = DeployFiles.Read("prod.env.example").Replace("/etc/coach/secrets", secrets, StringComparison.Ordinal);
        (int code, _, string errors) = await UpAsync();
        Assert.Contains("no prod.env", errors, StringComparison.Ordinal);
        await File.WriteAllTextAsync(env, example);
        (code, _, errors) = await UpAsync();
        Assert.Equal((1, true), (code, errors.StartsWith("ERR_IMAGE_UNPINNED: CHAT_IMAGE", StringComparison.Ordinal)));
        string pinned = System.Text.RegularExpressions.Regex.Replace(example, "(?m)^([A-Z]+_IMAGE)=$", $"$1=r/x@{Digest}");
        await File.WriteAllTextAsync(env, pinned);
        (code, _, errors) = await UpAsync();
        Assert.Contains("ERR_REGISTRY_MISMATCH", errors, StringComparison.Ordinal);
        await File.WriteAllTextAsync(env, pinned.Replace("PROCESSOR_DIGEST=", "PROCESSOR_DIGEST=" + Digest, StringComparison.Ordinal));
        (code, _, errors) = await UpAsync();
        Assert.Contains("ERR_MISSING_SECRET: STRIPE_API_KEY STRIPE_WEBHOOK_SECRET", errors, StringComparison.Ordinal);
        foreach (string name in errors.Trim().Split(' ').Skip(1))
        {
            await File.WriteAllTextAsync(Path.Combine(secrets, name), "x");
            File.SetUnixFileMode(Path.Combine(secrets, name), UnixFileMode.UserRead | UnixFileMode.GroupRead);
        }

        File.SetUnixFileMode(Path.Combine(secrets, "JWT_SIGNING_KEY"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
        (code, _, errors) = await UpAsync();
        Assert.Contains("others may read", errors, StringComparison.Ordinal);
        File.SetUnixFileMode(Path.Combine(secrets, "JWT_SIGNING_KEY"), UnixFileMode.UserRead);

        (code, _, errors) = await UpAsync();

        Assert.True(code == 0, errors);
        Assert.StartsWith("compose --env-file prod.env -f compose.prod.yaml up --detach --wait", await File.ReadAllTextAsync(_folder.File("args")));

        Task<(int Code, string Output, string Errors)> UpAsync() => DeployFiles.RunAsync(
            "bash", [_folder.File("deploy/scripts/up.sh")], _folder.Path, new() { ["PATH"] = path });
    }

    [Fact]
    public async Task Replace_TakesTheHostOutOfTheList_AndPutsItBack_WhateverHappens()
    {
        DeployFiles.Copy("deploy", _folder.Path);
        string site = _folder.File("deploy/nginx/sites/chat.conf");
        string before = await File.ReadAllTextAsync(site);
        string path = DeployFiles.StandIn(_folder.File("bin"), "docker", $"echo reload >> {_folder.File("log")}\n");
        string up = $"grep -c 'chat-1:8080 down ' {site} >> {_folder.File("log")}; echo up $* >> {_folder.File("log")}\n";
        DeployFiles.StandIn(_folder.File("deploy/scripts"), "up.sh", up);
        var variables = new Dictionary<string, string> { ["PATH"] = path, ["SETTLE"] = "0" };
        string script = _folder.File("deploy/scripts/replace.sh");

        (int code, _, string errors) = await DeployFiles.RunAsync("bash", [script, "chat-1"], _folder.Path, variables);

        Assert.True(code == 0, errors);
        Assert.Equal("reload\n1\nup --no-deps chat-1\nreload\n", await File.ReadAllTextAsync(_folder.File("log")));
        Assert.Equal(before, await File.ReadAllTextAsync(site));
        DeployFiles.StandIn(_folder.File("deploy/scripts"), "up.sh", "exit 1\n");
        Assert.Equal(1, (await DeployFiles.RunAsync("bash", [script, "chat-1"], _folder.Path, variables)).Code);
        Assert.Equal(before, await File.ReadAllTextAsync(site));
        await File.WriteAllTextAsync(site, before.Replace("chat-2:8080 ", "chat-2:8080 down ", StringComparison.Ordinal));
        (code, _, errors) = await DeployFiles.RunAsync("bash", [script, "chat-1"], _folder.Path, variables);
        Assert.Equal((1, "no other host answers\n"), (code, errors));
        Assert.Equal(1, (await DeployFiles.RunAsync("bash", [script, "memo"], _folder.Path, variables)).Code);
        Assert.Equal(2, (await DeployFiles.RunAsync("bash", [script, "chat-9"], _folder.Path, variables)).Code);
    }

    [Fact]
    public async Task CiTemplate_ItsStepsDoWhatTheySay()
    {
        DeployFiles.Copy("deploy", _folder.Path);
        DeployFiles.Copy("samples/Processor/registry", _folder.Path);
        string bin = _folder.File("bin");
        string log = _folder.File("log");
        string path = DeployFiles.StandIn(bin, "dotnet", $"echo \"dotnet $*\" >> {log}\n");
        DeployFiles.StandIn(bin, "kubectl", $"echo \"kubectl $*\" >> {log}; [ \"$1 $2\" != 'rollout status' ] || [ -z \"${{FAIL:-}}\" ]\n");
        DeployFiles.StandIn(bin, "trivy", $"echo \"trivy $*\" >> {log}\n");
        DeployFiles.StandIn(bin, "git", "echo 0123456789abcdef\n");
        DeployFiles.StandIn(bin, "docker", $$"""
            echo "docker $1 $2" >> {{log}}
            [ "$2" != imagetools ] || echo {{Digest}}
            while [ $# -gt 0 ]; do [ "$1" = --metadata-file ] && echo '{"containerimage.digest": "{{Digest}}"}' > "$2"; shift; done
            exit 0
            """);
        Dictionary<object, object> workflow = DeployFiles.Documents("ci/deploy.yml")[0];
        Dictionary<string, string> variables = workflow.Map("env").ToDictionary(pair => (string)pair.Key, pair => (string)pair.Value);
        variables["PATH"] = path;
        variables["REGISTRY"] = "registry.example.com";
        string image = $"registry.example.com/coach-processor@{Digest}";
        var steps = ((Dictionary<object, object>)workflow.At("jobs", "deploy")).List("steps").Cast<Dictionary<object, object>>()
            .Where(step => step.ContainsKey("run") && !(step.GetValueOrDefault("if") as string ?? "").StartsWith("${{ inputs", StringComparison.Ordinal))
            .Select(step => (Name: step.Text("name"), Run: step.Text("run"))).ToList();

        foreach ((string name, string run) in steps)
        {
            Assert.DoesNotContain("${{", run, StringComparison.Ordinal); // nothing of an event becomes part of a command
            (int code, _, string errors) = await DeployFiles.RunAsync("bash", ["-e", "-o", "pipefail", "-c", run], _folder.Path, variables);
            Assert.True(code == 0, name + ": " + errors);
        }

        string done = await File.ReadAllTextAsync(log);
        int at = 0;
        foreach (string next in (string[])
            ["dotnet test tests/Processor.Tests", "docker buildx imagetools", "docker buildx build", "trivy image", "-- pin", "-- verify-digest",
             "-- secrets sync", "kubectl apply -f secrets.yaml", "kubectl apply -k deploy/kubernetes", "kubectl rollout status"])
        {
            at = done.IndexOf(next, at, StringComparison.Ordinal);
            Assert.True(at >= 0, next + " does not follow:\n" + done);
        }

        Assert.Contains(image, done, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File("secrets.yaml")));
        variables["FAIL"] = "1";
        Assert.Equal(1, (await DeployFiles.RunAsync("bash", ["-e", "-c", steps[^1].Run], _folder.Path, variables)).Code);
        Assert.Contains("kubectl rollout undo", await File.ReadAllTextAsync(log), StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private static Task<(int Code, string Output, string Errors)> RunAsync(string script, string path) => DeployFiles.RunAsync(
        "bash", [Path.Combine(DeployFiles.Deploy, "scripts", script)], variables: new() { ["PATH"] = path });
}
