using Microsoft.Extensions.Options;
using Processor.Configuration;

namespace Processor.Tests.Configuration;

public sealed class ProcessorOptionsTests
{
    public static TheoryData<Action<ProcessorOptions>, string> Wrong => new()
    {
        { o => o.Ref = "litellm", "Processor:Ref" },
        { o => o.Registry = "", "Processor:Registry" },
        { o => o.ReceiveTimeout = TimeSpan.Zero, "Processor:ReceiveTimeout" },
        { o => o.PingInterval = TimeSpan.Zero, "Processor:PingInterval" },
        { o => o.Heartbeat = TimeSpan.FromHours(1), "Processor:Heartbeat" },
        { o => o.SendTimeout = TimeSpan.Zero, "Processor:SendTimeout" },
        { o => o.CloseTimeout = TimeSpan.FromHours(1), "Processor:CloseTimeout" },
        { o => o.MaxFrameBytes = 1023, "Processor:MaxFrameBytes" },
        { o => o.MaxFrameDepth = 3, "Processor:MaxFrameDepth" },
        { o => o.MinDeadline = TimeSpan.Zero, "Processor:MinDeadline" },
        { o => o.MaxDeadline = TimeSpan.FromDays(2), "Processor:MaxDeadline" },
        { o => o.DefaultDeadline = TimeSpan.FromHours(2), "Processor:DefaultDeadline" },
        { o => o.PreemptGrace = TimeSpan.Zero, "Processor:PreemptGrace" },
        { o => o.MaxRuns = 0, "Processor:MaxRuns" },
        { o => o.MaxConnectionsPerRun = 0, "Processor:MaxConnectionsPerRun" },
        { o => o.PendingTimeout = TimeSpan.Zero, "Processor:PendingTimeout" },
        { o => o.Retention = TimeSpan.FromDays(2), "Processor:Retention" },
        { o => o.MaxFinishedRuns = -1, "Processor:MaxFinishedRuns" },
        { o => o.MaxFinishedBytes = -1, "Processor:MaxFinishedBytes" },
        { o => o.MaxLogFrames = 0, "Processor:MaxLogFrames" },
        { o => o.MaxTokens = 0, "Processor:MaxTokens" },
        { o => o.MaxOutputBytes = 0, "Processor:MaxOutputBytes" },
        { o => o.Drain = TimeSpan.FromHours(1), "Processor:Drain" },
        { o => o.Artifacts.Directory = "", "Processor:Artifacts:Directory" },
        { o => o.Artifacts.MaxBytes = 1, "Processor:Artifacts:MaxBytes" },
        { o => o.Artifacts.UploadTimeout = TimeSpan.Zero, "Processor:Artifacts:UploadTimeout" },
        { o => o.Mock.TokenDelay = TimeSpan.FromHours(1), "Processor:Mock:TokenDelay" },
        { o => o.Mock.MaxEcho = 0, "Processor:Mock:MaxEcho" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Validate_OutOfRange_NamesTheKey(Action<ProcessorOptions> change, string key)
    {
        var options = new ProcessorOptions();
        change(options);

        ValidateOptionsResult result = new ProcessorOptionsValidator().Validate(null, options);

        Assert.StartsWith(key + " is ", Assert.Single(result.Failures!), StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_Defaults_AreFine() =>
        Assert.True(new ProcessorOptionsValidator().Validate(null, new ProcessorOptions()).Succeeded);
}
