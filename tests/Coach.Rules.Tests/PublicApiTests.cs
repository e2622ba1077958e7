using System.Globalization;
using System.Reflection;
using System.Text;

namespace Coach.Rules.Tests;

/// <summary>The promise of each package is a file: a change of it is reviewed as a diff.</summary>
public sealed class PublicApiTests
{
    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void PublicApi_OfAPackage_EqualsItsFile(string package)
    {
        string file = Path.Combine(Repository.Root, "src", package, "PublicApi.txt");
        string actual = Print(package);
        if (Environment.GetEnvironmentVariable("COACH_APPROVE") == "1")
        {
            File.WriteAllText(file, actual);
        }

        string expected = File.Exists(file) ? File.ReadAllText(file).ReplaceLineEndings("\n") : "";
        Assert.True(expected == actual,
            $"The public API of {package} differs from src/{package}/PublicApi.txt. If that is meant, run the tests once with COACH_APPROVE=1 "
            + $"and review the diff.\n{FirstDifference(expected, actual)}");
    }

    private static string Print(string package)
    {
        var text = new StringBuilder();
        foreach (Type type in TypeTests.PublicTypes(package).OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Kind(type)).Append(' ').Append(Name(type));
            string[] bases = [.. new[] { type.BaseType }.Concat(type.GetInterfaces())
                .Where(item => item is { IsPublic: true } && item != typeof(object) && item != typeof(ValueType) && item != typeof(Enum)
                    && type.BaseType?.GetInterfaces().Contains(item) != true)
                .Select(item => Name(item!)).Order(StringComparer.Ordinal)];
            text.Append(bases.Length > 0 ? " : " + string.Join(", ", bases) : "").Append('\n');
            foreach (string member in Members(type).Distinct().Order(StringComparer.Ordinal))
            {
                text.Append("  ").Append(member).Append('\n');
            }
        }

        return text.ToString();
    }

    private static IEnumerable<string> Members(Type type)
    {
        const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        if (type.IsEnum)
        {
            return type.GetFields(BindingFlags.Public | BindingFlags.Static)
                .Select(field => string.Create(CultureInfo.InvariantCulture, $"{field.Name} = {Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture)}"));
        }

        IEnumerable<string> fields = type.GetFields(Own).Where(field => Visible(field.Attributes & FieldAttributes.FieldAccessMask))
            .Select(field => field.IsLiteral
                ? string.Create(CultureInfo.InvariantCulture, $"const {Name(field.FieldType)} {field.Name} = {field.GetRawConstantValue()}")
                : $"{Modifier(field.IsStatic)}{Name(field.FieldType)} {field.Name}");
        IEnumerable<string> constructors = type.GetConstructors(Own).Where(Visible).Select(item => $".ctor({Parameters(item)})");
        IEnumerable<string> properties = type.GetProperties(Own).Where(property => property.GetAccessors(true).Any(Visible))
            .Select(property => $"{Modifier(property.GetAccessors(true)[0].IsStatic)}{Name(property.PropertyType)} {property.Name} {{{Accessor(property.GetMethod, " get;")}{Accessor(property.SetMethod, " set;")} }}");
        IEnumerable<string> events = type.GetEvents(Own).Where(item => Visible(item.AddMethod!)).Select(item => $"event {Name(item.EventHandlerType!)} {item.Name}");
        IEnumerable<string> methods = type.GetMethods(Own).Where(method => Visible(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)))
            .Where(method => !method.Name.Contains('<')).Select(method => $"{Modifier(method.IsStatic)}{Name(method.ReturnType)} {method.Name}{Generics(method)}({Parameters(method)})");
        return fields.Concat(constructors).Concat(properties).Concat(events).Concat(methods);
    }

    private static string Kind(Type type) => type switch
    {
        { IsEnum: true } => "enum",
        { IsInterface: true } => "interface",
        { IsValueType: true } => "struct",
        { IsAbstract: true, IsSealed: true } => "static class",
        { IsAbstract: true } => "abstract class",
        _ => "sealed class",
    };

    private static string Modifier(bool isStatic) => isStatic ? "static " : "";

    private static string Accessor(MethodInfo? method, string text) => method is not null && Visible(method) ? text : "";

    private static string Generics(MethodInfo method) =>
        method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";

    private static string Parameters(MethodBase method) =>
        string.Join(", ", method.GetParameters().Select(parameter => $"{Name(parameter.ParameterType)} {parameter.Name}{(parameter.HasDefaultValue ? " = default" : "")}"));

    private static bool Visible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool Visible(FieldAttributes access) => access is FieldAttributes.Public or FieldAttributes.Family or FieldAttributes.FamORAssem;

    private static string Name(Type type)
    {
        if (type.IsByRef)
        {
            return "ref " + Name(type.GetElementType()!);
        }

        if (type.IsArray)
        {
            return Name(type.GetElementType()!) + "[]";
        }

        if (type.IsGenericParameter)
        {
            return type.Name;
        }

        string name = type.Name.Split('`')[0];
        string prefix = type.DeclaringType is { } outer ? Name(outer) + "." : "";
        return type.IsGenericType ? $"{prefix}{name}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : prefix + name;
    }

    private static string FirstDifference(string expected, string actual)
    {
        string[] before = expected.Split('\n');
        string[] after = actual.Split('\n');
        return string.Join('\n', before.Except(after).Take(10).Select(line => "- " + line).Concat(after.Except(before).Take(10).Select(line => "+ " + line)));
    }
}
