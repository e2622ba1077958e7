namespace Coach.Testing.Stripe;

/// <summary>What the fake answers, and how the transport is to deliver it.</summary>
internal sealed record FakeStripeReply(int Status, byte[] Body)
{
    public string ContentType { get; init; } = "application/json";

    public Dictionary<string, string> Headers { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>None, <see cref="StripeFaultKind.Reset"/>, <see cref="StripeFaultKind.Refuse"/>,
    /// <see cref="StripeFaultKind.Truncate"/> or <see cref="StripeFaultKind.Hang"/>.</summary>
    public StripeFaultKind Delivery { get; init; }
}
