namespace Coach.Payments;

/// <summary>A secret that webhooks may be signed with: an entry of
/// <c>Coach:Payments:Stripe:MoreWebhookSecrets</c>.</summary>
public sealed class StripeWebhookSecret
{
    /// <summary>The secret's name.</summary>
    /// <value>1 to 100 letters, digits and <c>_</c>. The name, never the secret.</value>
    public string Name { get; set; } = "";

    /// <summary>The account whose events it signs; events of another are refused.</summary>
    /// <value>An id such as <c>acct_…</c>; null for any.</value>
    public string? Account { get; set; }
}
