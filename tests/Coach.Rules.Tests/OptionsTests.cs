using System.Reflection;
using System.Text.RegularExpressions;

namespace Coach.Rules.Tests;

/// <summary>A setting that the README does not name is a setting that nobody finds.</summary>
public sealed class OptionsTests
{
    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void EveryOption_OfAPackage_IsInItsReadme(string package)
    {
        string readme = File.ReadAllText(Path.Combine(Repository.Root, "src", package, "README.md"));
        string[] missing = [.. Repository.Load(package).GetExportedTypes()
            .Where(type => type.Name.EndsWith("Options", StringComparison.Ordinal) && type is { IsClass: true, IsAbstract: false })
            .SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(property => property.SetMethod?.IsPublic == true && !Regex.IsMatch(readme, $@"\b{property.Name}\b"))
                .Select(property => $"{type.Name}.{property.Name}"))];
        Assert.Empty(missing);
    }
}
