namespace Coach.Usage;

/// <summary>What happened, to whom. No secret, no prompt: of a key its fingerprint at most.</summary>
public sealed record AuditEvent
{
    /// <summary>What happened.</summary>
    public required AuditEventKind Kind { get; init; }

    /// <summary>
    /// To whom, such as <see cref="CallerContext.Key"/> or an account; kept as a keyed hash, 1 to 1,200 characters.
    /// </summary>
    public required string Subject { get; init; }

    /// <summary>The provider or the limit; at most 64 characters.</summary>
    public string Name { get; init; } = "";

    /// <summary>A key's fingerprint, or an error code; at most 64 characters.</summary>
    public string Detail { get; init; } = "";

    /// <summary>The amount, in micro-units; 0 for none.</summary>
    public long Micros { get; init; }

    /// <summary>What it belongs to, such as a payment's fact or a reservation; at most 200 characters.</summary>
    public string Reference { get; init; } = "";
}
