namespace Coach.Payments;

/// <summary>How the provider's page sells. Each option is checked before anything is sent; what the provider refuses
/// comes back as <see cref="PaymentError.Rejected"/> with its parameter.</summary>
public sealed record PaymentLinkOptions
{
    /// <summary>Whether the payer may enter a promotion code. The discount then counts as paid.</summary>
    /// <value>False unless set.</value>
    public bool AllowPromotionCodes { get; init; }

    /// <summary>Whether the provider computes taxes (Stripe Tax). A tax on top then counts as paid.</summary>
    /// <value>False unless set.</value>
    public bool AutomaticTax { get; init; }

    /// <summary>Whether prices include the tax.</summary>
    /// <value>Null for the account's default.</value>
    public PaymentTaxBehavior? TaxBehavior { get; init; }

    /// <summary>Whether the payer may enter a tax id.</summary>
    /// <value>False unless set.</value>
    public bool CollectTaxId { get; init; }

    /// <summary>Whether the payer must enter a telephone number.</summary>
    /// <value>False unless set.</value>
    public bool CollectPhoneNumber { get; init; }

    /// <summary>Whether the payer must enter a billing address.</summary>
    /// <value>False (the provider asks where the method needs it) unless set.</value>
    public bool RequireBillingAddress { get; init; }

    /// <summary>Whether a customer is made at the provider for each payer.</summary>
    /// <value>False (where the provider needs one) unless set.</value>
    public bool AlwaysCreateCustomer { get; init; }

    /// <summary>Where goods may be shipped to; the payer is asked for an address then.</summary>
    /// <value>Two-letter country codes in upper case, at most 250; empty unless set.</value>
    public IReadOnlyList<string> ShippingCountries { get; init => field = value ?? []; } = [];

    /// <summary>The payer's choice of shipping rates.</summary>
    /// <value>At most 5 ids such as <c>shr_…</c>; empty unless set. The rate then counts as paid.</value>
    public IReadOnlyList<string> ShippingRates { get; init => field = value ?? []; } = [];

    /// <summary>The payment methods that are offered.</summary>
    /// <value>Types such as <c>card</c> or <c>sepa_debit</c>, at most 30; empty for those of the dashboard.</value>
    public IReadOnlyList<string> PaymentMethodTypes { get; init => field = value ?? []; } = [];

    /// <summary>What else the payer is asked for.</summary>
    /// <value>At most 3; empty unless set.</value>
    public IReadOnlyList<PaymentCustomField> CustomFields { get; init => field = value ?? []; } = [];

    /// <summary>What the button says.</summary>
    /// <value><c>auto</c>, <c>book</c>, <c>donate</c> or <c>pay</c>; null for <c>auto</c>.</value>
    public string? SubmitType { get; init; }

    /// <summary>What the card's statement shows after the account's name.</summary>
    /// <value>1 to 22 characters without <c>&lt; &gt; \ ' "</c> and <c>*</c>, with a letter; null for none.</value>
    public string? StatementDescriptorSuffix { get; init; }

    /// <summary>What a closed link says.</summary>
    /// <value>At most 500 characters; null for the provider's text.</value>
    public string? InactiveMessage { get; init; }

    /// <summary>What the provider's page says after the payment, where <see cref="PaymentLinkRequest.RedirectUrl"/> is
    /// null.</summary>
    /// <value>At most 500 characters; null for the provider's text.</value>
    public string? ConfirmationMessage { get; init; }

    /// <summary>
    /// Parameters of the provider that have no property here, as its form has them:
    /// <c>consent_collection[terms_of_service]</c> = <c>required</c>. What Coach sets itself is refused.
    /// </summary>
    /// <value>At most 50; names of at most 200 letters, digits, <c>_</c> and brackets, values of at most 5,000
    /// characters. Empty unless set.</value>
    public IReadOnlyDictionary<string, string> Extra { get; init => field = value ?? Empty; } = Empty;

    private static System.Collections.ObjectModel.ReadOnlyDictionary<string, string> Empty =>
        System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty;
}
