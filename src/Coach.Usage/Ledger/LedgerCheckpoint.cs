using System.Globalization;

namespace Coach.Usage;

/// <summary>
/// What remains of an account's entries after retention: where the chain goes on, the balances until there, and a
/// signature over both.
/// </summary>
public sealed record LedgerCheckpoint
{
    /// <summary>The last entry that was removed; 0 if none was.</summary>
    public required long Sequence { get; init; }

    /// <summary>Its hash; empty if there is none.</summary>
    public required string Hash { get; init; }

    /// <summary>The balances after it, in the order of their currencies.</summary>
    public required IReadOnlyList<MicroAmount> Balances { get; init; }

    /// <summary>When it was made, in whole milliseconds.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>HMAC-SHA-256 over the above and the account, in lower-case hex.</summary>
    public string Signature { get; init; } = "";

    /// <summary>The beginning of every account.</summary>
    public static LedgerCheckpoint None { get; } = new()
    {
        Sequence = 0,
        Hash = "",
        Balances = [],
        At = DateTimeOffset.UnixEpoch,
    };

    /// <summary>The checkpoint as one text, for stores: place, hash, time, signature, then the balances.</summary>
    /// <returns>The text; empty for <see cref="None"/>.</returns>
    public string ToText() => Sequence == 0
        ? ""
        : string.Join(
            ' ',
            [
                Sequence.ToString(CultureInfo.InvariantCulture), Hash,
                At.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture), Signature,
                .. Balances.Select(balance => string.Create(
                    CultureInfo.InvariantCulture, $"{balance.Currency}:{balance.Micros}")),
            ]);

    /// <summary>Reads what <see cref="ToText"/> wrote.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The checkpoint.</returns>
    /// <exception cref="FormatException">It is no such text.</exception>
    public static LedgerCheckpoint FromText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length == 0)
        {
            return None;
        }

        string[] parts = text.Split(' ');
        if (parts.Length < 4 || parts[4..].Any(part => part.Length < 5))
        {
            throw new FormatException("This is no checkpoint of a ledger.");
        }

        return new LedgerCheckpoint
        {
            Sequence = long.Parse(parts[0], CultureInfo.InvariantCulture),
            Hash = parts[1],
            At = DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(parts[2], CultureInfo.InvariantCulture)),
            Signature = parts[3],
            Balances =
            [
                .. parts[4..].Select(part => new MicroAmount(
                    long.Parse(part.AsSpan(4), CultureInfo.InvariantCulture), part[..3])),
            ],
        };
    }
}
