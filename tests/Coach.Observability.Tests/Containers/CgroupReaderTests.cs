using Coach.Observability.Containers;

namespace Coach.Observability.Tests.Containers;

/// <summary>
/// The layouts that containers and machines show; each is read right, or as absent, never with an exception.
/// </summary>
public sealed class CgroupReaderTests
{
    private const string Group = "sys/fs/cgroup/";
    private const string Memory = "sys/fs/cgroup/memory/";

    [Fact]
    public void Read_V2Container_GivesEveryFigure()
    {
        using KernelTree tree = new KernelTree().V2()
            .File(Group + "memory.current", "300000000\n")
                .File(Group + "memory.max", "1000000000\n")
                .File(Group + "memory.high", "800000000\n")
            .File(Group + "memory.stat", "anon 1\nfile 2\ninactive_anon 7\ninactive_file 100000000\nactive_file 9\n")
            .File(
                Group + "cpu.stat",
                "usage_usec 2500000\nuser_usec 2000000\nnr_periods 10\nthrottled_usec 250000\n").File(
                    Group + "cpu.max", "150000 100000\n")
            .File("proc/meminfo", "MemTotal:       16000000 kB\n");
        Assert.Equal(
            new ContainerReading
            {
                UsageBytes = 300_000_000,
                WorkingSetBytes = 200_000_000,
                LimitBytes = 1_000_000_000,
                HighBytes = 800_000_000,
                Utilization = 0.25,
                CpuSeconds = 2.5,
                ThrottledSeconds = 0.25,
                CpuLimit = 1.5,
            },
            Read(tree));
    }

    [Fact]
    public void Read_V2Unlimited_HasUsageAndNoLimit()
    {
        using KernelTree tree = new KernelTree().V2()
            .File(Group + "memory.current", "5000\n")
                .File(Group + "memory.max", "max\n")
                .File(Group + "memory.high", "max\n")
                .File(Group + "memory.stat", "inactive_file 1000\n")
            .File(Group + "cpu.stat", "usage_usec 1000000\n").File(Group + "cpu.max", "max 100000\n");
        Assert.Equal(new ContainerReading { UsageBytes = 5000, WorkingSetBytes = 4000, CpuSeconds = 1 }, Read(tree));
    }

    [Theory]
    [InlineData("max")]
    [InlineData("max\n")]
    [InlineData("9223372036854771712\n")]
    [InlineData("9223372036854710272\n")]
    [InlineData("18446744073709551615\n")]
    [InlineData("")]
    [InlineData("garbage\n")]
    [InlineData("-1\n")]
    [InlineData("12abc\n")]
    public void Read_ALimitThatIsNone_IsAbsent(string text)
    {
        using KernelTree tree = new KernelTree()
            .V2()
            .File(Group + "memory.current", "5000\n")
            .File(Group + "memory.max", text);
        Assert.Null(Read(tree).LimitBytes);
        using KernelTree v1 = new KernelTree()
            .V1()
            .File(Memory + "memory.usage_in_bytes", "5000\n")
            .File(Memory + "memory.limit_in_bytes", text);
        Assert.Null(Read(v1).LimitBytes);
    }

    [Fact]
    public void Read_V2Nested_TakesTheTightestLimitOnTheWayUp()
    {
        using KernelTree tree = new KernelTree().V2("/pod/app")
            .File(Group + "pod/app/memory.current", "100\n")
                .File(Group + "pod/app/memory.max", "1000\n")
                .File(Group + "pod/app/memory.high", "max\n")
            .File(Group + "pod/memory.current", "450\n")
                .File(Group + "pod/memory.max", "500\n")
                .File(Group + "pod/memory.high", "900\n")
            .File(Group + "pod/app/cpu.max", "max 100000").File(Group + "pod/cpu.max", "50000 100000");
        ContainerReading reading = Read(tree);
        Assert.Equal(
            (100, 500, 900, 0.5), (reading.UsageBytes, reading.LimitBytes, reading.HighBytes, reading.CpuLimit));
        Assert.Equal(0.9, reading.Utilization); // the pod is nearly full, though this group uses little
    }

    [Fact]
    public void Read_V1Container_GivesEveryFigure()
    {
        using KernelTree tree = new KernelTree().V1()
            .File(Memory + "memory.usage_in_bytes", "261000000\n").File(Memory + "memory.limit_in_bytes", "536870912\n")
            .File(
                Memory + "memory.stat",
                "cache 1\ninactive_file 5\nhierarchical_memory_limit 536870912\ntotal_inactive_file 114000000\n")
            .File(
                "sys/fs/cgroup/cpuacct/cpuacct.usage",
                "3500000000\n").File("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n")
            .File("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n").File(
                "sys/fs/cgroup/cpu/cpu.stat", "nr_periods 1\nnr_throttled 1\nthrottled_time 1500000000\n");
        ContainerReading reading = Read(tree);
        Assert.Equal(
            (261_000_000, 147_000_000, 536_870_912, null),
            (reading.UsageBytes, reading.WorkingSetBytes, reading.LimitBytes, reading.HighBytes));
        Assert.Equal((3.5, 1.5, 2.0), (reading.CpuSeconds, reading.ThrottledSeconds, reading.CpuLimit));
    }

    [Fact]
    public void Read_V1LimitAboveTheMountPoint_IsFoundInTheHierarchicalLimit()
    {
        using KernelTree tree = new KernelTree().V1()
            .File(Memory + "memory.usage_in_bytes", "10\n").File(
                Memory + "memory.limit_in_bytes", "9223372036854771712\n")
            .File(Memory + "memory.stat", "hierarchical_memory_limit 4096\n");
        Assert.Equal(4096, Read(tree).LimitBytes);
    }

    [Fact]
    public void Read_V1NestedOnAHybridMachine_ReadsTheOwnGroupNotTheRoot()
    {
        using KernelTree tree = new KernelTree().V1("/process_api/abc")
            .File(Memory + "memory.usage_in_bytes", "9999999999\n").File(
                Memory + "memory.limit_in_bytes", "9223372036854771712\n")
            .File(Memory + "process_api/abc/memory.usage_in_bytes", "100\n").File(
                Memory + "process_api/abc/memory.limit_in_bytes", "1000\n")
            .File("sys/fs/cgroup/unified/memory.current", "1\n");
        Assert.Equal((100, 1000, 0.1), (Read(tree).UsageBytes, Read(tree).LimitBytes, Read(tree).Utilization));
    }

    [Fact]
    public void Read_V1WithoutQuota_HasNoCpuLimit()
    {
        using KernelTree tree = new KernelTree()
            .V1()
            .File("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
            .File("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
        Assert.Null(Read(tree).CpuLimit);
    }

    [Fact]
    public void Read_DockerWithoutANamespace_CutsTheMountsRootOff()
    {
        using KernelTree tree = new KernelTree().V1("/docker/abc", mountRoot: "/docker/abc", cpuGroup: "/docker/abc")
            .File(Memory + "memory.usage_in_bytes", "100\n")
                .File(Memory + "memory.limit_in_bytes", "1000\n")
                .File("sys/fs/cgroup/cpuacct/cpuacct.usage", "1000000000\n");
        Assert.Equal((100, 1000, 1.0), (Read(tree).UsageBytes, Read(tree).LimitBytes, Read(tree).CpuSeconds));
    }

    [Theory]
    [InlineData("/../../elsewhere")]
    [InlineData("/..")]
    public void Read_GroupOutsideTheNamespace_ReadsTheMountPoint(string group)
    {
        using KernelTree tree = new KernelTree()
            .V2(group)
            .File(Group + "memory.current", "7\n")
            .File(Group + "memory.max", "70\n");
        Assert.Equal((7, 70), (Read(tree).UsageBytes, Read(tree).LimitBytes));
    }

    [Fact]
    public void Read_GroupFolderThatDoesNotExist_ReadsTheNearestParent()
    {
        using KernelTree tree = new KernelTree()
            .V2("/kubepods/pod1/container1")
            .File(Group + "kubepods/memory.current", "8\n")
            .File(Group + "kubepods/memory.max", "80\n");
        Assert.Equal((8, 80), (Read(tree).UsageBytes, Read(tree).LimitBytes));
    }

    [Fact]
    public void Read_HostRootOfV2_HasNoFigures()
    {
        using KernelTree tree = new KernelTree()
            .V2()
            .File(Group + "memory.stat", "inactive_file 5\n")
            .File(Group + "cpu.stat", "usage_usec 5000000\n")
            .Folder(Group + "system.slice");
        Assert.Equal(ContainerReading.Unknown, Read(tree));
    }

    [Fact]
    public void Read_V2GroupWithoutTheMemoryController_HasItsProcessorTime()
    {
        using KernelTree tree = new KernelTree()
            .V2()
            .File(Group + "cgroup.type", "domain\n")
            .File(Group + "cpu.stat", "usage_usec 5000000\n");
        Assert.Equal(new ContainerReading { CpuSeconds = 5 }, Read(tree));
    }

    [Fact]
    public void Read_HostRootOfV1_HasNoFigures()
    {
        using KernelTree tree = new KernelTree().V1()
            .File(Memory + "release_agent", "\n")
                .File(Memory + "memory.usage_in_bytes", "100\n")
                .File(Memory + "memory.limit_in_bytes", "9223372036854771712\n")
            .File("sys/fs/cgroup/cpuacct/release_agent", "\n").File(
                "sys/fs/cgroup/cpuacct/cpuacct.usage", "5000000000\n")
            .File("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
                .File("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
                .File("sys/fs/cgroup/cpu/cpu.stat", "throttled_time 0\n");
        Assert.Equal(ContainerReading.Unknown, Read(tree));
    }

    [Fact]
    public void Read_V1ProcessorAtTheRootWhileMemoryIsInAGroup_HasNoProcessorTime()
    {
        using KernelTree tree = new KernelTree().V1("/app")
            .File(Memory + "app/memory.usage_in_bytes", "100\n").File(Memory + "app/memory.limit_in_bytes", "1000\n")
            .File("sys/fs/cgroup/cpuacct/cpuacct.usage", "5000000000\n").File(
                "sys/fs/cgroup/cpu/cpu.stat", "throttled_time 1500000000\n");
        ContainerReading reading = Read(tree);
        Assert.Equal(
            (100, 1000, null, null),
            (reading.UsageBytes, reading.LimitBytes, reading.CpuSeconds, reading.ThrottledSeconds));
    }

    [Fact]
    public void Read_LimitLargerThanTheMachine_IsTheMachine()
    {
        using KernelTree tree = new KernelTree()
            .V2()
            .File(Group + "memory.current", "1024\n")
            .File(Group + "memory.max", "99999999999\n")
            .File("proc/meminfo", "MemFree: 1 kB\nMemTotal:  2 kB\n");
        Assert.Equal((2048, 0.5), (Read(tree).LimitBytes, Read(tree).Utilization));
    }

    [Fact]
    public void Read_InactiveFileAboveUsage_ClampsTheWorkingSetAtZero()
    {
        using KernelTree tree = new KernelTree()
            .V2()
            .File(Group + "memory.current", "10\n")
            .File(Group + "memory.stat", "inactive_file 50\n");
        Assert.Equal(0, Read(tree).WorkingSetBytes);
    }

    [Fact]
    public void Read_HighAlone_CountsForTheUtilization()
    {
        using KernelTree tree = new KernelTree()
            .V2()
            .File(Group + "memory.current", "50\n")
            .File(Group + "memory.max", "max\n")
            .File(Group + "memory.high", "100\n");
        Assert.Equal((null, 100L, 0.5), (Read(tree).LimitBytes, Read(tree).HighBytes, Read(tree).Utilization));
    }

    [Fact]
    public void Read_MountPointWithSpaces_IsUnescaped()
    {
        using KernelTree tree = new KernelTree()
            .File("proc/self/cgroup", "0::/\n")
                .File("proc/self/mountinfo", "30 22 0:26 / /my\\040groups rw - cgroup2 cgroup2 rw\n")
                .File("my groups/memory.current", "3\n");
        Assert.Equal(3, Read(tree).UsageBytes);
    }

    public static TheoryData<string, string> Odd() => new()
    {
        { "", "" },
        { "0::/\n", "" },
        { "", "30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n" },
        { "nonsense", "nonsense" },
        { ":::::\n\n0:\n0::relative\n", "- - - -\n1 2 3 4 5 6 7\n30 22 0:26 / /sys rw -\n\0\0" },
        { "0::/" + new string('a', 5000), "30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n" },
        { "0::/a\0b\n", "30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n" },
    };

    [Theory]
    [MemberData(nameof(Odd))]
    public void Read_GarbageInProc_IsUnknown(string cgroup, string mountinfo)
    {
        using KernelTree tree = new KernelTree()
            .File("proc/self/cgroup", cgroup)
            .File("proc/self/mountinfo", mountinfo);
        Assert.Equal(ContainerReading.Unknown, Read(tree));
    }

    [Fact]
    public void Read_NoProcAtAll_IsUnknown()
    {
        using var tree = new KernelTree();
        Assert.Equal(ContainerReading.Unknown, Read(tree));
    }

    [Fact]
    public void Read_AFolderWhereAFileShouldBe_IsAbsent()
    {
        using KernelTree tree = new KernelTree()
            .V2()
            .Folder(Group + "memory.current")
            .Folder(Group + "memory.stat")
            .File(Group + "memory.max", "5\n");
        Assert.Equal((null, null, 5L), (Read(tree).UsageBytes, Read(tree).WorkingSetBytes, Read(tree).LimitBytes));
    }

    [Fact]
    public void Read_UnreadableFiles_AreAbsent()
    {
        using KernelTree tree = new KernelTree()
            .V2()
            .File(Group + "memory.current", "5\n")
            .File(Group + "memory.max", "9\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path.Combine(tree.Root, Group, "memory.max"), UnixFileMode.None);
        }

        ContainerReading reading = Read(tree);
        Assert.Equal(5, reading.UsageBytes);
        Assert.True(reading.LimitBytes is null or 9, "root may read it all the same");
    }

    [Fact]
    public void Read_FilesThatVanish_BecomeAbsentAndTheGroupIsLookedForAgain()
    {
        using KernelTree tree = new KernelTree()
            .V2("/a")
            .File(Group + "a/memory.current", "5\n")
            .File(Group + "a/memory.max", "50\n");
        var reader = new CgroupReader(tree.Root);
        Assert.Equal(5, reader.Read().UsageBytes);
        tree.Delete(Group + "a/memory.max");
        Assert.Null(reader.Read().LimitBytes);
        tree.Delete(Group + "a");
        Assert.Null(reader.Read().UsageBytes);
        tree.V2("/b").File(Group + "b/memory.current", "6\n");
        Assert.Equal(6, reader.Read().UsageBytes);
    }

    [Fact]
    public void Read_AProcessMovedToAnotherGroup_ReadsThatOneThoughTheOldOneIsStillThere()
    {
        using KernelTree tree = new KernelTree()
            .V2("/old")
            .File(Group + "old/memory.current", "5\n")
            .File(Group + "new/memory.current", "6\n");
        var reader = new CgroupReader(tree.Root);
        Assert.Equal(5, reader.Read().UsageBytes);
        tree.V2("/new");
        Assert.Equal(6, reader.Read().UsageBytes);
    }

    [Fact]
    public void Read_HostsHierarchyMountedToo_ReadsTheMountThatHoldsTheGroup()
    {
        using KernelTree tree = new KernelTree()
            .File("proc/self/cgroup", "0::/docker/abc\n")
            .File("proc/self/mountinfo", """
                40 22 0:26 /docker/other /other rw - cgroup2 cgroup2 rw
                30 22 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw

                """)
            .File("other/memory.current", "1\n").File(Group + "memory.current", "2\n");
        Assert.Equal(2, Read(tree).UsageBytes);
    }

    [Theory]
    [InlineData("0\n", 1000, 0.1)]
    [InlineData("1\n", 500, 0.8)]
    public void Read_V1Parent_CountsOnlyWithItsHierarchy(string useHierarchy, long limit, double utilization)
    {
        using KernelTree tree = new KernelTree().V1("/parent/own")
            .File(Memory + "parent/memory.use_hierarchy", useHierarchy)
            .File(
                Memory + "parent/memory.usage_in_bytes", "400\n").File(Memory + "parent/memory.limit_in_bytes", "500\n")
            .File(Memory + "parent/own/memory.usage_in_bytes", "100\n").File(
                Memory + "parent/own/memory.limit_in_bytes", "1000\n");
        Assert.Equal((limit, utilization), (Read(tree).LimitBytes, Read(tree).Utilization));
    }

    [Fact]
    public void Read_ThisMachine_DoesNotThrow()
    {
        ContainerReading reading = new CgroupReader("/").Read();
        Assert.True(reading.UsageBytes is null or > 0);
        Assert.True(reading.Utilization is null or > 0);
    }

    private static ContainerReading Read(KernelTree tree) => new CgroupReader(tree.Root).Read();
}
