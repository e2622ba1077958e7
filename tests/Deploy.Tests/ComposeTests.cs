using System.Text.RegularExpressions;

namespace Deploy.Tests;

/// <summary>The compose files against what the compose specification allows and what this project asks for.</summary>
public sealed partial class ComposeTests
{
    private static readonly string[] ServiceKeys =
    [
        "image", "build", "command", "environment", "ports", "volumes", "networks", "secrets", "depends_on", "read_only", "user", "cap_drop",
        "cap_add", "security_opt", "tmpfs", "restart", "stop_grace_period", "logging", "mem_limit",
    ];

    private static readonly string[] Own = ["chat", "chat-1", "chat-2", "memo", "processor"];

    public static TheoryData<string> Files => ["compose.yaml", "compose.prod.yaml"];

    [Theory]
    [MemberData(nameof(Files))]
    public void File_HasKnownKeysOnly_AndRefersToWhatItDefines(string file)
    {
        Dictionary<object, object> compose = Assert.Single(DeployFiles.Documents(file));
        Assert.All(compose.Keys, key => Assert.True(
            key is "name" or "services" or "volumes" or "networks" or "secrets" || ((string)key).StartsWith("x-", StringComparison.Ordinal),
            $"{key}"));
        foreach ((string name, Dictionary<object, object> service) in Services(compose))
        {
            Assert.All(service.Keys, key => Assert.Contains((string)key, ServiceKeys));
            AssertDefined(compose, "secrets", service.List("secrets").Select(secret => (string)secret));
            AssertDefined(compose, "networks", service.GetValueOrDefault("networks") switch
            {
                List<object> names => names.Select(network => (string)network),
                Dictionary<object, object> named => named.Keys.Select(network => (string)network),
                _ => [],
            });
            foreach (string volume in service.List("volumes").Select(volume => (string)volume))
            {
                string source = VariablePattern().Replace(volume, "$1").Split(':')[0];
                if (source.StartsWith('.'))
                {
                    string path = Path.GetFullPath(Path.Combine(DeployFiles.Deploy, source));
                    Assert.True(Path.Exists(path), $"{name}: {source} is not there");
                }
                else if (!volume.StartsWith("${", StringComparison.Ordinal))
                {
                    AssertDefined(compose, "volumes", [source]);
                }
            }

            if (service.GetValueOrDefault("depends_on") is Dictionary<object, object> others)
            {
                AssertDefined(compose, "services", others.Keys.Select(other => (string)other));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Service_IsHardened(string file)
    {
        foreach ((string name, Dictionary<object, object> service) in Services(Assert.Single(DeployFiles.Documents(file))))
        {
            Assert.Equal("ALL", Assert.Single(service.List("cap_drop")));
            Assert.Equal("no-new-privileges:true", Assert.Single(service.List("security_opt")));
            Assert.True(service.ContainsKey("mem_limit"), name);
            Assert.Equal("unless-stopped", service.Text("restart"));
            if (Own.Contains(name))
            {
                Assert.Equal("true", service.Text("read_only"), ignoreCase: true);
                Assert.Equal("1654:1654", service.Text("user"));
                Assert.Contains(service.List("volumes"), volume => ((string)volume).EndsWith(":/data", StringComparison.Ordinal));
                Assert.True(int.Parse(service.Text("stop_grace_period").TrimEnd('s'), null) >= 35, name);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Ports_AreOnLoopback_ButThoseOfNginx(string file)
    {
        foreach ((string name, Dictionary<object, object> service) in Services(Assert.Single(DeployFiles.Documents(file))))
        {
            Assert.All(service.List("ports"), port => Assert.True(
                name == "nginx" ? port is "80:80" or "443:443" : ((string)port).StartsWith("127.0.0.1:", StringComparison.Ordinal),
                $"{name}: {port}"));
        }
    }

    [Fact]
    public void Production_TakesImagesByDigest_SecretsAsFiles_AndExplainsEachVariable()
    {
        Dictionary<object, object> compose = Assert.Single(DeployFiles.Documents("compose.prod.yaml"));
        Assert.All(Services(compose), service => Assert.Matches(@"^\$\{[A-Z]+_IMAGE:\?by digest\}$", service.Service.Text("image")));
        Assert.All(
            compose.Map("secrets"),
            secret => Assert.Equal($"${{SECRETS_DIR:?}}/{secret.Key}", ((Dictionary<object, object>)secret.Value).Text("file")));
        string[] named = [.. DeployFiles.Read("prod.env.example").Split('\n')
            .Where(line => line.Contains('=', StringComparison.Ordinal) && !line.StartsWith('#'))
            .Select(line => line.Split('=')[0])];
        string[] used = [.. VariableName().Matches(DeployFiles.Read("compose.prod.yaml")).Select(match => match.Groups[1].Value).Distinct()];
        Assert.Equal(used.Order(), named.Order());
        Assert.DoesNotContain(
            Services(compose).SelectMany(service =>
                (service.Service.GetValueOrDefault("environment") as Dictionary<object, object>)?.Keys.ToArray() ?? []),
            key => ((string)key).EndsWith("_KEY", StringComparison.Ordinal) || ((string)key).EndsWith("_SECRET", StringComparison.Ordinal));
    }

    [Fact]
    public void Try_BuildsFromDockerfilesThatAreThere() =>
        Assert.All(Services(Assert.Single(DeployFiles.Documents("compose.yaml"))), service =>
            Assert.True(File.Exists(Path.Combine(DeployFiles.Root, service.Service.Map("build").Text("dockerfile"))), service.Name));

    private static IEnumerable<(string Name, Dictionary<object, object> Service)> Services(Dictionary<object, object> compose) =>
        compose.Map("services").Select(pair => ((string)pair.Key, (Dictionary<object, object>)pair.Value));

    private static void AssertDefined(Dictionary<object, object> compose, string section, IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            Assert.True(compose.Map(section).ContainsKey(name), $"{section}: {name} is not defined");
        }
    }

    [GeneratedRegex(@"\$\{([A-Z_]+)(?::[?-][^}]*)?\}")]
    private static partial Regex VariableName();

    [GeneratedRegex(@"\$\{([A-Z_]+)[^}]*\}")]
    private static partial Regex VariablePattern();
}
