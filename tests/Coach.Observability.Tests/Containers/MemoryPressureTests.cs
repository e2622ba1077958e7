using Coach.Abstractions;
using Coach.Observability.Containers;
using Coach.Testing;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;

namespace Coach.Observability.Tests.Containers;

public sealed class MemoryPressureTests
{
    private const string Group = "sys/fs/cgroup/";

    private readonly VirtualClock _clock = new();
    private readonly FakeLogCollector _logs = TestLogs.New();

    [Fact]
    public void IsHigh_AroundTheThreshold_HasHysteresis()
    {
        using KernelTree tree = new KernelTree().V2().File(Group + "memory.max", "1000\n");
        IMemoryPressure pressure = Create(tree);
        foreach ((int used, bool expected)
            in new[] { (799, false), (800, true), (799, true), (750, true), (749, false), (799, false), (801, true) })
        {
            tree.File(Group + "memory.current", $"{used}\n");
            _clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(expected, pressure.IsHigh);
        }
    }

    [Fact]
    public void IsHigh_UnknownLimit_IsFalse()
    {
        using var tree = new KernelTree();
        Assert.False(Create(tree).IsHigh);
    }

    [Fact]
    public void IsHigh_FullMachineWithoutAContainerLimit_IsFalse()
    {
        using KernelTree tree = new KernelTree().V2("/app").File("proc/meminfo", "MemTotal: 1 kB\nMemAvailable: 0 kB\n")
            .File(Group + "app/memory.current", "1000\n").File(Group + "app/memory.max", "max\n");
        Assert.False(Create(tree).IsHigh);
    }

    [Fact]
    public void IsHigh_LimitTakenAwayUnderPressure_IsFalseAgain()
    {
        using KernelTree tree = new KernelTree()
            .V2()
            .File(Group + "memory.max", "1000\n")
            .File(Group + "memory.current", "990\n");
        MemoryPressure pressure = Create(tree);
        Assert.True(pressure.IsHigh);
        tree.File(Group + "memory.max", "max\n");
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.False(pressure.IsHigh);
    }

    [Fact]
    public void IsHigh_InactiveFilePages_DoNotCount()
    {
        using KernelTree tree = new KernelTree()
            .V2()
            .File(Group + "memory.max", "1000\n")
            .File(Group + "memory.current", "990\n")
            .File(Group + "memory.stat", "inactive_file 500\n");
        Assert.False(Create(tree).IsHigh);
    }

    [Fact]
    public void Warning_WhilePressureComesAndGoes_IsLoggedAtMostOncePerInterval()
    {
        using KernelTree tree = new KernelTree().V2().File(Group + "memory.max", "1000\n");
        MemoryPressure pressure = Create(tree);
        for (int i = 0; i < 400; i++)
        {
            tree.File(Group + "memory.current", i % 2 == 0 ? "900\n" : "100\n");
            _clock.Advance(TimeSpan.FromSeconds(1));
            _ = pressure.IsHigh;
        }

        Assert.Equal(200, pressure.Entered);
        Assert.Equal(
            "Memory pressure: 90 % of the memory limit is in use; new sessions wait until it falls below 75 %",
            _logs.Messages().First());
        Assert.Equal(
            2, _logs.Messages().Count(message => message.StartsWith("Memory pressure: ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Warning_WithAShortInterval_IsLoggedMoreOften()
    {
        using KernelTree tree = new KernelTree().V2().File(Group + "memory.max", "1000\n");
        MemoryPressure pressure = Create(tree, out _, TimeSpan.FromSeconds(10));
        for (int i = 0; i < 40; i++)
        {
            tree.File(Group + "memory.current", i % 2 == 0 ? "900\n" : "100\n");
            _clock.Advance(TimeSpan.FromSeconds(1));
            _ = pressure.IsHigh;
        }

        Assert.Equal(
            4, _logs.Messages().Count(message => message.StartsWith("Memory pressure: ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Read_WithinTheMaximumAge_ReadsNothingAndAllocatesNothing()
    {
        using KernelTree tree = new KernelTree()
            .V2()
            .File(Group + "memory.max", "1000\n")
            .File(Group + "memory.current", "100\n");
        MemoryPressure pressure = Create(tree, out ContainerMonitor monitor);
        ContainerReading first = monitor.Read();
        _ = pressure.IsHigh;
        tree.File(Group + "memory.current", "999\n");
        _clock.Advance(TimeSpan.FromSeconds(0.999));
        Assert.Same(first, monitor.Read());
        long least = long.MaxValue;
        for (int round = 0; round < 20 && least > 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++)
            {
                _ = pressure.IsHigh;
                _ = monitor.Read();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        _clock.Advance(TimeSpan.FromSeconds(0.001));
        Assert.Equal(999, monitor.Read().UsageBytes);
    }

    [Fact]
    public async Task Health_UnderPressure_IsDegradedOrUnhealthyByOption()
    {
        using KernelTree tree = new KernelTree()
            .V2()
            .File(Group + "memory.max", "1000\n")
            .File(Group + "memory.current", "950\n");
        MemoryPressure pressure = Create(tree);
        foreach ((bool fails, ComponentState expected)
            in new[] { (false, ComponentState.Degraded), (true, ComponentState.Unhealthy) })
        {
            var health = new MemoryHealth(
                pressure, Options.Create(new CoachObservabilityOptions { MemoryPressureFailsReadiness = fails }));
            Assert.Equal(
                new ComponentReport(expected, "Container memory pressure detected"), await health.CheckAsync());
        }
    }

    private MemoryPressure Create(KernelTree tree) => Create(tree, out _);

    private MemoryPressure Create(KernelTree tree, out ContainerMonitor monitor, TimeSpan? warningInterval = null)
    {
        var chosen = new CoachObservabilityOptions { FileSystemRoot = tree.Root };
        chosen.MemoryPressureWarningInterval = warningInterval ?? chosen.MemoryPressureWarningInterval;
        IOptions<CoachObservabilityOptions> options = Options.Create(chosen);
        monitor = new ContainerMonitor(options, _clock);
        return new MemoryPressure(monitor, options, _clock, new FakeLogger<MemoryPressure>(_logs));
    }
}
