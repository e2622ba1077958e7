namespace Coach.Usage;

/// <summary>An event as it stands in the log: chained by hash to the one before it.</summary>
/// <param name="Sequence">Its place, from 1 without a gap.</param>
/// <param name="At">When, in whole milliseconds.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Subject">To whom, as the first 32 hexadecimal digits of an HMAC with a key of the log's.</param>
/// <param name="Name">The provider or the limit.</param>
/// <param name="Detail">A fingerprint or an error code.</param>
/// <param name="Micros">The amount.</param>
/// <param name="Reference">What it belongs to.</param>
/// <param name="Hash">SHA-256 over all of the above and the hash before it, in lower-case hex.</param>
public sealed record AuditEntry(
    long Sequence, DateTimeOffset At, AuditEventKind Kind, string Subject, string Name, string Detail, long Micros,
    string Reference, string Hash);
