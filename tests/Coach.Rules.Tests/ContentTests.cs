using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace Coach.Rules.Tests;

/// <summary>
/// A version is one content: <c>eng/content/PACKAGE.txt</c> holds a line <c>version hash</c> for each version. What changes a package
/// changes its hash, so that nobody ships two packages under one number. A line that ends in <c>released</c> is never written over.
/// </summary>
public sealed class ContentTests
{
    private const string Released = " released";

    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void Content_OfAPackage_IsTheRecordedOneOfItsVersion(string package)
    {
        string version = Version(package);
        string file = Path.Combine(Repository.Root, "eng", "content", package + ".txt");
        List<string> lines = File.Exists(file) ? [.. File.ReadAllLines(file)] : [];
        string actual = $"{version} {Hash(package)}";
        int index = lines.FindIndex(line => line.StartsWith(version + " ", StringComparison.Ordinal));
        bool isReleased = index >= 0 && lines[index].EndsWith(Released, StringComparison.Ordinal);
        if (Environment.GetEnvironmentVariable("COACH_APPROVE") == "1" && !isReleased)
        {
            lines = [actual, .. lines.Where((_, i) => i != index)];
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllLines(file, lines);
            index = 0;
        }

        string recorded = index < 0 ? "nothing" : lines[index].Replace(Released, "", StringComparison.Ordinal);
        Assert.True(recorded == actual, isReleased
            ? $"{package} {version} is released and its content changed: raise its version and begin a changelog entry."
            : $"The content of {package} {version} changed. Raise its version, or, as it is not released yet, run these tests once with COACH_APPROVE=1.");
    }

    [Theory]
    [MemberData(nameof(Repository.EachPackage), MemberType = typeof(Repository))]
    public void References_OfAPackage_NameTheLowestVersion_NotAboveTodays(string package)
    {
        foreach (XElement reference in Repository.Project(package).Descendants("ProjectReference")
            .Where(reference => reference.Attribute("ReferenceOutputAssembly")?.Value != "false"))
        {
            string name = Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/'));
            string lowest = reference.Attribute("LowestVersion")?.Value ?? "";
            Assert.True(System.Version.TryParse(lowest, out System.Version? number), $"{package} refers to {name} without LowestVersion");
            Assert.True(number <= System.Version.Parse(Version(name)), $"{package} asks for {name} {lowest}, which does not exist yet");
        }
    }

    private static string Version(string package) => Repository.Project(package).Descendants("Version").Single().Value;

    // Everything that goes into the package or decides what does: its folder, the files it links, the versions of its dependencies.
    private static string Hash(string package)
    {
        string folder = Path.Combine(Repository.Root, "src", package);
        XDocument project = Repository.Project(package);
        IEnumerable<string> linked = project.Descendants("Compile")
            .SelectMany(item => item.Attribute("Include")!.Value.Split(';'))
            .Select(include => Path.GetFullPath(Path.Combine(folder, include.Trim())));
        IEnumerable<string> own = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(folder, file).Replace('\\', '/').Split('/').Any(part => part is "bin" or "obj"));
        string[] dependencies = [.. project.Descendants("PackageReference").Select(item => item.Attribute("Include")!.Value)];
        XDocument central = XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props"));
        string extensions = central.Descendants("ExtensionsVersion").Single().Value;

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in own.Concat(linked).OrderBy(Relative, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(Relative(file) + "\n"));
            hash.AppendData(Content(file));
        }

        foreach (XElement version in central.Descendants("PackageVersion")
            .Where(item => dependencies.Contains(item.Attribute("Include")!.Value))
            .OrderBy(item => item.Attribute("Include")!.Value, StringComparer.Ordinal))
        {
            string number = version.Attribute("Version")!.Value.Replace("$(ExtensionsVersion)", extensions, StringComparison.Ordinal);
            hash.AppendData(Encoding.UTF8.GetBytes($"{version.Attribute("Include")!.Value} {number}\n"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        static string Relative(string file) => Path.GetRelativePath(Repository.Root, file).Replace('\\', '/');

        // Line ends are the checkout's; what else is binary stays as it is.
        static byte[] Content(string file)
        {
            byte[] bytes = File.ReadAllBytes(file);
            return bytes.Contains((byte)0) ? bytes : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes).ReplaceLineEndings("\n"));
        }
    }
}
