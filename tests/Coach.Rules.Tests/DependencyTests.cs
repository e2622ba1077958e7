using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Coach.Rules.Tests;

/// <summary>The arrows of docs/architecture.md: what a package may refer to.</summary>
public sealed partial class DependencyTests
{
    private static readonly Dictionary<string, string[]> Projects = new()
    {
        ["Coach.Abstractions"] = [],
        ["Coach.Llm"] = ["Coach.Abstractions"],
        ["Coach.Rag"] = ["Coach.Abstractions"],
        ["Coach.Payments"] = ["Coach.Abstractions"],
        ["Coach.Observability"] = ["Coach.Abstractions"],
        ["Coach.Prometheus"] = [],
        ["Coach.Usage"] = ["Coach.Abstractions"],
        ["Coach.AspNetCore"] = ["Coach.Llm", "Coach.Rag", "Coach.Payments", "Coach.Usage", "Coach.Observability", "Coach.Prometheus"],
        ["Coach.Sqlite"] = ["Coach.Llm", "Coach.Payments", "Coach.Usage"],
        ["Coach.Payments.Mcp"] = ["Coach.Payments"],
        ["Coach.Rag.Documents"] = ["Coach.Rag"],
        ["Coach.Rag.Embeddings"] = ["Coach.Rag"],
        ["Coach.Rag.Languages"] = ["Coach.Rag"],
        ["Coach.Rag.AgentFramework"] = ["Coach.Rag"],
        ["Coach.Rag.VectorData"] = ["Coach.Rag"],
        ["Coach.Rag.MiniLM"] = ["Coach.Rag.Embeddings", "MiniLmModel"],
        ["Coach.Redis"] = ["Coach.Llm", "Coach.Usage"],
        ["Coach.Postgres"] = ["Coach.Llm", "Coach.Payments", "Coach.Rag", "Coach.Usage"],
        ["Coach.Configuration.Yaml"] = ["Coach.Abstractions"],
        ["Coach.Testing"] = ["Coach.Llm", "Coach.Rag", "Coach.Payments", "Coach.Usage"],
    };

    private static readonly string[] Everywhere = ["Microsoft.Extensions.", "System.", "Microsoft.CodeAnalysis.BannedApiAnalyzers"];

    private static readonly Dictionary<string, string[]> Packages = new()
    {
        ["Coach.Llm"] = ["Polly.Core"],
        ["Coach.Rag"] = ["Polly.Core", "AngleSharp", "UTF.Unknown"],
        ["Coach.Rag.Documents"] = ["CsvHelper", "DocumentFormat.OpenXml", "MimeKit", "PdfPig"],
        ["Coach.Rag.AgentFramework"] = ["Microsoft.Agents.AI.Abstractions"],
        ["Coach.Rag.Languages"] = ["Lucene.Net.Analysis.Common"],
        ["Coach.Payments"] = ["Polly.Core"],
        ["Coach.Observability"] = ["OpenTelemetry.Api"],
        ["Coach.Prometheus"] = ["OpenTelemetry", "OpenTelemetry.Extensions.Hosting"],
        ["Coach.Payments.Mcp"] = ["ModelContextProtocol.Core"],
        ["Coach.Redis"] = ["StackExchange.Redis", "Microsoft.AspNetCore.DataProtection", "Microsoft.AspNetCore.DataProtection.StackExchangeRedis"],
        ["Coach.Postgres"] = ["Npgsql", "Microsoft.AspNetCore.DataProtection"],
        ["Coach.Configuration.Yaml"] = ["YamlDotNet"],
        ["Coach.Sqlite"] = ["Microsoft.Data.Sqlite"],
    };

    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void ProjectReferences_OfAPackage_GoDownOnly(string package)
    {
        string[] references = [.. Repository.Project(package).Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')))];
        Assert.Empty(references.Except(Projects[package]));
    }

    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void PackageReferences_OfAPackage_AreTheAllowedOnes(string package)
    {
        string[] allowed = [.. Everywhere, .. Packages.GetValueOrDefault(package, [])];
        string[] references = [.. Repository.Project(package).Descendants("PackageReference").Select(reference => reference.Attribute("Include")!.Value)];
        Assert.Empty(references.Where(name => !allowed.Any(prefix => name == prefix || (prefix.EndsWith('.') && name.StartsWith(prefix, StringComparison.Ordinal)))));
    }

    [Fact]
    public void Versions_OfThirdParties_StandOnceInTheCentralFile()
    {
        // A project that a template makes has no central file.
        string templates = Path.Combine(Repository.Root, "templates", "content");
        IEnumerable<XElement> versioned = Directory.EnumerateFiles(Repository.Root, "*.csproj", SearchOption.AllDirectories)
            .Where(file => !file.StartsWith(templates, StringComparison.Ordinal))
            .SelectMany(file => XDocument.Load(file).Descendants("PackageReference")).Where(reference => reference.Attribute("Version") is not null);
        Assert.Empty(versioned);
    }

    [Fact]
    public void Architecture_TheTableOfPackages_SaysWhatTheProjectsSay()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "architecture.md"));
        var rows = RowPattern().Matches(page).ToDictionary(
            match => match.Groups["name"].Value,
            match => match.Groups["references"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Where(name => name != "—").Select(name => "Coach." + name).Order(StringComparer.Ordinal).ToArray());
        Assert.Equal(Repository.Packages.Order(StringComparer.Ordinal), rows.Keys.Order(StringComparer.Ordinal));
        foreach (string package in Repository.Packages)
        {
            // A tool that makes a file of the package while it is built is no reference of its code.
            string[] references = [.. Repository.Project(package).Descendants("ProjectReference")
                .Where(reference => reference.Attribute("ReferenceOutputAssembly")?.Value != "false")
                .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value)).Order(StringComparer.Ordinal)];
            Assert.Equal(references, rows[package]);
        }
    }

    // | `Coach.Llm` | what it holds | Abstractions |
    [GeneratedRegex(@"^\| `(?<name>Coach\.[A-Za-z.]+)` \|[^|]*\| (?<references>[A-Za-z., ]*?|—) ?\|", RegexOptions.Multiline)]
    private static partial Regex RowPattern();
}
