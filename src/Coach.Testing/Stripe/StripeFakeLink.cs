namespace Coach.Testing;

/// <summary>A payment link of the fake, as it is now.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Url">Its address.</param>
/// <param name="IsActive">Whether it can be paid.</param>
/// <param name="Currency">The currency, lower case.</param>
/// <param name="AmountTotal">What all lines add up to, in minor units.</param>
/// <param name="Lines">The lines.</param>
/// <param name="Metadata">Its metadata.</param>
/// <param name="CompletedLimit">How many payments may complete; null for any number.</param>
/// <param name="CompletedCount">How many did.</param>
/// <param name="RedirectUrl">Where the payer goes afterwards, or null.</param>
public sealed record StripeFakeLink(string Id, string Url, bool IsActive, string Currency, long AmountTotal, IReadOnlyList<StripeFakeLine> Lines,
    IReadOnlyDictionary<string, string> Metadata, int? CompletedLimit, int CompletedCount, string? RedirectUrl)
{
    /// <summary>Whether somebody can start to pay it now.</summary>
    public bool IsPayable => IsActive && !(CompletedCount >= CompletedLimit);
}
