using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Coach.Rules.Tests;

/// <summary>The names of the types that a folder's sources declare, nested ones included.</summary>
internal static class SourceTypes
{
    public static IReadOnlySet<string> Of(params string[] folders) => folders
        .SelectMany(Files)
        .SelectMany(file => CSharpSyntaxTree.ParseText(File.ReadAllText(file)).GetRoot().DescendantNodes())
        .Select(node => node switch
        {
            BaseTypeDeclarationSyntax type => type.Identifier.ValueText,
            DelegateDeclarationSyntax type => type.Identifier.ValueText,
            _ => "",
        })
        .Where(name => name.Length > 0)
        .ToHashSet(StringComparer.Ordinal);

    /// <summary>The sources below a folder of the repository, without what the build makes.</summary>
    public static IEnumerable<string> Files(string folder) => Directory
        .EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));
}
