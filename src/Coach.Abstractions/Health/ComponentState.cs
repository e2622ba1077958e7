namespace Coach.Abstractions;

/// <summary>How a part of the system is doing. The zero value is not "healthy".</summary>
public enum ComponentState
{
    /// <summary>It does not work and the host declared that it must.</summary>
    Unhealthy,

    /// <summary>It works one tier down, or is absent and not required.</summary>
    Degraded,

    /// <summary>It works.</summary>
    Healthy,
}
