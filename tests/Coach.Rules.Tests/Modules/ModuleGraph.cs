using System.Collections.Concurrent;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Coach.Rules.Tests;

/// <summary>
/// Which folder of a package refers to which other one: the sources are compiled in memory and every name in them is bound to what it
/// stands for, so that public types, which need no <c>using</c>, count as well. Comments and documentation do not count.
/// </summary>
internal sealed class ModuleGraph
{
    /// <summary>The module of files that stand in no folder.</summary>
    public const string Root = "(root)";

    // Read once: all packages are bound against the same assemblies.
    private static readonly Lazy<PortableExecutableReference[]> Assemblies = new(() =>
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Concat(Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll"))
            .DistinctBy(Path.GetFileName)
            .Where(IsManaged)
            .Select(file => MetadataReference.CreateFromFile(file)),
    ]);

    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private static readonly ConcurrentDictionary<string, Lazy<ModuleGraph>> Graphs = new();

    private ModuleGraph(string package)
    {
        string folder = Path.Combine(Repository.Root, "src", package);
        var options = new CSharpParseOptions(LanguageVersion.Latest);
        SyntaxTree[] own = [.. Repository.SourceFiles(package).Select(file => CSharpSyntaxTree.ParseText(File.ReadAllText(file), options, file))];
        SyntaxTree[] others = [CSharpSyntaxTree.ParseText(ImplicitUsings, options), .. Linked(package).Select(file => CSharpSyntaxTree.ParseText(File.ReadAllText(file), options, file))];
        var compilation = CSharpCompilation.Create(package, [.. own, .. others], References(package), new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true));
        Dictionary<ISymbol, string> moduleOf = Declare(compilation, own, folder);
        foreach (SyntaxTree tree in own)
        {
            SemanticModel model = compilation.GetSemanticModel(tree);
            string from = Module(folder, tree.FilePath);
            _modules.Add(from);
            foreach (SimpleNameSyntax name in tree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>())
            {
                Add(moduleOf, from, tree.FilePath, model.GetSymbolInfo(name).Symbol);
            }
        }
    }

    private readonly SortedSet<string> _modules = new(StringComparer.Ordinal);
    private readonly SortedDictionary<(string From, string To), SortedSet<string>> _arrows = [];
    private readonly List<(string Type, string Namespace, string Module, bool IsInternal)> _types = [];

    /// <summary>The folders that hold sources.</summary>
    public IReadOnlyCollection<string> Modules => _modules;

    /// <summary>Each arrow, with examples of what draws it.</summary>
    public IReadOnlyDictionary<(string From, string To), SortedSet<string>> Arrows => _arrows;

    /// <summary>The top-level types. One beside a public type, in the same file, does not count as internal: a file has one namespace.</summary>
    public IReadOnlyList<(string Type, string Namespace, string Module, bool IsInternal)> Types => _types;

    /// <summary>Pairs that refer to each other, in the order of their names.</summary>
    public IEnumerable<string> TwoWayPairs => _arrows.Keys
        .Where(arrow => string.CompareOrdinal(arrow.From, arrow.To) < 0 && _arrows.ContainsKey((arrow.To, arrow.From)))
        .Select(arrow => $"{arrow.From} <-> {arrow.To}");

    public static ModuleGraph Of(string package) => Graphs.GetOrAdd(package, name => new Lazy<ModuleGraph>(() => new ModuleGraph(name))).Value;

    private static string Module(string folder, string file) =>
        Path.GetDirectoryName(Path.GetRelativePath(folder, file))!.Replace('\\', '/') is { Length: > 0 } module ? module : Root;

    private Dictionary<ISymbol, string> Declare(CSharpCompilation compilation, SyntaxTree[] trees, string folder)
    {
        var moduleOf = new Dictionary<ISymbol, string>(SymbolEqualityComparer.Default);
        foreach (SyntaxTree tree in trees)
        {
            SemanticModel model = compilation.GetSemanticModel(tree);
            string module = Module(folder, tree.FilePath);
            INamedTypeSymbol[] types = [.. tree.GetRoot().DescendantNodes()
                .Where(node => node is BaseTypeDeclarationSyntax or DelegateDeclarationSyntax)
                .Select(node => (INamedTypeSymbol)model.GetDeclaredSymbol(node)!)];
            bool isInternal = types.All(type => type.ContainingType is not null || type.DeclaredAccessibility != Accessibility.Public);
            foreach (INamedTypeSymbol type in types)
            {
                if (moduleOf.TryAdd(type, module) && type.ContainingType is null)
                {
                    _types.Add((type.Name, type.ContainingNamespace.ToDisplayString(), module, isInternal));
                }
            }
        }

        return moduleOf;
    }

    private void Add(Dictionary<ISymbol, string> moduleOf, string from, string file, ISymbol? symbol)
    {
        INamedTypeSymbol? type = symbol switch
        {
            INamedTypeSymbol named => named,
            IMethodSymbol method => (method.ReducedFrom ?? method).ContainingType,
            IPropertySymbol or IFieldSymbol or IEventSymbol => symbol.ContainingType,
            _ => null,
        };
        if (type is null || !moduleOf.TryGetValue(type.OriginalDefinition, out string? to) || to == from)
        {
            return;
        }

        if (!_arrows.TryGetValue((from, to), out SortedSet<string>? examples))
        {
            _arrows[(from, to)] = examples = new SortedSet<string>(StringComparer.Ordinal);
        }

        examples.Add($"{Path.GetFileName(file)} uses {type.Name}");
    }

    private static IEnumerable<string> Linked(string package) => Repository.Project(package).Descendants("Compile")
        .SelectMany(item => item.Attribute("Include")!.Value.Split(';'))
        .Select(include => Path.GetFullPath(Path.Combine(Repository.Root, "src", package, include.Trim())))
        .Where(File.Exists);

    private static IEnumerable<PortableExecutableReference> References(string package) =>
        Assemblies.Value.Where(reference => Path.GetFileNameWithoutExtension(reference.FilePath) != package);

    private static bool IsManaged(string file)
    {
        try
        {
            System.Reflection.AssemblyName.GetAssemblyName(file);
            return true;
        }
        catch (BadImageFormatException)
        {
            return false;
        }
    }
}
