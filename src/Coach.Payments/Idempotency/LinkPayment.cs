using System.Text.Json.Serialization;

namespace Coach.Payments;

/// <summary>One payment of a link: a row for every payer who finished, whatever became of the money.</summary>
public sealed record LinkPayment
{
    /// <summary>The visit that made it, such as <c>cs_…</c>; empty while only the payment itself is known.</summary>
    public required string SessionId { get; init; }

    /// <summary>How far it got: <see cref="PaymentStatus.Processing"/>, <see cref="PaymentStatus.Succeeded"/> or
    /// <see cref="PaymentStatus.Failed"/>. It never moves backwards.</summary>
    public PaymentStatus Status { get; init; }

    /// <summary>The payment's id, such as <c>pi_…</c>; null while it is not known.</summary>
    public string? PaymentIntentId { get; init; }

    /// <summary>The charge's id, such as <c>ch_…</c>; null while it is not known.</summary>
    public string? ChargeId { get; init; }

    /// <summary>What was paid, in minor units of <see cref="Currency"/>; null when the provider does not say.</summary>
    public long? MinorUnits { get; init; }

    /// <summary>The currency the link asked in, lower case; null when the provider does not say.</summary>
    public string? Currency { get; init; }

    /// <summary>What the payer was shown, in minor units of <see cref="PresentedCurrency"/>, where the provider
    /// converted (Adaptive Pricing); else null.</summary>
    public long? PresentedMinorUnits { get; init; }

    /// <summary>The payer's currency, lower case, where the provider converted; else null.</summary>
    public string? PresentedCurrency { get; init; }

    /// <summary>The provider's fee, in minor units of <see cref="SettlementCurrency"/>; null until it was
    /// asked for.</summary>
    public long? FeeMinorUnits { get; init; }

    /// <summary>What reaches the account's balance, in minor units of <see cref="SettlementCurrency"/>; null until it
    /// was asked for.</summary>
    public long? NetMinorUnits { get; init; }

    /// <summary>The currency the account settles in, lower case; null until it was asked for.</summary>
    public string? SettlementCurrency { get; init; }

    /// <summary>When it was paid (UTC), by the provider where it says so, else when it was first seen paid; null
    /// before.</summary>
    public DateTimeOffset? PaidAt { get; init; }

    /// <summary>The payment method's type, such as <c>card</c> or <c>sepa_debit</c>; null until it is known.</summary>
    public string? Method { get; init; }

    /// <summary>The payer's e-mail address where the provider's page asked for it; else null.</summary>
    public string? PayerEmail { get; init; }

    /// <summary>Whether another amount or currency than asked for was paid.</summary>
    public bool HasAmountMismatch { get; init; }

    /// <summary>Whether the link, which may be paid once, had been paid before.</summary>
    public bool IsOverpayment { get; init; }

    /// <summary>The refunds that are known one by one; those of a dashboard may be known by their sum alone.</summary>
    public IReadOnlyList<PaymentRefund> Refunds { get; init => field = value ?? []; } = [];

    /// <summary>The refunded sum as the charge showed it last, in minor units; 0 before.</summary>
    public long ChargeRefundedMinorUnits { get; init; }

    /// <summary>When the charge showed <see cref="ChargeRefundedMinorUnits"/>, by the provider's clock.</summary>
    public DateTimeOffset? ChargeSeenAt { get; init; }

    /// <summary>The disputes, oldest first.</summary>
    public IReadOnlyList<PaymentDispute> Disputes { get; init => field = value ?? []; } = [];

    /// <summary>What was given back in all, in minor units: refunds that failed do not count.</summary>
    [JsonIgnore]
    public long RefundedMinorUnits
    {
        get
        {
            long known = 0;
            long failedSince = 0;
            foreach (PaymentRefund refund in Refunds)
            {
                known += refund.HasFailed ? 0 : refund.MinorUnits;
                failedSince += refund.HasFailed && refund.At > ChargeSeenAt ? refund.MinorUnits : 0;
            }

            return Math.Max(known, ChargeRefundedMinorUnits - failedSince);
        }
    }
}
