namespace Coach.Observability;

/// <summary>
/// What the deployment was given, as shown by the configuration gauges: the section <c>Coach:Deployment</c>.
/// </summary>
public sealed class CoachDeploymentOptions
{
    /// <summary>
    /// The memory that one container was given, in megabytes: <c>Coach:Deployment:MemoryMb</c>, else
    /// <c>MODAL_MEMORY_MB</c>.
    /// </summary>
    /// <value>1 to 2147483647; 4096 unless set.</value>
    public int MemoryMb { get; set; } = 4096;

    /// <summary>
    /// The most containers that may run: <c>Coach:Deployment:MaxContainers</c>, else <c>MODAL_MAX_CONTAINERS</c>.
    /// </summary>
    /// <value>1 to 2147483647; 3 unless set.</value>
    public int MaxContainers { get; set; } = 3;
}
