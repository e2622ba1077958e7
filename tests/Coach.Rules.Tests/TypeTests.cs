using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Coach.Rules.Tests;

/// <summary>What every public type keeps to.</summary>
public sealed partial class TypeTests
{
    private static readonly string[] OtherNamespaces =
        ["Microsoft.Extensions.Configuration", "Microsoft.Extensions.DependencyInjection", "Microsoft.AspNetCore.Builder", "Microsoft.Extensions.Hosting", "OpenTelemetry.Metrics", "OpenTelemetry.Trace"];

    // Words that only who extends a package needs.
    private static readonly Dictionary<string, string> ExtensionNamespaces = new(StringComparer.Ordinal)
    {
        ["Coach.Payments"] = "Coach.Payments.Gateways",
    };

    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void PublicClasses_AreSealedStaticOrAbstract(string package) => Assert.Empty(
        PublicTypes(package).Where(type => type is { IsClass: true, IsSealed: false, IsAbstract: false }).Select(type => type.FullName));

    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void PublicTypes_LiveInThePackagesNamespaceOrTheHosts(string package) => Assert.Empty(
        PublicTypes(package)
            .Where(type => type.Namespace != package && type.Namespace != ExtensionNamespaces.GetValueOrDefault(package))
            .Where(type => !OtherNamespaces.Contains(type.Namespace)).Select(type => type.FullName));

    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void AsyncMethods_EndInAsyncAndInACancellationToken(string package)
    {
        string[] wrong = [.. PublicTypes(package).SelectMany(OwnMethods).Where(IsAsync)
            .Where(method => method.Name is not ("DisposeAsync" or "StartAsync" or "StopAsync"))
            .Where(method => !method.Name.EndsWith("Async", StringComparison.Ordinal) || !EndsInToken(method))
            .Select(method => $"{method.DeclaringType!.Name}.{method.Name}")];
        Assert.Empty(wrong);
    }

    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void PublicExceptions_DeriveFromCoachException(string package) => Assert.Empty(
        PublicTypes(package).Where(type => type.IsSubclassOf(typeof(Exception)) && !typeof(Abstractions.CoachException).IsAssignableFrom(type)));

    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void SourceFiles_HoldOnePublicType(string package)
    {
        string[] wrong = [.. Repository.SourceFiles(package)
            .Where(file => PublicTypePattern().Count(File.ReadAllText(file)) > 1).Select(file => Path.GetRelativePath(Repository.Root, file))];
        Assert.Empty(wrong);
    }

    internal static IEnumerable<Type> PublicTypes(string package) => Repository.Load(package).GetExportedTypes()
        .Where(type => type.GetCustomAttribute<CompilerGeneratedAttribute>() is null && !type.Name.Contains('<'));

    private static IEnumerable<MethodInfo> OwnMethods(Type type) => type
        .GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
        .Where(method => !method.IsSpecialName && method.GetBaseDefinition() == method && !ImplementsForeignInterface(method));

    private static bool ImplementsForeignInterface(MethodInfo method) => !method.IsStatic && !method.DeclaringType!.IsInterface
        && method.DeclaringType.GetInterfaces().Where(contract => contract.Namespace?.StartsWith("Coach", StringComparison.Ordinal) != true)
            .Any(contract => method.DeclaringType.GetInterfaceMap(contract).TargetMethods.Contains(method));

    private static bool IsAsync(MethodInfo method)
    {
        Type type = method.ReturnType.IsGenericType ? method.ReturnType.GetGenericTypeDefinition() : method.ReturnType;
        return type == typeof(Task) || type == typeof(Task<>) || type == typeof(ValueTask) || type == typeof(ValueTask<>) || type == typeof(IAsyncEnumerable<>);
    }

    private static bool EndsInToken(MethodInfo method) =>
        method.GetParameters() is [.., { } last] && last.ParameterType == typeof(CancellationToken) && last.HasDefaultValue;

    [GeneratedRegex(@"^public (?:sealed |static |abstract |readonly |partial |ref )*(?:class|struct|record|interface|enum|delegate) ", RegexOptions.Multiline)]
    private static partial Regex PublicTypePattern();
}
