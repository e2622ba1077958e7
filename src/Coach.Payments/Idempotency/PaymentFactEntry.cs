namespace Coach.Payments;

/// <summary>A fact as its record keeps it: written in the same step as the change it tells of, so that one cannot exist
/// without the other (transactional outbox).</summary>
public sealed record PaymentFactEntry
{
    /// <summary>What it says.</summary>
    public required PaymentFactKind Kind { get; init; }

    /// <summary>What it is about: the session's, payment's or dispute's id; empty for the link itself.</summary>
    public required string Subject { get; init; }

    /// <summary>The amount it is about, in minor units; 0 where there is none.</summary>
    public long MinorUnits { get; init; }

    /// <summary>The refunded sum after a refund, in minor units; 0 for other facts.</summary>
    public long TotalMinorUnits { get; init; }

    /// <summary>What it changed of <see cref="TotalReversedMinorUnits"/>: less than 0 where money came back; null for
    /// facts that reverse nothing.</summary>
    public long? ReversedMinorUnits { get; init; }

    /// <summary>What of the payment was gone after it, in minor units: given back, or taken for a dispute that is not
    /// won; null for facts that reverse nothing.</summary>
    public long? TotalReversedMinorUnits { get; init; }

    /// <summary>Of a dispute, whether it was an inquiry then; null for other facts.</summary>
    public bool? IsInquiry { get; init; }

    /// <summary>Which one it is of the facts that say the same, from 2: a refund that failed and was made again reaches
    /// its sum twice. Null for the first.</summary>
    public int? Occurrence { get; init; }

    /// <summary>When it happened (UTC): by the provider's clock where it says so.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>Whether the host has it.</summary>
    public PaymentFactState State { get; init; }

    /// <summary>How often it was handed out.</summary>
    public int Attempts { get; init; }

    /// <summary>Before this moment it is not handed out: the end of a claim, or of the wait after a failure; null for
    /// at once.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>Why the last attempt failed, in one line; null when none did.</summary>
    public string? Error { get; init; }
}
