// dotnet run eng/Coverage.cs -- RESULTS: which share of each package's lines the tests ran, over all test projects, against the floors in
// eng/coverage.txt ("default" for those that are not named). Ends with 1 when a package is below its floor. With COACH_APPROVE=1 it
// writes the floors: what was measured, rounded down to whole percent.
using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

if (args is not [string results] || !Directory.Exists(results))
{
    Console.Error.WriteLine("Usage: dotnet run eng/Coverage.cs -- RESULTS, a folder with coverage.cobertura.xml files.");
    return 2;
}

const string Others = "default";
const string floorsFile = "eng/coverage.txt";
bool approve = Environment.GetEnvironmentVariable("COACH_APPROVE") == "1";
Dictionary<string, double> floors = File.Exists(floorsFile) ? ReadFloors() : [];
Dictionary<(string File, int Line), bool> lines = [];
foreach (string report in Directory.EnumerateFiles(results, "coverage.cobertura.xml", SearchOption.AllDirectories))
{
    Read(XDocument.Load(report));
}

var packages = lines
    .GroupBy(line => Package().Match(line.Key.File).Groups[1].Value)
    .Select(group => (Name: group.Key, Lines: group.Count(), Run: group.Count(line => line.Value)))
    .OrderBy(package => package.Name, StringComparer.Ordinal)
    .ToList();
Console.WriteLine("| Package | Lines | Run | Share | Floor |");
Console.WriteLine("|---|---:|---:|---:|---:|");
foreach ((string name, int count, int run) in packages)
{
    Console.WriteLine($"| {name} | {count} | {run} | {Text(Share(count, run))} % | {Text(Floor(name))} |");
}

(int all, int allRun) = (packages.Sum(package => package.Lines), packages.Sum(package => package.Run));
Console.WriteLine($"| all | {all} | {allRun} | {Text(Share(all, allRun))} % | |");
if (approve)
{
    File.WriteAllLines(floorsFile, packages.Select(package => $"{package.Name} {Math.Floor(Share(package.Lines, package.Run)):0}"));
    return 0;
}

List<string> low = [.. packages.Where(package => Share(package.Lines, package.Run) < Floor(package.Name)).Select(package => package.Name)];
low.AddRange(floors.Keys.Where(name => name != Others).Except(packages.Select(package => package.Name)));
foreach (string name in low)
{
    Console.Error.WriteLine($"{name} is below its floor, or was not measured. Add tests, or change {floorsFile}.");
}

return low.Count == 0 ? 0 : 1;

// A file's lines are reported by every test project that loads its package: a line counts as run if one of them ran it.
void Read(XDocument report)
{
    string[] sources = [.. report.Descendants("source").Select(source => source.Value)];
    foreach (XElement type in report.Descendants("class"))
    {
        string name = (string)type.Attribute("filename")!;
        string file = sources.Select(source => Path.Combine(source, name)).FirstOrDefault(File.Exists) ?? "/" + name;
        if (!Package().IsMatch(file))
        {
            continue;
        }

        foreach (XElement line in type.Elements("lines").Elements("line"))
        {
            var key = (file, (int)line.Attribute("number")!);
            lines[key] = lines.GetValueOrDefault(key) || (long)line.Attribute("hits")! > 0;
        }
    }
}

double Floor(string name) => floors.TryGetValue(name, out double own) ? own : floors.GetValueOrDefault(Others);

static Dictionary<string, double> ReadFloors() => File.ReadLines(floorsFile).Select(line => line.Split(' '))
    .ToDictionary(parts => parts[0], parts => double.Parse(parts[1], CultureInfo.InvariantCulture), StringComparer.Ordinal);

static double Share(int count, int run) => count == 0 ? 100 : 100.0 * run / count;

static string Text(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);

internal static partial class Program
{
    [GeneratedRegex("/src/(Coach\\.[^/]+|Shared)/")]
    private static partial Regex Package();
}
