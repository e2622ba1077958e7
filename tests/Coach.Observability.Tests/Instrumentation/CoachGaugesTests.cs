using System.Diagnostics.Metrics;
using Coach.Observability.Containers;
using Coach.Observability.Instrumentation;
using Coach.Observability.Tests.Containers;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Observability.Tests.Instrumentation;

public sealed class CoachGaugesTests
{
    private const string Group = "sys/fs/cgroup/";

    [Fact]
    public void Gauges_InALimitedContainer_GiveTheContractsFigures()
    {
        using KernelTree tree = new KernelTree().V2()
            .File(Group + "memory.current", "500\n")
                .File(Group + "memory.max", "1000\n")
                .File(Group + "memory.high", "max\n")
                .File(Group + "cpu.stat", "usage_usec 1500000\n");
        Dictionary<string, double> values = Observe(tree);
        Assert.Equal(2048, values["coach.config.memory_mb"]);
        Assert.Equal(3, values["coach.config.max_containers"]);
        Assert.Equal(500, values["coach.container.memory.usage"]);
        Assert.Equal(1000, values["coach.container.memory.limit"]);
        Assert.Equal(0.5, values["coach.container.memory.utilization"]);
        Assert.Equal(0, values["coach.container.memory.pressure"]);
        Assert.Equal(1.5, values["coach.container.cpu.usage"]);
        Assert.False(values.ContainsKey("coach.container.memory.high"));
        Assert.Equal(1, values["coach.build.info{commit=sha256:abc}"]);
        Assert.True(values["process.resident_memory"] > 0);
    }

    [Fact]
    public void Gauges_OutsideAContainer_LeaveTheContainersOutAndShowTheProcess()
    {
        using var tree = new KernelTree();
        Dictionary<string, double> values = Observe(tree);
        Assert.DoesNotContain(
            values.Keys, name => name.StartsWith("coach.container.memory.usage", StringComparison.Ordinal)
            || name.StartsWith("coach.container.memory.limit", StringComparison.Ordinal) || name.StartsWith("coach.container.cpu", StringComparison.Ordinal));
        Assert.True(values["process.resident_memory"] > 1_000_000);
        Assert.True(values["process.cpu"] > 0);
        Assert.True(values["coach.process.uptime"] >= 0);
    }

    [Fact]
    public void Uptime_WallClockSetBack_GoesOn()
    {
        using var tree = new KernelTree();
        var clock = new VirtualClock();
        using TestHost host = Host(tree, clock);
        ProcessMonitor process = host.Get<ProcessMonitor>();
        TimeSpan before = process.Uptime;
        clock.JumpWallClock(TimeSpan.FromDays(-10));
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(before + TimeSpan.FromSeconds(3), process.Uptime);
    }

    [Fact]
    public async Task Start_LogsWhatWasGivenAndWhatIsUsed()
    {
        using KernelTree tree = new KernelTree()
            .V2()
            .File(Group + "memory.current", "104857600\n")
            .File(Group + "memory.max", "1073741824\n");
        FakeLogCollector log = TestLogs.New();
        using TestHost host = Host(tree, new VirtualClock(), log);
        foreach (IHostedService service in host.Services.GetServices<IHostedService>())
        {
            await service.StartAsync(default);
        }

        Assert.Equal(
            [
                "Configured resources: MEMORY_MB=2048, MAX_CONTAINERS=3",
                "Container memory usage at start: 100 MB / 1024 MB",
            ],
            log.Messages());
    }

    [Fact]
    public async Task Start_WithoutALimit_SaysSo()
    {
        using KernelTree tree = new KernelTree()
            .V2()
            .File(Group + "memory.current", "104857600\n")
            .File(Group + "memory.max", "max\n");
        FakeLogCollector log = TestLogs.New();
        using TestHost host = Host(tree, new VirtualClock(), log);
        foreach (IHostedService service in host.Services.GetServices<IHostedService>())
        {
            await service.StartAsync(default);
        }

        Assert.Equal("Container memory usage at start: 100 MB (no cgroup limit detected)", log.Messages()[1]);
    }

    [Fact]
    public void Instruments_OfThePackage_AllHaveADescription()
    {
        using var tree = new KernelTree();
        using TestHost host = Host(tree, new VirtualClock());
        var missing = new List<string>();
        using var listener = new MeterListener();
        CoachGauges gauges = host.Get<CoachGauges>();
        gauges.Touch();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name == CoachTelemetry.ObservabilityName
                && string.IsNullOrEmpty(instrument.Description))
            {
                missing.Add(instrument.Name);
            }
        };
        listener.Start();
        Assert.Empty(missing);
    }

    [Fact]
    public void BuildInfo_OfTheOptions_NamesVersionAndCommit()
    {
        using var tree = new KernelTree();
        using TestHost host = Host(tree, new VirtualClock());
        host.Get<CoachGauges>().Touch();
        var factory = host.Get<IMeterFactory>();
        Dictionary<string, object?> labels = [];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "coach.build.info" && ReferenceEquals(instrument.Meter.Scope, factory))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<int>((_, _, tags, _) => labels = tags.ToArray().ToDictionary());
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Equal(("1.2.3-test", "sha256:abc"), ((string?)labels["version"], (string?)labels["commit"]));
    }

    private static Dictionary<string, double> Observe(KernelTree tree)
    {
        var clock = new VirtualClock();
        using TestHost host = Host(tree, clock);
        var factory = host.Get<IMeterFactory>();
        host.Get<CoachGauges>().Touch();
        var values = new Dictionary<string, double>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "Coach.Observability" && ReferenceEquals(instrument.Meter.Scope, factory))
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<int>((i, value, tags, _) => values[Name(i, tags)] = value);
        listener.SetMeasurementEventCallback<long>((i, value, tags, _) => values[Name(i, tags)] = value);
        listener.SetMeasurementEventCallback<double>((i, value, tags, _) => values[Name(i, tags)] = value);
        listener.Start();
        listener.RecordObservableInstruments();
        return values;
    }

    private static string Name(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        foreach (KeyValuePair<string, object?> tag in tags)
        {
            if (tag.Key == "commit")
            {
                return $"{instrument.Name}{{commit={tag.Value}}}";
            }
        }

        return instrument.Name;
    }

    private static TestHost Host(KernelTree tree, VirtualClock clock, FakeLogCollector? log = null) => new(
        services => services.AddMetrics().AddCoachObservability(o =>
        {
            o.FileSystemRoot = tree.Root;
            o.BuildVersion = "1.2.3-test";
            o.BuildCommit = "sha256:abc";
        }),
        clock, [new("MODAL_MEMORY_MB", "2048")], log);
}
