using System.Globalization;
using Coach.Payments;

namespace Coach.AspNetCore.Credits;

/// <summary>What a payment link for credits says of itself, in its reference: pack, worth, and whose account.</summary>
internal sealed record CreditPurchase(string Pack, long Micros, string CallerKey)
{
    private const string Prefix = "credits:";
    private const int LongestReference = 200;

    public string Account => "credits:" + CallerKey;

    /// <summary>Null for a caller whose ids are too long for a payment's reference.</summary>
    public string? Write()
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Pack}:{Micros}:{CallerKey}");
        return text.Length <= LongestReference ? text : null;
    }

    /// <summary>Null for a payment of something else.</summary>
    public static CreditPurchase? Read(PaymentFact fact)
    {
        if (fact.Reference is not { } text || !text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return null;
        }

        string[] parts = text[Prefix.Length..].Split(':', 3);
        return parts.Length == 3 && parts[2].Length > 0
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long micros) && micros > 0
            ? new CreditPurchase(parts[0], micros, parts[2])
            : null;
    }

    /// <summary>
    /// The part of the credits that a part of the payment stands for: exact for the whole, and sums of parts never come
    /// to another total, because each is the difference of two points on one line.
    /// </summary>
    public long Share(long fromMinorUnits, long toMinorUnits, long paidMinorUnits) =>
        At(toMinorUnits, paidMinorUnits) - At(fromMinorUnits, paidMinorUnits);

    private long At(long minorUnits, long paid) =>
        paid <= 0 ? 0 : (long)((Int128)Micros * Math.Clamp(minorUnits, 0, paid) / paid);
}
