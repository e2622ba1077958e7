namespace Coach.Payments;

/// <summary>A payment link as it is known here.</summary>
public sealed record PaymentLink
{
    /// <summary>The provider's id (<c>plink_…</c>), or <c>sim_…</c> for a simulated link.</summary>
    public required string Id { get; init; }

    /// <summary>The address the payer opens.</summary>
    public required Uri Url { get; init; }

    /// <summary>How far the payment got.</summary>
    public required PaymentStatus Status { get; init; }

    /// <summary>Whether no money can move: the link was not made at a provider.</summary>
    public required bool IsSimulated { get; init; }

    /// <summary>What is to be paid.</summary>
    public required Money Amount { get; init; }

    /// <summary>What it is for.</summary>
    public required string Description { get; init; }

    /// <summary>The operation it was made for.</summary>
    public required string OperationKey { get; init; }

    /// <summary>Whose it is; null for none. Answer "not found" to anybody else.</summary>
    public string? Owner { get; init; }

    /// <summary>Whether this call found the link that an earlier call with the same key had made.</summary>
    public bool IsReplay { get; init; }

    /// <summary>Whether the link exists but could not be recorded fully; <see cref="IPaymentLinks.ReconcileAsync"/>
    /// settles it.</summary>
    public bool NeedsReconciliation { get; init; }

    /// <summary>Whether more than one payment can complete: asked for, or because the gateway cannot limit
    /// it.</summary>
    public bool IsReusable { get; init; }

    /// <summary>Whether somebody paid another amount or currency than asked for. Such a payment never counts; look at
    /// it by hand.</summary>
    public bool HasAmountMismatch { get; init; }

    /// <summary>What was paid, in minor units of <see cref="PaidCurrency"/>; null while nothing was.</summary>
    public long? PaidMinorUnits { get; init; }

    /// <summary>The currency of <see cref="PaidMinorUnits"/>, lower case; null while nothing was paid.</summary>
    public string? PaidCurrency { get; init; }

    /// <summary>The gateway that made it, such as <c>stripe</c> or <c>simulated</c>.</summary>
    public required string Gateway { get; init; }

    /// <summary>When the operation was first asked for.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The host's own reference of the request; null for none.</summary>
    public string? Reference { get; init; }

    /// <summary>Whether real money moves; null when it is not known (links of 0.1).</summary>
    public bool? IsLive { get; init; }

    /// <summary>The provider's account; null for the key's own.</summary>
    public string? Account { get; init; }

    /// <summary>When the link closes by itself; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether the link, which may be paid once, was paid more than once.</summary>
    public bool IsOverpaid { get; init; }

    /// <summary>Every payment that was seen, in order of its first sight.</summary>
    public IReadOnlyList<LinkPayment> Payments { get; init; } = [];

    /// <summary>What arrived in all, in minor units of <see cref="Amount"/>'s currency: payments of another currency
    /// are not in it.</summary>
    public long ReceivedMinorUnits => Payments
        .Where(payment => payment.Status == PaymentStatus.Succeeded && payment.Currency == Amount.Currency)
        .Sum(payment => payment.MinorUnits ?? 0);

    /// <summary>What was given back in all, in minor units of <see cref="Amount"/>'s currency.</summary>
    public long RefundedMinorUnits => Payments
        .Where(payment => payment.Currency == Amount.Currency).Sum(payment => payment.RefundedMinorUnits);

    /// <summary>Whether a payment is disputed and nobody has decided yet.</summary>
    public bool IsDisputed => Payments
        .Any(payment => payment.Disputes.Any(dispute => dispute.Outcome == PaymentDisputeOutcome.Open));

    /// <summary>Whether the status can no longer change by waiting: succeeded, failed or expired.</summary>
    public bool IsFinal => Status is PaymentStatus.Succeeded or PaymentStatus.Failed or PaymentStatus.Expired;
}
