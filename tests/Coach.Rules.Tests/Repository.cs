using System.Reflection;
using System.Xml.Linq;

namespace Coach.Rules.Tests;

/// <summary>Where the repository is, which packages it ships, and their assemblies.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<string> Packages { get; } =
        [.. Directory.GetDirectories(Path.Combine(Root, "src"), "Coach.*").Select(Path.GetFileName).Order(StringComparer.Ordinal)!];

    public static string ProjectFile(string package) => Path.Combine(Root, "src", package, package + ".csproj");

    public static XDocument Project(string package) => XDocument.Load(ProjectFile(package));

    public static Assembly Load(string package) => Assembly.Load(package);

    public static IEnumerable<string> SourceFiles(string package) => Directory
        .EnumerateFiles(Path.Combine(Root, "src", package), "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    public static TheoryData<string> EachPackage() => [.. Packages];

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Coach.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("Coach.sln was not found above the test's folder; run the tests from a clone.");
    }
}
