using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Coach.Abstractions;

namespace Coach.Payments;

/// <summary>Stripe's webhook signature: HMAC-SHA256 over <c>t + "." + raw body</c>, keyed by the whole secret with its
/// <c>whsec_</c>.</summary>
public static class WebhookSignature
{
    private const int MaxHeaderLength = 4096;
    private const int HashBytes = 32;

    /// <summary>Checks a body against its <c>Stripe-Signature</c> header.</summary>
    /// <param name="rawBody">The body's bytes exactly as received.</param>
    /// <param name="signatureHeader">The header: <c>t=unix,v1=hex[,v1=hex]</c>; several <c>v1</c> appear while a secret
    /// is rotated, other schemes are ignored.</param>
    /// <param name="secret">The endpoint's secret.</param>
    /// <param name="now">The current time.</param>
    /// <param name="tolerance">How far the header's time may be from <paramref name="now"/>, either way; exactly that
    /// far is accepted.</param>
    /// <returns>The verdict. Every signature is compared in full and in fixed time, and the time is looked at only
    /// after one matched.</returns>
    public static WebhookVerdict Verify(
        ReadOnlySpan<byte> rawBody, string? signatureHeader, Secret secret, DateTimeOffset now, TimeSpan tolerance)
    {
        ArgumentNullException.ThrowIfNull(secret);
        ArgumentOutOfRangeException.ThrowIfLessThan(tolerance, TimeSpan.Zero);
        if (signatureHeader is not { Length: > 0 and <= MaxHeaderLength }
            || !TryTimestamp(signatureHeader, out ReadOnlySpan<char> timestamp, out long unix))
        {
            return WebhookVerdict.Malformed;
        }

        // The time is judged last: of a forgery nothing is said but that it is one.
        Span<byte> expected = stackalloc byte[HashBytes];
        Compute(timestamp, rawBody, secret.Reveal(), expected);
        Span<byte> given = stackalloc byte[HashBytes];
        bool any = false;
        bool matched = false;
        foreach (Range range in signatureHeader.AsSpan().Split(','))
        {
            ReadOnlySpan<char> item = signatureHeader.AsSpan(range).Trim();
            if (!item.StartsWith("v1=", StringComparison.Ordinal))
            {
                continue;
            }

            // Stripe writes lower case; its Node SDK refuses anything else, and so do we.
            any = true;
            matched |= TryLowerHex(item[3..], given) && CryptographicOperations.FixedTimeEquals(expected, given);
        }

        if (!matched)
        {
            return any ? WebhookVerdict.BadSignature : WebhookVerdict.Malformed;
        }

        long distance = Math.Abs(now.ToUnixTimeSeconds() - unix);
        return distance <= (long)tolerance.TotalSeconds ? WebhookVerdict.Authentic : WebhookVerdict.Expired;
    }

    internal static void Compute(
        ReadOnlySpan<char> timestamp, ReadOnlySpan<byte> rawBody, string secret, Span<byte> hash)
    {
        int keyLength = Encoding.UTF8.GetByteCount(secret);
        byte[]? rented = keyLength > 256 ? ArrayPool<byte>.Shared.Rent(keyLength) : null;
        Span<byte> key = rented ?? stackalloc byte[256];
        key = key[..Encoding.UTF8.GetBytes(secret, key)];
        Span<byte> prefix = stackalloc byte[timestamp.Length + 1];
        Encoding.ASCII.GetBytes(timestamp, prefix);
        prefix[^1] = (byte)'.';
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hmac.AppendData(prefix);
        hmac.AppendData(rawBody);
        hmac.GetHashAndReset(hash);
        CryptographicOperations.ZeroMemory(key);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    // Exactly one time: with two, it would be open which one was signed.
    private static bool TryTimestamp(string header, out ReadOnlySpan<char> timestamp, out long unix)
    {
        timestamp = default;
        unix = 0;
        int found = 0;
        foreach (Range range in header.AsSpan().Split(','))
        {
            ReadOnlySpan<char> item = header.AsSpan(range).Trim();
            if (!item.Contains('='))
            {
                // No scheme and value: cut off or tampered with, and refused by Stripe's own library too.
                return false;
            }

            if (item.StartsWith("t=", StringComparison.Ordinal))
            {
                found++;
                timestamp = item[2..];
            }
        }

        return found == 1 && timestamp.Length is > 0 and <= 12 && !timestamp.ContainsAnyExceptInRange('0', '9')
            && long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out unix);
    }

    private static bool TryLowerHex(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        if (text.Length != HashBytes * 2)
        {
            return false;
        }

        foreach (char c in text)
        {
            if (!char.IsAsciiHexDigitLower(c))
            {
                return false;
            }
        }

        return Convert.FromHexString(text, bytes, out _, out _) == OperationStatus.Done;
    }
}
