namespace Coach.Payments;

/// <summary>What checking a webhook's signature gave. The zero value is never "yes".</summary>
public enum WebhookVerdict
{
    /// <summary>The header is not of the form <c>t=…,v1=…</c>.</summary>
    Malformed,

    /// <summary>No signature in the header is this body's.</summary>
    BadSignature,

    /// <summary>The signature is right, but its time is too far from now.</summary>
    Expired,

    /// <summary>The body comes from the provider, and just now.</summary>
    Authentic,
}
