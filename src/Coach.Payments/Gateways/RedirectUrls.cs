namespace Coach.Payments;

/// <summary>Addresses to return to, as the provider takes them.</summary>
internal static class RedirectUrls
{
    private const string Placeholder = "{CHECKOUT_SESSION_ID}";

    /// <summary>The address with Stripe's placeholder for the session as it was written: an address's braces are escaped, and the placeholder is then none.</summary>
    public static string ToText(Uri address) =>
        address.AbsoluteUri.Replace($"%7B{Placeholder[1..^1]}%7D", Placeholder, StringComparison.OrdinalIgnoreCase);
}
