using System.Security.Cryptography;
using System.Text;

namespace Coach.Payments;

/// <summary>Something that happened to a payment, told to the host at least once, in order for each link.</summary>
public sealed record PaymentFact
{
    /// <summary>The fact's name: <c>fact_</c> and 32 hexadecimal digits. The same fact always has the same one, however
    /// it was learnt and however often it is told: use it as the key of whatever is done once.</summary>
    public required string Id { get; init; }

    /// <summary>What it says.</summary>
    public required PaymentFactKind Kind { get; init; }

    /// <summary>When it happened (UTC), by the provider's clock where it says so.</summary>
    public required DateTimeOffset OccurredAt { get; init; }

    /// <summary>The operation it belongs to, in the store.</summary>
    public required string Tag { get; init; }

    /// <summary>The caller's operation key; of an unmatched payment, as the link's metadata had it, or empty.</summary>
    public required string OperationKey { get; init; }

    /// <summary>Whose it is; null for none.</summary>
    public string? Owner { get; init; }

    /// <summary>The host's own reference of the request, such as the account to credit; null for none.</summary>
    public string? Reference { get; init; }

    /// <summary>The request's metadata.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>The link.</summary>
    public required string LinkId { get; init; }

    /// <summary>The payment it is about; null for a fact of the link itself.</summary>
    public LinkPayment? Payment { get; init; }

    /// <summary>The dispute it is about; null for other facts.</summary>
    public PaymentDispute? Dispute { get; init; }

    /// <summary>The amount it is about, in minor units of <see cref="Currency"/>: what was paid, what this step gave
    /// back, what is disputed; 0 where there is none.</summary>
    public required long MinorUnits { get; init; }

    /// <summary>What was given back of the payment in all, after a refund; 0 for other facts.</summary>
    public long TotalRefundedMinorUnits { get; init; }

    /// <summary>What this fact changed of <see cref="TotalReversedMinorUnits"/>: more than 0 for refunds and disputes,
    /// less than 0 for a refund that failed and a dispute that was won, 0 for an inquiry. Null for other
    /// facts.</summary>
    public long? ReversedMinorUnits { get; init; }

    /// <summary>What of the payment is gone after this fact, in minor units of <see cref="Currency"/>: given back, or
    /// taken for disputes that are not won, and never more than was paid. Null for other facts.</summary>
    public long? TotalReversedMinorUnits { get; init; }

    /// <summary>Of a dispute's fact, whether it is the bank's inquiry alone, for which no money was taken.</summary>
    public bool IsInquiry { get; init; }

    /// <summary>The currency of the amount, lower case; empty where there is none.</summary>
    public required string Currency { get; init; }

    /// <summary>Whether real money moved; null when it is not known. Test payments and simulated ones are not
    /// live.</summary>
    public bool? IsLive { get; init; }

    /// <summary>The provider's account; null for the key's own.</summary>
    public string? Account { get; init; }

    /// <summary>Whether the link is a simulated one: nothing was paid.</summary>
    public bool IsSimulated { get; init; }

    /// <summary>Whether the host has it.</summary>
    public PaymentFactState State { get; init; }

    /// <summary>How often it was handed out, this time included.</summary>
    public int Attempts { get; init; }

    /// <summary>Why the last attempt failed; null when none did.</summary>
    public string? Error { get; init; }

    internal static PaymentFact Of(PaymentRecord record, PaymentFactEntry entry)
    {
        LinkPayment? payment = record.Payments.FirstOrDefault(payment => IsAbout(payment, entry));
        return new PaymentFact
        {
            Id = IdOf(record.Tag, entry),
            Kind = entry.Kind,
            OccurredAt = entry.At,
            Tag = record.Tag,
            OperationKey = record.Request.OperationKey,
            Owner = record.Request.Owner,
            Reference = record.Request.Reference,
            Metadata = record.Request.Metadata,
            LinkId = record.LinkId ?? "",
            Payment = payment,
            Dispute = payment?.Disputes.FirstOrDefault(dispute => dispute.Id == entry.Subject),
            MinorUnits = entry.MinorUnits,
            TotalRefundedMinorUnits = entry.TotalMinorUnits,
            ReversedMinorUnits = entry.ReversedMinorUnits,
            TotalReversedMinorUnits = entry.TotalReversedMinorUnits,
            IsInquiry = entry.IsInquiry == true,
            Currency = payment?.Currency ?? record.Request.Amount.Currency,
            IsLive = record.IsSimulated ? false : record.IsLive,
            Account = record.Account,
            IsSimulated = record.IsSimulated,
            State = entry.State,
            Attempts = entry.Attempts,
            Error = entry.Error,
        };
    }

    // From what it says alone: a fact that is learnt again after the records were lost has the name it had.
    internal static string IdOf(string tag, PaymentFactEntry entry)
    {
        string text = string.Create(System.Globalization.CultureInfo.InvariantCulture,
            $"{tag}\n{entry.Kind}\n{entry.Subject}\n{entry.TotalMinorUnits}");
        if (entry.Occurrence is { } occurrence)
        {
            text += string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\n{occurrence}");
        }

        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return "fact_" + Convert.ToHexStringLower(hash[..16]);
    }

    private static bool IsAbout(LinkPayment payment, PaymentFactEntry entry) =>
        entry.Subject.Length > 0 && (payment.SessionId == entry.Subject || payment.PaymentIntentId == entry.Subject
            || payment.Disputes.Any(dispute => dispute.Id == entry.Subject));
}
