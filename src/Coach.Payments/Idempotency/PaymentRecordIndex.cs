namespace Coach.Payments;

/// <summary>What stores look records up and count them by.</summary>
public static class PaymentRecordIndex
{
    /// <summary>Whether its link can still be paid.</summary>
    /// <param name="record">The record.</param>
    /// <returns>Whether nobody has paid, closed or failed it.</returns>
    public static bool IsOpen(PaymentRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return record.State == PaymentRecordState.Completed
            && record.Status is PaymentStatus.Pending or PaymentStatus.Processing;
    }

    /// <summary>When its next fact may be told. Facts are told in order: the first that waits holds up those behind
    /// it.</summary>
    /// <param name="record">The record.</param>
    /// <returns>The moment; <see cref="DateTimeOffset.MinValue"/> for at once, null if no fact waits.</returns>
    public static DateTimeOffset? DueAt(PaymentRecord record) =>
        FirstPending(record) is { } fact ? fact.NotBefore ?? DateTimeOffset.MinValue : null;

    /// <summary>When the oldest fact that waits happened.</summary>
    /// <param name="record">The record.</param>
    /// <returns>The moment; null if no fact waits.</returns>
    public static DateTimeOffset? OldestPendingAt(PaymentRecord record) => FirstPending(record)?.At;

    /// <summary>When it was paid, while the provider's fee is not known.</summary>
    /// <param name="record">The record.</param>
    /// <returns>The moment of the first such payment; null if there is none.</returns>
    public static DateTimeOffset? FeeUnknownAt(PaymentRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (!record.IsSimulated && record.State == PaymentRecordState.Completed)
        {
            foreach (LinkPayment row in record.Payments)
            {
                if (row is { Status: PaymentStatus.Succeeded, FeeMinorUnits: null, PaymentIntentId: not null })
                {
                    return row.PaidAt ?? record.CreatedAt;
                }
            }
        }

        return null;
    }

    /// <summary>Whether it may be forgotten when nothing touched it for a long time. What the host has not got yet, and
    /// what may exist at the provider without our knowing, is never forgotten.</summary>
    /// <param name="record">The record.</param>
    /// <returns>Whether it may.</returns>
    public static bool IsForgettable(PaymentRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return record.State != PaymentRecordState.LinkSent && !record.HasPendingFacts && !record.HasDeadFacts;
    }

    private static PaymentFactEntry? FirstPending(PaymentRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        foreach (PaymentFactEntry fact in record.Facts)
        {
            if (fact.State == PaymentFactState.Pending)
            {
                return fact;
            }
        }

        return null;
    }
}
