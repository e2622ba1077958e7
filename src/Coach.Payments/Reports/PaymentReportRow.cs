namespace Coach.Payments;

/// <summary>One day in one currency.</summary>
/// <param name="Day">The day (UTC).</param>
/// <param name="Currency">The currency, lower case.</param>
/// <param name="IsLive">Whether real money moved.</param>
/// <param name="Links">Links made.</param>
/// <param name="Payments">Payments that completed, of whatever link.</param>
/// <param name="PaidMinorUnits">What they brought.</param>
/// <param name="RefundedMinorUnits">What was given back of payments of that day.</param>
/// <param name="FeeMinorUnits">What the provider took, as far as it is known, where it settles in this
/// currency.</param>
/// <param name="Disputes">Payments of that day that are or were disputed.</param>
/// <param name="Mismatches">Payments of another amount than asked for.</param>
public sealed record PaymentReportRow(
    DateOnly Day, string Currency, bool IsLive, int Links, int Payments, long PaidMinorUnits, long RefundedMinorUnits,
    long FeeMinorUnits, int Disputes, int Mismatches);
