namespace Coach.Payments;

/// <summary>What claiming an operation gave.</summary>
/// <param name="Outcome">Whether the caller may work on it.</param>
/// <param name="Record">The record as the store has it now.</param>
/// <param name="RetryAfter">When somebody else holds the claim: how long until it runs out at the latest; else
/// null.</param>
public readonly record struct IdempotencyClaim(ClaimOutcome Outcome, PaymentRecord Record, TimeSpan? RetryAfter = null);
