using System.Text.Json.Serialization;

namespace Coach.Payments;

/// <summary>What somebody ordered and has yet to pay. Immutable: each change is a new version.</summary>
public sealed record Tab
{
    /// <summary>Its name: 1 to 64 letters, digits, <c>_</c> and <c>-</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Whose it is.</summary>
    public required string Owner { get; init; }

    /// <summary>The currency of every line, lower case.</summary>
    public required string Currency { get; init; }

    /// <summary>Counts the changes, from 1; set by the store.</summary>
    public long Version { get; init; }

    /// <summary>The lines, in the order they were added. Paid ones stay on it.</summary>
    public IReadOnlyList<TabLine> Lines { get; init => field = value ?? []; } = [];

    /// <summary>The tip in percent of the unpaid lines, 0 to 100; null where it is an amount or none.</summary>
    public decimal? TipPercent { get; init; }

    /// <summary>The tip as an amount; null where it is in percent or none.</summary>
    public Money? TipAmount { get; init; }

    /// <summary>The number of the last bill; 0 before the first.</summary>
    public int Bills { get; init; }

    /// <summary>The link of the bill that is to be paid; null when there is none.</summary>
    public string? LinkId { get; init; }

    /// <summary>What the bill that is to be paid asks for; null when there is none.</summary>
    public Money? Billed { get; init; }

    /// <summary>What the unpaid lines come to, without tip.</summary>
    [JsonIgnore]
    public Money Subtotal => Money.Sum(Currency, Unpaid.Select(static line => line.UnitPrice.Times(line.Quantity)));

    /// <summary>The tip on the unpaid lines.</summary>
    [JsonIgnore]
    public Money Tip => TipAmount ?? Subtotal.Percent(TipPercent ?? 0m);

    /// <summary>What is to be paid in all; 0 when no line is unpaid.</summary>
    [JsonIgnore]
    public Money Total => Subtotal.IsZero ? Subtotal : Subtotal + Tip;

    private IEnumerable<TabLine> Unpaid => Lines.Where(static line => !line.IsPaid);
}
