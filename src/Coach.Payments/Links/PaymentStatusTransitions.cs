namespace Coach.Payments;

/// <summary>How the status follows from what the provider shows. It only ever rises.</summary>
internal static class PaymentStatusTransitions
{
    public static bool CanMove(PaymentStatus from, PaymentStatus to) => Rank(to) > Rank(from);

    /// <summary>The record with what these payments tell, or null when they tell nothing new.</summary>
    public static PaymentRecord? Apply(PaymentRecord record, IReadOnlyList<GatewaySession> sessions)
    {
        PaymentRecord changed = record;
        foreach (GatewaySession session in sessions)
        {
            changed = Apply(changed, session);
        }

        return ReferenceEquals(changed, record) ? null : changed;
    }

    public static PaymentRecord Apply(PaymentRecord record, GatewaySession session)
    {
        switch (session.State)
        {
            case GatewaySessionState.Paid when session.AmountTotal == record.Request.Amount.MinorUnits && session.Currency == record.Request.Amount.Currency:
                return record.Status == PaymentStatus.Succeeded ? record : record with
                {
                    Status = PaymentStatus.Succeeded,
                    PaidMinorUnits = session.AmountTotal,
                    PaidCurrency = session.Currency,
                };
            case GatewaySessionState.Paid:
                // Never accepted: the status stays, and somebody has to look.
                return record.HasAmountMismatch ? record : record with
                {
                    HasAmountMismatch = true,
                    PaidMinorUnits = record.PaidMinorUnits ?? session.AmountTotal,
                    PaidCurrency = record.PaidCurrency ?? session.Currency,
                };
            case GatewaySessionState.CompleteUnpaid:
                return Move(record, PaymentStatus.Processing);
            case GatewaySessionState.Failed:
                return Move(record, PaymentStatus.Failed);
            default:
                // An open or abandoned page changes nothing: the link can still be paid.
                return record;
        }
    }

    public static PaymentRecord Move(PaymentRecord record, PaymentStatus status) =>
        CanMove(record.Status, status) ? record with { Status = status } : record;

    private static int Rank(PaymentStatus status) => status switch
    {
        PaymentStatus.Pending => 0,
        PaymentStatus.Processing => 1,
        PaymentStatus.Failed or PaymentStatus.Expired => 2,
        _ => 3,
    };
}
