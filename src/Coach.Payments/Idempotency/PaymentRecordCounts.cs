namespace Coach.Payments;

/// <summary>How many records of each kind there are.</summary>
/// <param name="PendingFacts">Records with a fact that the host has not confirmed.</param>
/// <param name="DeadFacts">Records with a fact that was given up.</param>
/// <param name="Open">Links that can still be paid.</param>
/// <param name="OldestPendingAt">When the oldest fact that the host has not confirmed happened; null for none.</param>
public sealed record PaymentRecordCounts(
    int PendingFacts, int DeadFacts, int Open, DateTimeOffset? OldestPendingAt);
