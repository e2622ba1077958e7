namespace Coach.Testing;

/// <summary>A signed webhook, ready to post.</summary>
/// <param name="Body">The body's bytes.</param>
/// <param name="SignatureHeader">The value of <c>Stripe-Signature</c>.</param>
public sealed record StripeWebhook(ReadOnlyMemory<byte> Body, string SignatureHeader)
{
    /// <summary>Signs a body as Stripe does.</summary>
    /// <param name="body">The body's bytes.</param>
    /// <param name="secret">The endpoint's secret with its <c>whsec_</c>.</param>
    /// <param name="at">The time to sign with.</param>
    /// <returns>The webhook.</returns>
    public static StripeWebhook Sign(ReadOnlyMemory<byte> body, string secret, DateTimeOffset at)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        string time = at.ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture);
        // HMAC-SHA256 over "time.body" (https://docs.stripe.com/webhooks#verify-manually, 2026-07).
        byte[] message = [.. System.Text.Encoding.ASCII.GetBytes(time + "."), .. body.Span];
        byte[] hash =
            System.Security.Cryptography.HMACSHA256.HashData(System.Text.Encoding.UTF8.GetBytes(secret), message);
        return new StripeWebhook(body, $"t={time},v1={Convert.ToHexStringLower(hash)}");
    }
}
