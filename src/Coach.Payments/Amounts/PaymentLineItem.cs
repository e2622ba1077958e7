namespace Coach.Payments;

/// <summary>One line of what a link is for.</summary>
/// <param name="Description">What is sold, as the payer reads it: 1 to 250 characters.</param>
/// <param name="UnitPrice">The price of one; more than 0. With <see cref="PriceId"/>, what that price costs.</param>
/// <param name="Quantity">How many: 1 to 10,000.</param>
public sealed record PaymentLineItem(string Description, Money UnitPrice, int Quantity = 1)
{
    /// <summary>A price that exists at the provider, sold as it is: no product and no price is made for this
    /// line.</summary>
    /// <value>An id such as <c>price_…</c>; null to make one of <see cref="UnitPrice"/>.</value>
    public string? PriceId { get; init; }

    /// <summary>A product that exists at the provider, for which the price is made: the catalogue gets no second
    /// one.</summary>
    /// <value>An id such as <c>prod_…</c>; null to make one of <see cref="Description"/>.</value>
    public string? ProductId { get; init; }

    /// <summary>The tax code of the product that is made.</summary>
    /// <value>An id such as <c>txcd_…</c>; null for the account's default.</value>
    public string? TaxCode { get; init; }

    /// <summary>The least the payer may lower the quantity to.</summary>
    /// <value>0 to <see cref="Quantity"/>; null where the payer may not change it.</value>
    public int? MinQuantity { get; init; }

    /// <summary>The most the payer may raise the quantity to.</summary>
    /// <value><see cref="Quantity"/> to 999,999; null where the payer may not change it.</value>
    public int? MaxQuantity { get; init; }
}
