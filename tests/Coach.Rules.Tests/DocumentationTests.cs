using System.Reflection;
using System.Xml.Linq;

namespace Coach.Rules.Tests;

/// <summary>The compiler asks that public members be documented; this asks that the documentation be whole.</summary>
public sealed class DocumentationTests
{
    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void PublicMembers_HaveASummaryAndEveryParameterAndResult(string package)
    {
        Assembly assembly = Repository.Load(package);
        XDocument docs = XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml"));
        var wrong = new List<string>();
        foreach (XElement member in docs.Descendants("member"))
        {
            string name = member.Attribute("name")!.Value;
            if (member.Descendants("inheritdoc").Any() || !IsPublic(assembly, name))
            {
                continue;
            }

            if (string.IsNullOrWhiteSpace(member.Element("summary")?.Value) && member.Element("summary")?.HasElements != true)
            {
                wrong.Add($"{name}: no summary");
            }

            wrong.AddRange(member.Elements("param").Where(IsEmpty).Select(parameter => $"{name}: nothing said of {parameter.Attribute("name")?.Value}"));
            if (name.StartsWith("M:", StringComparison.Ordinal) && name.Contains('(', StringComparison.Ordinal) && !member.Elements("param").Any())
            {
                wrong.Add($"{name}: parameters are not documented");
            }
        }

        Assert.Empty(wrong);

        static bool IsEmpty(XElement element) => string.IsNullOrWhiteSpace(element.Value) && !element.HasElements;
    }

    private static bool IsPublic(Assembly assembly, string name)
    {
        string path = name[2..].Split('(')[0];
        for (string type = path; type.Length > 0; type = type.Contains('.', StringComparison.Ordinal) ? type[..type.LastIndexOf('.')] : "")
        {
            if (assembly.GetType(type) is { } found)
            {
                return found.IsVisible && (type == path || found.GetMembers().Any(member => path.EndsWith("." + member.Name, StringComparison.Ordinal)
                    || path.EndsWith(".#ctor", StringComparison.Ordinal)));
            }
        }

        return false;
    }
}
