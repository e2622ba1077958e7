namespace Coach.Observability.Containers;

/// <summary>Reads the figures of this process's control groups, version 1 or 2.</summary>
internal sealed class CgroupReader(string root)
{
    private CgroupLocation? _location;

    public ContainerReading Read()
    {
        // The process can be moved to another group, and its group removed, while it runs.
        string[] groups = CgroupLocation.ReadGroupLines(root);
        if (_location is null
            || !_location.Groups.SequenceEqual(groups)
            || (_location.Memory.Count > 0 && !Directory.Exists(_location.Memory[0])))
        {
            _location = CgroupLocation.Find(root, groups);
        }

        CgroupLocation at = _location;
        long machine = KernelFile.Field(
            Path.Combine(root, "proc/meminfo"), "MemTotal"u8) is { } kilobytes and > 0 and < long.MaxValue / 1024
            ? kilobytes * 1024
            : long.MaxValue;
        long? limit = null, high = null;
        double? utilization = null;
        // Nested groups: the kernel enforces every limit on the way up, so the fullest one decides.
        foreach (string folder in at.Memory)
        {
            (long? groupLimit, long? groupHigh) = at.IsMemoryV2 ? LimitsV2(folder) : LimitsV1(folder);
            limit = Smaller(limit, groupLimit);
            high = Smaller(high, groupHigh);
            if (Smaller(Smaller(groupLimit, groupHigh), machine)
                is { } effective and > 0 && (groupLimit ?? groupHigh) is not null
                && WorkingSet(folder, at.IsMemoryV2) is { } used)
            {
                utilization = Math.Max(utilization ?? 0, (double)used / effective);
            }

            if (!at.IsMemoryV2
                && KernelFile.Number(Path.Combine(Path.GetDirectoryName(folder)!, "memory.use_hierarchy")) == 0)
            {
                break; // the parent does not count what its children use, so its limit is not theirs
            }
        }

        // What the hierarchy's root counts is the machine's, not a container's.
        string? own = at.Memory.Count > 0 && !CgroupLocation.IsMachine(at.Memory[0], at.IsMemoryV2)
            ? at.Memory[0]
            : null;
        string? cpu = at.CpuUsage.Count > 0
            && !at.IsCpuOfTheMachine
            && !CgroupLocation.IsMachine(at.CpuUsage[0], at.IsCpuV2)
            ? at.CpuUsage[0]
            : null;
        return new ContainerReading
        {
            UsageBytes = own is null ? null : Usage(own, at.IsMemoryV2),
            WorkingSetBytes = own is null ? null : WorkingSet(own, at.IsMemoryV2),
            LimitBytes = limit is null ? null : Math.Min(limit.Value, machine),
            HighBytes = high,
            Utilization = utilization,
            CpuSeconds = cpu is null ? null : CpuSeconds(cpu, at.IsCpuV2),
            ThrottledSeconds = cpu is null || at.CpuLimit.Count == 0
                ? null
                : ThrottledSeconds(at.CpuLimit[0], at.IsCpuV2),
            CpuLimit = CpuLimit(at),
        };
    }

    private static (long? Limit, long? High) LimitsV2(string folder) =>
        (KernelFile.Limit(Path.Combine(folder, "memory.max")), KernelFile.Limit(Path.Combine(folder, "memory.high")));

    // hierarchical_memory_limit also knows limits above the mount point, which a container cannot see otherwise.
    private static (long? Limit, long? High) LimitsV1(string folder) =>
        (Smaller(KernelFile.Limit(Path.Combine(folder, "memory.limit_in_bytes")), HierarchicalLimit(folder)), null);

    private static long? HierarchicalLimit(string folder) =>
        KernelFile.Field(
            Path.Combine(folder, "memory.stat"), "hierarchical_memory_limit"u8) is { } value and <= 0x7FFFFFFF00000000
            ? value
            : null;

    private static long? Usage(string folder, bool v2) =>
        KernelFile.Number(Path.Combine(folder, v2 ? "memory.current" : "memory.usage_in_bytes"));

    private static long? WorkingSet(string folder, bool v2)
    {
        if (Usage(folder, v2) is not { } usage)
        {
            return null;
        }

        long inactive = KernelFile.Field(
            Path.Combine(folder, "memory.stat"), v2 ? "inactive_file"u8 : "total_inactive_file"u8)
            ?? 0;
        return Math.Max(0, usage - inactive);
    }

    private static double? CpuSeconds(string folder, bool v2) => v2
        ? KernelFile.Field(Path.Combine(folder, "cpu.stat"), "usage_usec"u8) / 1e6
        : KernelFile.Number(Path.Combine(folder, "cpuacct.usage")) / 1e9;

    private static double? ThrottledSeconds(string folder, bool v2) => v2
        ? KernelFile.Field(Path.Combine(folder, "cpu.stat"), "throttled_usec"u8) / 1e6
        : KernelFile.Field(Path.Combine(folder, "cpu.stat"), "throttled_time"u8) / 1e9;

    private static double? CpuLimit(CgroupLocation at)
    {
        double? limit = null;
        foreach (string folder in at.CpuLimit)
        {
            (long? quota, long? period) = at.IsCpuV2 ? QuotaV2(folder) : QuotaV1(folder);
            if (quota > 0 && period > 0)
            {
                limit = Math.Min(limit ?? double.MaxValue, (double)quota.Value / period.Value);
            }
        }

        return limit;
    }

    private static (long? Quota, long? Period) QuotaV2(string folder) =>
        KernelFile.Pair(Path.Combine(folder, "cpu.max")) is { } pair ? pair : (null, null);

    private static (long? Quota, long? Period) QuotaV1(string folder) => (
        KernelFile.Number(Path.Combine(folder, "cpu.cfs_quota_us")),
        KernelFile.Number(Path.Combine(folder, "cpu.cfs_period_us")));

    // The smaller one that is known.
    private static long? Smaller(long? a, long? b) => a is null || b < a ? b ?? a : a;
}
