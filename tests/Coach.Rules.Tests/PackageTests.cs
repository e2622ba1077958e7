using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Coach.Rules.Tests;

/// <summary>What each package carries with it.</summary>
public sealed partial class PackageTests
{
    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void Changelog_TopHeading_IsTheVersion(string package)
    {
        string version = Repository.Project(package).Descendants("Version").Single().Value;
        string changelog = File.ReadAllText(Path.Combine(Repository.Root, "src", package, "CHANGELOG.md"));
        Assert.Equal(version, HeadingPattern().Match(changelog).Groups["version"].Value);
    }

    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void Readme_HasAnExample_AndNamesThePackage(string package)
    {
        string readme = File.ReadAllText(Path.Combine(Repository.Root, "src", package, "README.md"));
        Assert.StartsWith($"# {package}\n", readme.ReplaceLineEndings("\n"));
        Assert.Contains("```csharp", readme);
        Assert.False(string.IsNullOrWhiteSpace(Repository.Project(package).Descendants("Description").Single().Value));
    }

    [Fact]
    public void LocalFeed_OfNugetConfig_ExistsInTheClone()
    {
        XDocument config = XDocument.Load(Path.Combine(Repository.Root, "nuget.config"));
        XElement source = Assert.Single(config.Descendants("packageSources").Single().Elements("add"));
        Assert.Null(config.Descendants("clear").FirstOrDefault());
        Assert.True(Directory.Exists(Path.Combine(Repository.Root, source.Attribute("value")!.Value)));
    }

    [Fact]
    public void ChatSample_Program_StaysUnder80Lines() =>
        Assert.InRange(File.ReadAllLines(Path.Combine(Repository.Root, "samples", "Chat", "Program.cs")).Length, 1, 79);

    [GeneratedRegex(@"^## \[?(?<version>\d+\.\d+\.\d+[^\s\]]*)", RegexOptions.Multiline)]
    private static partial Regex HeadingPattern();
}
