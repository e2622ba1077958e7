using System.Text.Json.Serialization;

namespace Coach.Payments;

/// <summary>What a payment link is asked for.</summary>
public sealed record PaymentLinkRequest
{
    /// <summary>
    /// The caller's name for this one payment, such as an order number and an attempt: <c>order-1042:1</c>. The same
    /// key and owner with the same request always gives the same link, so take neither the time nor a random value per
    /// call.
    /// </summary>
    /// <value>1 to 200 printable ASCII characters. Kept at the provider in the link's metadata.</value>
    public required string OperationKey { get; init; }

    /// <summary>What is to be paid, in all.</summary>
    /// <value>More than 0.</value>
    public required Money Amount { get; init; }

    /// <summary>What it is for, as the payer reads it.</summary>
    /// <value>1 to 250 characters.</value>
    public required string Description { get; init; }

    /// <summary>Whose operation it is: an opaque handle, such as the session's. Keys of different owners never
    /// meet.</summary>
    /// <value>At most 200 characters; null for none. Not sent to the provider.</value>
    public string? Owner { get; init; }

    /// <summary>The same payment as it may have been asked for before its owner was known: a session that has signed in
    /// since, and now repeats a request whose answer it never got. Where that operation was begun, it goes on with the
    /// <see cref="Reference"/> it has, and no second link is made.</summary>
    /// <value>Null where there was no other owner. Not kept, and not part of what makes two requests the same.</value>
    [JsonIgnore]
    public PaymentLinkRequest? BegunAs { get; init; }

    /// <summary>The lines shown to the payer; their sum must be <see cref="Amount"/>.</summary>
    /// <value>At most 20; empty (the default) for one line of <see cref="Description"/>.</value>
    public IReadOnlyList<PaymentLineItem> Items { get; init; } = [];

    /// <summary>What to store at the provider with the link and its payments.</summary>
    /// <value>At most 48 entries (the provider's 50 less Coach's own two); names up to 40 characters that do not begin
    /// with <c>coach_</c>, values of 1 to 500 characters, where an emoji counts as one. Empty unless set.</value>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } =
        System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Whether more than one person may pay the link.</summary>
    /// <value>False (payable once) unless set.</value>
    public bool IsReusable { get; init; }

    /// <summary>The host's own reference, such as the account to credit: every payment fact carries it. Not sent to the
    /// provider.</summary>
    /// <value>At most 200 characters; null for none.</value>
    public string? Reference { get; init; }

    /// <summary>When the link is to close by itself: the background reconciliation closes it at the provider soon
    /// after. A page that is open then is ended.</summary>
    /// <value>A moment after the first request for the link; null for never. Not part of what makes two requests the
    /// same.</value>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>How the provider's page is to sell: taxes, promotion codes, shipping, what the payer is asked
    /// for.</summary>
    /// <value>Null for the provider's defaults.</value>
    public PaymentLinkOptions? Options { get; init; }

    /// <summary>Where the payer goes after paying. The visit is no proof of payment.</summary>
    /// <value>An absolute http or https address of at most 2,000 characters; null for the provider's own page.</value>
    public Uri? RedirectUrl { get; init; }
}
