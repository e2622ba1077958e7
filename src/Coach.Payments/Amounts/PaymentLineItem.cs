namespace Coach.Payments;

/// <summary>One line of what a link is for.</summary>
/// <param name="Description">What is sold, as the payer reads it: 1 to 250 characters.</param>
/// <param name="UnitPrice">The price of one; more than 0.</param>
/// <param name="Quantity">How many: 1 to 10,000.</param>
public sealed record PaymentLineItem(string Description, Money UnitPrice, int Quantity = 1);
