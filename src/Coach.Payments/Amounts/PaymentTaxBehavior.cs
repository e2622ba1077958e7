namespace Coach.Payments;

/// <summary>Whether a price includes the tax.</summary>
public enum PaymentTaxBehavior
{
    /// <summary>As the account is set up.</summary>
    Unspecified,

    /// <summary>The tax is in it.</summary>
    Inclusive,

    /// <summary>The tax comes on top.</summary>
    Exclusive,
}
