using System.Text.RegularExpressions;

namespace Coach.Rules.Tests;

/// <summary>
/// Where a part of our own stands in a library's place, its record says when to look again, and in which test or benchmark the library
/// is the judge; where there is none, why.
/// </summary>
public sealed partial class RevisitTests
{
    private static readonly Lazy<IReadOnlySet<string>> Judges = new(() => SourceTypes.Of("tests", "benchmarks"));

    private static readonly Lazy<(string Name, string Text)[]> Records = new(() =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs", "decisions"), "*.md")
            .Order(StringComparer.Ordinal)
            .Select(file => (Path.GetFileName(file), File.ReadAllText(file).ReplaceLineEndings("\n")))
            .Where(record => TitlePattern().IsMatch(record.Item2) || record.Item2.Contains("**Judge", StringComparison.Ordinal)
                || record.Item2.Contains("Revisit when", StringComparison.Ordinal)),
    ]);

    [Fact]
    public void Records_OfOwnPartsInALibrarysPlace_AreFound() =>
        Assert.Subset(
            Records.Value.Select(record => record.Name[..4]).ToHashSet(StringComparer.Ordinal),
            new HashSet<string>(["0105", "0107", "0150", "0151", "0206", "0207", "0250", "0252", "0253", "0306", "0401"], StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(OwnParts))]
    public void Record_OfAnOwnPart_SaysWhenToLookAgain(string name) => Assert.Matches(RevisitPattern(), TextOf(name));

    [Theory]
    [MemberData(nameof(OwnParts))]
    public void Record_OfAnOwnPart_NamesAJudgeThatExistsOrWhyThereIsNone(string name)
    {
        Match judge = JudgePattern().Match(TextOf(name));
        Assert.True(judge.Success, $"{name} has no line \"**Judge:** `Class`\" or \"**Judge:** none: reason\".");
        string[] named = [.. ClassPattern().Matches(judge.Value).Select(match => match.Groups["name"].Value)];
        Assert.All(named, type => Assert.Contains(type, Judges.Value));
        Assert.True(judge.Groups["none"].Success || named.Length > 0, $"{name} names no test and no benchmark.");
    }

    public static TheoryData<string> OwnParts() => [.. Records.Value.Select(record => record.Name)];

    private static string TextOf(string name) => Records.Value.Single(record => record.Name == name).Text;

    [GeneratedRegex(@"\A# .*(\bown\b|written here|by hand|without a .*library)")]
    private static partial Regex TitlePattern();

    [GeneratedRegex(@"^\*\*Revisit when:\*\* \S.{10,}", RegexOptions.Multiline)]
    private static partial Regex RevisitPattern();

    // The paragraph: a reason is a sentence, not a word.
    [GeneratedRegex(@"^\*\*Judge:\*\* ((?<none>none: \S.{20,})|(?=`\w+(Tests|Benchmarks)`)).*(\n\S.*)*", RegexOptions.Multiline)]
    private static partial Regex JudgePattern();

    [GeneratedRegex(@"`(?<name>\w+(Tests|Benchmarks))`")]
    private static partial Regex ClassPattern();
}
