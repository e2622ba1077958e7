namespace Coach.Testing;

/// <summary>A line of a link.</summary>
/// <param name="PriceId">The price.</param>
/// <param name="Quantity">How many.</param>
public sealed record StripeFakeLine(string PriceId, long Quantity);
