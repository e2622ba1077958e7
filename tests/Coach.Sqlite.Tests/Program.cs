using System.Globalization;
using Coach.Proofs.Usage;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace Coach.Sqlite.Tests;

/// <summary>Runs the tests; or, started by a test with a worker's name, is the process that test kills.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args)
    {
        if (args is [BudgetKillsProof.WorkerName, var path, var url, var round])
        {
            return BudgetKillsProof.WorkAsync(path, new Uri(url), int.Parse(round, CultureInfo.InvariantCulture));
        }

        return args.Contains("--server") || args.Contains("--internal-msbuild-node")
            ? TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
            : ConsoleRunner.Run(args);
    }

    /// <summary>This program, started as a worker.</summary>
    public static System.Diagnostics.ProcessStartInfo Worker(string name) =>
        new("dotnet") { ArgumentList = { typeof(Program).Assembly.Location, name } };
}
