namespace Coach.Payments;

/// <summary>Stripe's REST API: the section <c>Coach:Payments:Stripe</c>.</summary>
public sealed class StripeOptions
{
    internal const string DefaultApiKeyName = "STRIPE_API_KEY";
    internal const string DefaultWebhookSecretName = "STRIPE_WEBHOOK_SECRET";

    /// <summary>The name of the secret that holds the key: another one for a second account.</summary>
    /// <value>1 to 100 letters, digits and <c>_</c>; <c>STRIPE_API_KEY</c> unless set. The name, never the key.</value>
    public string ApiKeyName { get; set; } = DefaultApiKeyName;

    /// <summary>The name of the secret that webhooks are verified with.</summary>
    /// <value>1 to 100 letters, digits and <c>_</c>; <c>STRIPE_WEBHOOK_SECRET</c> unless set. The name, never the
    /// secret.</value>
    public string WebhookSecretName { get; set; } = DefaultWebhookSecretName;

    /// <summary>Where the API is. Point it at a loopback server to test.</summary>
    /// <value>An absolute http or https address; <c>https://api.stripe.com</c> unless set.</value>
    public Uri BaseUrl { get; set; } = new("https://api.stripe.com");

    /// <summary>The connected account to act for, sent as <c>Stripe-Account</c>.</summary>
    /// <value>An id such as <c>acct_…</c>; null (the default) for the key's own account.</value>
    public string? Account { get; set; }

    /// <summary>Whether a link's id is written into its price, so that the natural key leads to it even when the
    /// records are lost. One more request per link; without it such a search pages through the account's
    /// links.</summary>
    /// <value>Null (the default): where the records do not last. True: always. False: never.</value>
    public bool? NoteLinks { get; set; }

    /// <summary>The longest answer that is read, in bytes.</summary>
    /// <value>4,096 to 16,777,216; 1,048,576 (1 MiB) unless set. A longer one counts as a bad answer.</value>
    public int MaxResponseBytes { get; set; } = 1024 * 1024;

    /// <summary>The most pages of 100 that a search through links or a list of payments reads.</summary>
    /// <value>1 to 10,000; 100 unless set. A search that needs more fails rather than miss something.</value>
    public int MaxPages { get; set; } = 100;

    /// <summary>More secrets that webhooks are verified with: of an endpoint for connected accounts, or the old one
    /// while a secret is exchanged.</summary>
    /// <value>Empty unless set.</value>
    public IList<StripeWebhookSecret> MoreWebhookSecrets { get; } = [];
}
