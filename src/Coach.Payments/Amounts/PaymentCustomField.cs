namespace Coach.Payments;

/// <summary>One more question to the payer.</summary>
/// <param name="Key">Its name in the answer: 1 to 200 letters and digits.</param>
/// <param name="Label">What the payer reads: 1 to 50 characters.</param>
/// <param name="IsNumeric">Whether only digits are taken.</param>
/// <param name="IsOptional">Whether it may be left empty.</param>
public sealed record PaymentCustomField(string Key, string Label, bool IsNumeric = false, bool IsOptional = false);
