namespace Coach.Observability;

/// <summary>
/// How gauges are named and read and how health checks are run: the section <c>Coach:Observability</c>.
/// </summary>
public sealed class CoachObservabilityOptions
{
    /// <summary>
    /// The first word of Coach's own metric names on the Prometheus page: <c>maya</c> gives <c>maya_rag_available</c>.
    /// </summary>
    /// <value>
    /// 1 to 32 characters: lower-case letters, digits and single underscores, a letter first; <c>coach</c> unless set.
    /// </value>
    public string MetricPrefix { get; set; } = "coach";

    /// <summary>
    /// How old a reading of the container's or the process's figures may be before it is taken again.
    /// </summary>
    /// <value>0 to 60 seconds; 1 second unless set.</value>
    public TimeSpan ReadingMaxAge { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The share of the tightest memory limit at which memory pressure begins. It ends 0.05 lower.</summary>
    /// <value>0.1 to 0.95; 0.8 unless set.</value>
    public double MemoryPressureThreshold { get; set; } = 0.8;

    /// <summary>
    /// Whether memory pressure takes the replica out of rotation (503) instead of being shown as degraded (200).
    /// </summary>
    /// <value>False unless set. Admission control refuses new sessions under pressure either way.</value>
    public bool MemoryPressureFailsReadiness { get; set; }

    /// <summary>The shortest time between two warnings about memory pressure.</summary>
    /// <value>1 second to 1 day; 5 minutes unless set.</value>
    public TimeSpan MemoryPressureWarningInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// The longest that one component's health check may take. A check that takes longer counts as failed.
    /// </summary>
    /// <value>10 milliseconds to 1 minute; 5 seconds unless set.</value>
    public TimeSpan HealthTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the outcome of a component's health check is reused, however many probes ask.</summary>
    /// <value>0 to 10 minutes; 5 seconds unless set.</value>
    public TimeSpan HealthMaxAge { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The port for the metrics page and the detail of the health endpoints; a web host of Coach listens there besides.
    /// </summary>
    /// <value>
    /// 1 to 65535; null unless set: only callers on this machine that came through no proxy are then answered.
    /// </value>
    public int? Port { get; set; }

    /// <summary>The folder under which <c>proc</c> and <c>sys</c> are looked for.</summary>
    /// <value>
    /// An absolute path; <c>/</c> unless set. Other values serve tests and agents that mount the host elsewhere.
    /// </value>
    public string FileSystemRoot { get; set; } = "/";

    /// <summary>The host's version in <c>coach_build_info</c>.</summary>
    /// <value>Null (the entry assembly's informational version) unless set; at most 128 characters.</value>
    public string? BuildVersion { get; set; }

    /// <summary>The host's commit or image digest in <c>coach_build_info</c>.</summary>
    /// <value>
    /// Null (what follows <c>+</c> in the entry assembly's informational version) unless set; at most 128 characters.
    /// </value>
    public string? BuildCommit { get; set; }
}
