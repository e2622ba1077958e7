using Coach;
using Microsoft.Extensions.Options;
using Processor.Registry;

namespace Processor.Configuration;

/// <summary>Names every setting that is out of its range, at start.</summary>
internal sealed class ProcessorOptionsValidator : IValidateOptions<ProcessorOptions>
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan TenMinutes = TimeSpan.FromMinutes(10);

    public ValidateOptionsResult Validate(string? name, ProcessorOptions options) =>
        new OptionsCheck("Processor", name)
            .That(
                ProcessorRef.TryParse(options.Ref, out _),
                $"Processor:Ref is {options.Ref}; it must look like llm/litellm@1.")
            .Present(options.Registry)
            .InRange(options.ReceiveTimeout, Tick, TenMinutes)
            .InRange(options.PingInterval, TimeSpan.FromSeconds(1), TenMinutes)
            .InRange(options.Heartbeat, Tick, TenMinutes)
            .InRange(options.SendTimeout, Tick, TenMinutes)
            .InRange(options.CloseTimeout, Tick, TimeSpan.FromMinutes(1))
            .InRange(options.MaxFrameBytes, 1024, 64 * 1024 * 1024)
            .InRange(options.MaxFrameDepth, 4, 256)
            .InRange(options.MinDeadline, Tick, TenMinutes)
            .InRange(options.MaxDeadline, TimeSpan.FromSeconds(5), TimeSpan.FromHours(24))
            .InRange(options.DefaultDeadline, options.MinDeadline, options.MaxDeadline)
            .InRange(options.PreemptGrace, Tick, TimeSpan.FromMinutes(1))
            .InRange(options.MaxRuns, 1, 100_000)
            .InRange(options.MaxConnectionsPerRun, 1, 1000)
            .InRange(options.PendingTimeout, Tick, TimeSpan.FromHours(1))
            .InRange(options.Retention, TimeSpan.Zero, TimeSpan.FromHours(24))
            .InRange(options.MaxFinishedRuns, 0, 100_000)
            .InRange(options.MaxFinishedBytes, 0, 4L * 1024 * 1024 * 1024)
            .InRange(options.MaxLogFrames, 1, 10_000)
            .InRange(options.MaxTokens, 1, 1_000_000)
            .InRange(options.MaxOutputBytes, 1, 64 * 1024 * 1024)
            .InRange(options.Drain, TimeSpan.Zero, TenMinutes)
            .Present(options.Artifacts.Directory)
            .InRange(options.Artifacts.MaxBytes, 1024, 1024L * 1024 * 1024 * 1024)
            .InRange(options.Artifacts.Retention, TimeSpan.Zero, TimeSpan.FromDays(3_650))
            .InRange(options.Artifacts.UploadTimeout, TimeSpan.FromSeconds(1), TenMinutes)
            .InRange(options.Mock.TokenDelay, TimeSpan.Zero, TimeSpan.FromMinutes(1))
            .InRange(options.Mock.MaxEcho, 1, 100_000)
            .Result();
}
