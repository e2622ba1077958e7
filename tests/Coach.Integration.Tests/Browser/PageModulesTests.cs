using System.Diagnostics;
using Coach.Integration.Tests.Hosting;

namespace Coach.Integration.Tests.Browser;

/// <summary>The page's pure modules (Markdown, citations, the stream) in Node, where it is installed.</summary>
public sealed class PageModulesTests
{
    [Fact]
    public async Task Modules_InNode_DoWhatTheirTestsSay()
    {
        string? node = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "node.exe" : "node"))
            .FirstOrDefault(File.Exists);
        Assert.SkipUnless(node is not null, "node is not on the PATH (Debian package: nodejs)");

        // The page's files are modules by how the page loads them; Node is told so by a file beside them.
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder.File("page"));
        await File.WriteAllTextAsync(folder.File("package.json"), "{\"type\":\"module\"}");
        foreach (string file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "page"), "*.js"))
        {
            File.Copy(file, Path.Combine(folder.File("page"), Path.GetFileName(file)));
        }

        string script = folder.File("modules.test.mjs");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Browser", "modules.test.mjs"), script);
        var start = new ProcessStartInfo(node!, ["--test", script])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process run = Process.Start(start)!;
        using var limit = new CancellationTokenSource(ChatHost.HangLimit);
        Task<string> errors = run.StandardError.ReadToEndAsync(limit.Token);
        string output = await run.StandardOutput.ReadToEndAsync(limit.Token);
        await run.WaitForExitAsync(limit.Token);
        Assert.True(run.ExitCode == 0, output + await errors);
        Assert.Contains("# fail 0", output, StringComparison.Ordinal);
    }
}
