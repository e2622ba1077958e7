namespace Coach.Observability;

/// <summary>
/// The names of the meters and activity sources of the Coach packages, for collectors that are wired by hand.
/// </summary>
public static class CoachTelemetry
{
    internal const string ObservabilityName = "Coach.Observability";

    /// <summary>The meters, one per package and named like it.</summary>
    public static IReadOnlyList<string> MeterNames { get; } =
    [
        "Coach.Llm", "Coach.Rag", "Coach.Payments", "Coach.Payments.Mcp", ObservabilityName, "Coach.AspNetCore",
        "Coach.Prometheus", "Coach.Usage", "Coach.Postgres", "Coach.Abstractions",
    ];

    /// <summary>The activity sources, one per package and named like it.</summary>
    public static IReadOnlyList<string> ActivitySourceNames { get; } =
    [
        "Coach.Llm", "Coach.Rag", "Coach.Payments", "Coach.Payments.Mcp", ObservabilityName, "Coach.AspNetCore",
    ];
}
