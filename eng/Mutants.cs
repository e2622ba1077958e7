// dotnet run eng/Mutants.cs: changes the sources in the ways of eng/mutants.json, one at a time, and runs the tests that ought to notice.
// Ends with 1 when a change survives, does not apply, or does not compile. Run it in a clone without changes: each file is put back.
using System.Diagnostics;
using System.Text.Json;

List<(string File, string Verdict)> results = [];
using JsonDocument list = JsonDocument.Parse(File.ReadAllText("eng/mutants.json"));
foreach (JsonElement mutant in list.RootElement.EnumerateArray())
{
    string file = Text(mutant, "file");
    string original = File.ReadAllText(file);
    string from = Text(mutant, "from");
    string verdict = "does not apply";
    if (original.Split(from).Length == 2)
    {
        try
        {
            File.WriteAllText(file, original.Replace(from, Text(mutant, "to"), StringComparison.Ordinal));
            verdict = Judge(Text(mutant, "tests"), Text(mutant, "class"));
        }
        finally
        {
            File.WriteAllText(file, original);
        }
    }

    results.Add((file, verdict));
    Console.WriteLine($"{verdict}: {file}: {from.ReplaceLineEndings(" ")}");
}

int killed = results.Count(result => result.Verdict == "killed");
Console.WriteLine($$"""{"cases":{{results.Count}},"failed":{{results.Count - killed}},"killed":{{killed}}}""");
return killed == results.Count ? 0 : 1;

static string Text(JsonElement mutant, string name) => mutant.GetProperty(name).GetString()!;

static string Judge(string project, string filter)
{
    if (Run("build", $"tests/{project}", "-v", "q", "-p:RunAnalyzers=false") != 0)
    {
        return "does not compile";
    }

    return Run($"tests/{project}/bin/Debug/net10.0/{project}.dll", "-class", filter) == 0 ? "survived" : "killed";
}

static int Run(params string[] arguments)
{
    var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
    using Process process = Process.Start(start)!;
    process.ErrorDataReceived += (_, _) => { };
    process.BeginErrorReadLine();
    process.StandardOutput.ReadToEnd();
    process.WaitForExit();
    return process.ExitCode;
}
