using System.Text.RegularExpressions;

namespace Coach.Rules.Tests;

/// <summary>The modules of a package as <c>docs/architecture.md</c> lists them under <c>### Package</c>, bottom up.</summary>
internal static partial class ModuleList
{
    private static readonly string Page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "architecture.md")).ReplaceLineEndings("\n");

    /// <summary>The packages that have such a list.</summary>
    public static IEnumerable<string> Packages => SectionPattern().Matches(Page).Select(match => match.Groups["package"].Value);

    /// <summary>The modules of a package, lowest first; empty when the page has no list for it.</summary>
    public static IReadOnlyList<string> Of(string package)
    {
        Match? section = SectionPattern().Matches(Page).FirstOrDefault(match => match.Groups["package"].Value == package);
        return section is null ? [] : [.. ItemPattern().Matches(section.Groups["body"].Value).Select(item => item.Groups["module"].Value)];
    }

    [GeneratedRegex(@"^### (?<package>Coach\.[\w.]+)[ \t]*\n(?<body>.*?)(?=^#|\z)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex SectionPattern();

    [GeneratedRegex(@"^- `(?<module>[\w/]+)`: \S", RegexOptions.Multiline)]
    private static partial Regex ItemPattern();
}
