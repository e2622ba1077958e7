using Coach.Testing.Stripe;

namespace Coach.Testing;

/// <summary>A request as the fake received it.</summary>
public sealed record StripeRequest
{
    /// <summary>The HTTP method in upper case.</summary>
    public required string Method { get; init; }

    /// <summary>The path without the query.</summary>
    public required string Path { get; init; }

    /// <summary>The query without its question mark; empty for none.</summary>
    public required string Query { get; init; }

    /// <summary>The body as text; empty for none.</summary>
    public required string Body { get; init; }

    /// <summary>The headers; names compare without regard to case.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    /// <summary>When it arrived, by the fake's clock.</summary>
    public DateTimeOffset ReceivedAt { get; init; }

    /// <summary>The value of <c>Idempotency-Key</c>, or null.</summary>
    public string? IdempotencyKey => Headers.GetValueOrDefault("Idempotency-Key");

    /// <summary>The secret key from the <c>Authorization</c> header, Bearer or Basic; null when there is
    /// none.</summary>
    public string? ApiKey
    {
        get
        {
            string? header = Headers.GetValueOrDefault("Authorization");
            if (header is null)
            {
                return null;
            }

            if (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
            {
                return header["Bearer ".Length..].Trim();
            }

            byte[] bytes = new byte[header.Length];
            return header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)
                && Convert.TryFromBase64String(header["Basic ".Length..].Trim(), bytes, out int length)
                ? System.Text.Encoding.ASCII.GetString(bytes, 0, length).Split(':')[0]
                : null;
        }
    }

    /// <summary>The body's parameters in order, decoded.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Form => UrlEncodedForm.Parse(Body);

    /// <summary>The query's parameters in order, decoded.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> QueryParameters => UrlEncodedForm.Parse(Query);
}
