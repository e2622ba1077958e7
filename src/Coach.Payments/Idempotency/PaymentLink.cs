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

    /// <summary>Whether the status can no longer change by waiting: succeeded, failed or expired.</summary>
    public bool IsFinal => Status is PaymentStatus.Succeeded or PaymentStatus.Failed or PaymentStatus.Expired;
}
