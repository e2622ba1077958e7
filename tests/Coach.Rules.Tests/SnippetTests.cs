using System.Text.RegularExpressions;

namespace Coach.Rules.Tests;

/// <summary>
/// Every C# block of a page stands, word for word, in a region of a file that this project compiles. Quick starts are whole programs:
/// eng/check-readmes.sh builds and runs them outside the repository.
/// </summary>
public sealed partial class SnippetTests
{
    public static TheoryData<string> Pages() =>
    [
        .. Directory.EnumerateFiles(Repository.Root, "*.md", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Repository.Root, file).Replace('\\', '/'))
            .Where(file => file == "README.md" || file.StartsWith("docs/", StringComparison.Ordinal)
                || (file.StartsWith("src/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)))
            .Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void Readme_OfAPackage_BeginsWithAWholeProgram(string package)
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, "src", package, "README.md")).ReplaceLineEndings("\n");
        Match start = QuickStartPattern().Match(text);
        Assert.True(start.Success, $"src/{package}/README.md has no quick start of commands and a whole program.");
        Assert.StartsWith("using ", start.Groups["code"].Value, StringComparison.Ordinal);
        Assert.Contains("dotnet add package Coach.", start.Value, StringComparison.Ordinal);
        Assert.Equal(text.IndexOf("```csharp", StringComparison.Ordinal), text.IndexOf("```csharp\nusing ", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void CSharpBlocks_OfAPage_AreCompiledRegions(string page)
    {
        string text = File.ReadAllText(Path.Combine(Repository.Root, page)).ReplaceLineEndings("\n");
        foreach (Match block in BlockPattern().Matches(QuickStartPattern().Replace(text, "")))
        {
            string code = Normalise(block.Groups["code"].Value);
            Assert.True(Regions.Value.Contains(code), $"{page} has a C# block that is no region of tests/Coach.Rules.Tests/Snippets or samples:\n{code}");
        }
    }

    private static readonly Lazy<HashSet<string>> Regions = new(() =>
    {
        string[] folders = [Path.Combine(Repository.Root, "tests", "Coach.Rules.Tests", "Snippets"), Path.Combine(Repository.Root, "samples")];
        return [.. folders.SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
            .SelectMany(file => RegionPattern().Matches(File.ReadAllText(file).ReplaceLineEndings("\n"))).Select(match => Normalise(match.Groups["code"].Value))];
    });

    private static string Normalise(string code)
    {
        string[] lines = [.. code.Split('\n').Select(line => line.TrimEnd())];
        int indent = lines.Where(line => line.Length > 0).Select(line => line.Length - line.TrimStart().Length).DefaultIfEmpty(0).Min();
        return string.Join('\n', lines.Select(line => line.Length > indent ? line[indent..] : line.TrimStart())).Trim('\n');
    }

    [GeneratedRegex(@"^## Quick start\n\n```bash\n[^`]*```\n\n`Program\.cs`, whole:\n\n```csharp\n(?<code>.*?)```\n", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex QuickStartPattern();

    [GeneratedRegex(@"```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex BlockPattern();

    [GeneratedRegex(@"^[ \t]*#region[^\n]*\n(?<code>.*?)^[ \t]*#endregion", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex RegionPattern();
}
