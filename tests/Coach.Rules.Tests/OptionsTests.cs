using System.Reflection;
using System.Text.RegularExpressions;

namespace Coach.Rules.Tests;

/// <summary>
/// A setting that the README does not name is one that nobody finds; one that no test, sample or benchmark names is one that nobody tried.
/// </summary>
public sealed partial class OptionsTests
{
    // Words, not uses: a name in a string or a configuration key counts, one inside a longer name does not.
    private static readonly Lazy<HashSet<string>> WordsInUse = new(() => new[] { "tests", "samples", "benchmarks" }
        .SelectMany(SourceTypes.Files)
        .SelectMany(file => WordPattern().Matches(File.ReadAllText(file)).Select(word => word.Value))
        .ToHashSet(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void EveryOption_OfAPackage_IsInItsReadme(string package)
    {
        string readme = File.ReadAllText(Path.Combine(Repository.Root, "src", package, "README.md"));
        Assert.Empty(OptionsOf(package).Where(option => !Regex.IsMatch(readme, $@"\b{option.Name}\b")).Select(Show));
    }

    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void EveryOption_OfAPackage_IsNamedByATestSampleOrBenchmark(string package) =>
        Assert.Empty(OptionsOf(package).Where(option => !WordsInUse.Value.Contains(option.Name)).Select(Show));

    private static IEnumerable<PropertyInfo> OptionsOf(string package) => Repository.Load(package).GetExportedTypes()
        .Where(type => type.Name.EndsWith("Options", StringComparison.Ordinal) && type is { IsClass: true, IsAbstract: false })
        .SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        .Where(property => property.SetMethod?.IsPublic == true);

    private static string Show(PropertyInfo option) => $"{option.DeclaringType!.Name}.{option.Name}";

    [GeneratedRegex(@"\w+")]
    private static partial Regex WordPattern();
}
