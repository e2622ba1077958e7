namespace Deploy.Tests;

/// <summary>This project's rules for Dockerfiles.</summary>
public sealed class DockerfileTests
{
    public static TheoryData<string> Apps => ["Chat", "Memo", "Processor"];

    [Theory]
    [MemberData(nameof(Apps))]
    public void Bases_ComeByArgument_SoThatAScriptCanPinThem(string app)
    {
        List<string> steps = Steps(app);
        Assert.Equal(
            ["FROM --platform=$BUILDPLATFORM ${SDK_IMAGE} AS build", "FROM ${RUNTIME_IMAGE} AS final"],
            steps.Where(step => step.StartsWith("FROM ", StringComparison.Ordinal)));
        Assert.Contains(steps, step => step.StartsWith("ARG RUNTIME_IMAGE=", StringComparison.Ordinal) && step.EndsWith("-chiseled", StringComparison.Ordinal));
        Assert.DoesNotContain(steps, step => step.Contains("latest", StringComparison.Ordinal) || step.StartsWith("ADD ", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void Final_RunsAsAnotherUser_WithoutAShell(string app)
    {
        List<string> final = Final(app);
        Assert.DoesNotContain(final, step => step.StartsWith("RUN ", StringComparison.Ordinal));
        Assert.Contains("USER 1654:1654", final);
        Assert.True(final.IndexOf("USER 1654:1654") > final.FindLastIndex(step => step.StartsWith("COPY ", StringComparison.Ordinal)));
        Assert.Equal($"ENTRYPOINT [\"dotnet\", \"/app/{app}.dll\"]", final[^1]);
        string health = Assert.Single(final, step => step.StartsWith("HEALTHCHECK ", StringComparison.Ordinal));
        Assert.Contains("CMD [\"dotnet\", \"/health/HealthCheck.dll\", \"http://127.0.0.1:8080/", health, StringComparison.Ordinal);
        Assert.Contains(final, step => step == "VOLUME [\"/data\"]");
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void Environment_HoldsNoSecret(string app) =>
        Assert.DoesNotContain(Final(app), step =>
            (step.StartsWith("ENV ", StringComparison.Ordinal) || step.StartsWith("ARG ", StringComparison.Ordinal))
            && (step.Contains("_KEY", StringComparison.Ordinal) || step.Contains("PASSWORD", StringComparison.Ordinal)
                || step.Contains("_SECRET", StringComparison.Ordinal)));

    [Theory]
    [MemberData(nameof(Apps))]
    public void Copies_AreOfWhatIsThere_AndHoldAllThatIsPublished(string app)
    {
        if (app == "Memo" && !Directory.Exists(Path.Combine(DeployFiles.Root, "samples", "Memo")))
        {
            Assert.Skip("samples/Memo is not in this tree.");
        }

        string[] copied = [.. Steps(app)
            .Where(step => step.StartsWith("COPY ", StringComparison.Ordinal) && !step.Contains("--from", StringComparison.Ordinal))
            .SelectMany(step => step.Split(' ')[1..^1])];
        Assert.All(copied, path => Assert.True(Path.Exists(Path.Combine(DeployFiles.Root, path)), path));
        string[] published = [.. Steps(app)
            .Where(step => step.StartsWith("RUN dotnet publish ", StringComparison.Ordinal))
            .Select(step => step.Split(' ')[3])];
        Assert.Equal([$"samples/{app}/{app}.csproj", "deploy/HealthCheck/HealthCheck.csproj"], published);
        Assert.All(published, project =>
        {
            string text = File.ReadAllText(Path.Combine(DeployFiles.Root, project));
            foreach (string include in text.Split("Include=\"../../").Skip(1).Select(rest => rest.Split('"')[0].Split("**")[0]))
            {
                Assert.True(
                    copied.Any(path => include.StartsWith(path, StringComparison.Ordinal) || path == include),
                    $"{project} needs {include}, which is not copied");
            }
        });
    }

    [Fact]
    public void Ignored_IsWhatNoImageNeeds()
    {
        string[] ignored = File.ReadAllLines(Path.Combine(DeployFiles.Root, ".dockerignore"));
        Assert.All((string[])["**/bin/", "**/obj/", ".git/", "**/*.env", "**/secrets/"], entry => Assert.Contains(entry, ignored));
    }

    // Comments gone, continued lines joined.
    private static List<string> Steps(string app)
    {
        string text = string.Join('\n', File.ReadLines(Path.Combine(DeployFiles.Deploy, "docker", app + ".Dockerfile"))
            .Where(line => !line.StartsWith('#')));
        return [.. text.Replace("\\\n", "", StringComparison.Ordinal).Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0)];
    }

    private static List<string> Final(string app)
    {
        List<string> steps = Steps(app);
        return steps[steps.FindLastIndex(step => step.StartsWith("FROM ", StringComparison.Ordinal))..];
    }
}
