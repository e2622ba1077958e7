namespace Coach.Usage;

/// <summary>What happened to a key or to money.</summary>
public enum AuditEventKind
{
    /// <summary>Nothing. Never kept.</summary>
    None,

    /// <summary>A key was entered.</summary>
    KeyEntered,

    /// <summary>A key was validated.</summary>
    KeyValidated,

    /// <summary>A key replaced another one.</summary>
    KeyRotated,

    /// <summary>A key was removed.</summary>
    KeyRemoved,

    /// <summary>A key was refused.</summary>
    KeyRefused,

    /// <summary>Money was set aside for a call.</summary>
    SetAside,

    /// <summary>A call was charged.</summary>
    Settled,

    /// <summary>Credits were added.</summary>
    Credited,

    /// <summary>Credits were taken back.</summary>
    Refunded,

    /// <summary>A budget or a balance refused a call.</summary>
    Rejected,
}
