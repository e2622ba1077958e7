using System.Diagnostics;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace Deploy.Tests;

/// <summary>The files under <c>deploy</c>, and the tools that judge them where they are installed.</summary>
internal static class DeployFiles
{
    private static readonly IDeserializer Yaml = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build();

    public static string Root { get; } = FindRoot();

    public static string Deploy { get; } = Path.Combine(Root, "deploy");

    public static string Read(string path) => File.ReadAllText(Path.Combine(Deploy, path));

    /// <summary>The documents of a YAML file, merges done, as maps, lists and scalars.</summary>
    public static List<Dictionary<object, object>> Documents(string path)
    {
        var parser = new MergingParser(new Parser(new StringReader(Read(path))));
        var documents = new List<Dictionary<object, object>>();
        parser.Consume<StreamStart>();
        while (parser.Accept<DocumentStart>(out _))
        {
            documents.Add(Yaml.Deserialize<Dictionary<object, object>>(parser));
        }

        return documents;
    }

    public static Dictionary<object, object> Map(this Dictionary<object, object> map, string key) =>
        (Dictionary<object, object>)map[key];

    public static List<object> List(this Dictionary<object, object> map, string key) =>
        map.TryGetValue(key, out object? value) ? (List<object>)value : [];

    public static string Text(this Dictionary<object, object> map, string key) => map[key].ToString()!;

    /// <summary>Follows a path of keys.</summary>
    public static object At(this Dictionary<object, object> map, params ReadOnlySpan<string> path)
    {
        object value = map;
        foreach (string key in path)
        {
            value = ((Dictionary<object, object>)value)[key];
        }

        return value;
    }

    public static void SkipWithout(string tool, string package)
    {
        if (Find(tool) is null)
        {
            Assert.Skip($"{tool} is not installed; on Debian: apt-get install {package}.");
        }
    }

    public static string? Find(string tool) =>
        (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin").Split(':')
            .Select(folder => Path.Combine(folder, tool))
            .FirstOrDefault(File.Exists);

    /// <summary>Runs a program to its end.</summary>
    public static async Task<(int Code, string Output, string Errors)> RunAsync(
        string file, IEnumerable<string> arguments, string? folder = null, Dictionary<string, string>? variables = null)
    {
        var start = new ProcessStartInfo(Find(file) ?? file, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder ?? Root,
            StandardOutputEncoding = Encoding.UTF8,
        };
        foreach ((string name, string value) in variables ?? [])
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }

    /// <summary>Writes a program that stands in for another, and returns the PATH that finds it first.</summary>
    public static string StandIn(string folder, string name, string script)
    {
        string file = Path.Combine(folder, name);
        File.WriteAllText(file, "#!/usr/bin/env bash\n" + script);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        return folder + ":" + Environment.GetEnvironmentVariable("PATH");
    }

    /// <summary>A copy of a part of the repository.</summary>
    public static void Copy(string part, string target)
    {
        string source = Path.Combine(Root, part);
        foreach (string file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            if (file.Contains("/bin/", StringComparison.Ordinal) || file.Contains("/obj/", StringComparison.Ordinal))
            {
                continue;
            }

            string copy = Path.Combine(target, part, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    private static string FindRoot()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Coach.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The repository was not found.");
        }

        return folder;
    }
}
