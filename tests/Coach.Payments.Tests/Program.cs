using System.Globalization;
using Coach.Proofs.Payments;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

namespace Coach.Payments.Tests;

/// <summary>Runs the tests; or, started by a test with a worker's name, is the process that test drives or
/// kills.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args)
    {
        if (args is [StoreKillsProof.WriterName, var path, var threads])
        {
            return Task.FromResult(StoreKillsProof.Write(path, int.Parse(threads, CultureInfo.InvariantCulture)));
        }

        if (args is [FaultRunner.WorkerName, ..])
        {
            int[] numbers = [.. args[1..].Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
            return FaultRunner.WorkAsync(numbers[0], numbers[1], numbers[2], numbers[3]);
        }

        return args.Contains("--server") || args.Contains("--internal-msbuild-node")
            ? TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
            : ConsoleRunner.Run(args);
    }

    /// <summary>This program, started as a worker.</summary>
    public static System.Diagnostics.ProcessStartInfo Worker(string name) =>
        new("dotnet") { ArgumentList = { typeof(Program).Assembly.Location, name } };
}
