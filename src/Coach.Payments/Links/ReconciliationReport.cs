namespace Coach.Payments;

/// <summary>What one pass of reconciliation did.</summary>
/// <param name="Examined">Operations of unknown outcome that were looked at.</param>
/// <param name="Settled">Those whose link is now known.</param>
/// <param name="Remaining">Those that are still open: running elsewhere, or the provider did not answer.</param>
public sealed record ReconciliationReport(int Examined, int Settled, int Remaining);
