namespace Coach.Rules.Tests;

/// <summary>Folders are modules: they refer to each other one way, in the order in which <c>docs/architecture.md</c> lists them.</summary>
public sealed class ModuleArrowTests
{
    private static readonly string KnownPairs = Path.Combine(Repository.Root, "tests", "Coach.Rules.Tests", "Approved", "TwoWayModules.txt");

    /// <summary>Pairs that still refer to each other stand in a file that may only get shorter.</summary>
    [Fact]
    public void TwoWayPairs_OfAllPackages_AreTheKnownOnes()
    {
        string[] known = File.ReadAllLines(KnownPairs);
        string[] actual = [.. Repository.Packages
            .SelectMany(package => ModuleGraph.Of(package).TwoWayPairs.Select(pair => $"{package}: {pair}"))
            .Order(StringComparer.Ordinal)];
        Assert.Empty(actual.Except(known));
        if (Environment.GetEnvironmentVariable("COACH_APPROVE") == "1")
        {
            File.WriteAllLines(KnownPairs, actual);
            known = actual;
        }

        Assert.Equal(known, actual);
    }

    [Theory]
    [MemberData(nameof(ListedPackages))]
    public void Modules_OfAPackage_AreTheListedOnes(string package) =>
        Assert.Equal(ModuleGraph.Of(package).Modules.Order(StringComparer.Ordinal), ModuleList.Of(package).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(ListedPackages))]
    public void Arrows_OfAPackage_PointToModulesListedBefore(string package)
    {
        List<string> order = [.. ModuleList.Of(package)];
        Assert.Empty(ModuleGraph.Of(package).Arrows
            .Where(arrow => order.IndexOf(arrow.Key.To) >= order.IndexOf(arrow.Key.From))
            .Select(arrow => $"{arrow.Key.From} must not refer to {arrow.Key.To}: {string.Join(", ", arrow.Value.Take(5))}"));
    }

    [Theory]
    [MemberData(nameof(ListedPackages))]
    public void InternalTypes_OfAPackage_LiveInTheNamespaceOfTheirFolder(string package) =>
        Assert.Empty(ModuleGraph.Of(package).Types
            .Where(type => type.IsInternal && type.Module != ModuleGraph.Root && type.Namespace != $"{package}.{type.Module.Replace('/', '.')}")
            .Select(type => $"{type.Type} in {type.Module} has the namespace {type.Namespace}"));

    public static TheoryData<string> ListedPackages() => [.. ModuleList.Packages];
}
