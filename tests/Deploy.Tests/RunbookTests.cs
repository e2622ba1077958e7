using System.Text.RegularExpressions;

namespace Deploy.Tests;

public sealed partial class RunbookTests
{
    public static TheoryData<string> Pages =>
        [.. Directory.EnumerateFiles(DeployFiles.Deploy, "*.md", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(DeployFiles.Deploy, file))];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Page_LeadsToWhatIsThere(string page)
    {
        string text = DeployFiles.Read(page);
        string folder = Path.GetDirectoryName(Path.Combine(DeployFiles.Deploy, page))!;
        Assert.All(
            LinkTarget().Matches(text).Select(match => match.Groups[1].Value.Split('#')[0]),
            target => Assert.True(Path.Exists(Path.Combine(folder, target)), target));
        Assert.All(
            RepositoryPath().Matches(text).Select(match => match.Value).Where(path => path is not ("deploy/docker/bases.env" or "deploy/prod.env")),
            path => Assert.True(Path.Exists(Path.Combine(DeployFiles.Root, path.TrimEnd('.', '/'))), path));
    }

    [Fact]
    public void Runbooks_AreTheSixThatWereAskedFor() => Assert.Equal(
        ["backup-and-restore.md", "disaster.md", "first-deployment.md", "key-rotation.md", "rollback.md", "update.md"],
        Directory.EnumerateFiles(Path.Combine(DeployFiles.Deploy, "runbooks")).Select(file => Path.GetFileName(file)).Order());

    [GeneratedRegex(@"\]\((?!https?:)([^)]+)\)")]
    private static partial Regex LinkTarget();

    [GeneratedRegex(@"\b(?:deploy|tests|samples|benchmarks)/[A-Za-z0-9_./-]+")]
    private static partial Regex RepositoryPath();
}
