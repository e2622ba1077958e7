namespace Coach.Testing;

/// <summary>Where a request carried a provider key.</summary>
[Flags]
public enum KeyLocation
{
    /// <summary>Nowhere.</summary>
    None = 0,

    /// <summary>In <c>Authorization: Bearer</c>.</summary>
    Authorization = 1,

    /// <summary>In the provider's own header: <c>x-goog-api-key</c> or <c>x-api-key</c>.</summary>
    KeyHeader = 2,

    /// <summary>In some other header: a leak.</summary>
    OtherHeader = 4,

    /// <summary>In the path or the query string: a leak.</summary>
    Url = 8,

    /// <summary>In the body: a leak.</summary>
    Body = 16,
}
