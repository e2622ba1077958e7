namespace Coach.Testing;

/// <summary>One request as the <see cref="ProviderFake"/> received it.</summary>
public sealed record ProviderRequest
{
    /// <summary>Which provider was addressed, such as <c>gemini</c>.</summary>
    public required string Provider { get; init; }

    /// <summary>The HTTP method in capitals.</summary>
    public required string Method { get; init; }

    /// <summary>The path behind the provider's base address, such as <c>/v1beta/models</c>.</summary>
    public required string Path { get; init; }

    /// <summary>The query string with its question mark, or empty.</summary>
    public required string Query { get; init; }

    /// <summary>The headers; names compare without case, several values are joined by commas.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    /// <summary>The body as text; empty without one.</summary>
    public required string Body { get; init; }

    /// <summary>The key in the header where this provider expects it, or null.</summary>
    public string? Key { get; init; }

    /// <summary>Every place where that key, or a registered one, was found.</summary>
    public required KeyLocation KeyLocation { get; init; }

    /// <summary>The method and the path. Headers and body are left out: they may hold a key or a prompt.</summary>
    /// <returns>For example <c>gemini GET /v1beta/models</c>.</returns>
    public override string ToString() => $"{Provider} {Method} {Path}";
}
