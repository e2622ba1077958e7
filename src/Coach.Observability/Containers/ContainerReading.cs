namespace Coach.Observability.Containers;

/// <summary>One reading of the container's figures. What is unknown is null, never 0.</summary>
internal sealed record ContainerReading
{
    public static ContainerReading Unknown { get; } = new();

    /// <summary>What the own group uses, page cache included.</summary>
    public long? UsageBytes { get; init; }

    /// <summary>What the own group uses less the file pages that the kernel can drop at once.</summary>
    public long? WorkingSetBytes { get; init; }

    /// <summary>
    /// The tightest hard limit on the way up, capped by the machine's memory; null when there is none.
    /// </summary>
    public long? LimitBytes { get; init; }

    /// <summary>The tightest <c>memory.high</c> on the way up: above it the kernel slows the group down.</summary>
    public long? HighBytes { get; init; }

    /// <summary>
    /// The largest share, over all groups on the way up, of working set in min(high, limit); null when no group is
    /// limited.
    /// </summary>
    public double? Utilization { get; init; }

    /// <summary>Processor time used by the own group.</summary>
    public double? CpuSeconds { get; init; }

    /// <summary>Time the own group was held back by its processor quota.</summary>
    public double? ThrottledSeconds { get; init; }

    /// <summary>Processors the tightest quota on the way up allows.</summary>
    public double? CpuLimit { get; init; }
}
