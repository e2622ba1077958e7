namespace Coach.Testing;

/// <summary>One request as the <see cref="ProviderFake"/> received it.</summary>
/// <param name="Provider">Which provider was addressed, such as <c>gemini</c>.</param>
/// <param name="Method">The HTTP method in capitals.</param>
/// <param name="Path">The path behind the provider's base address, such as <c>/v1beta/models</c>.</param>
/// <param name="Query">The query string with its question mark, or empty.</param>
/// <param name="Headers">The headers; names compare without case, several values are joined by commas.</param>
/// <param name="Body">The body as text; empty without one.</param>
/// <param name="Key">The key in the header where this provider expects it, or null.</param>
/// <param name="KeyLocation">Every place where that key, or a registered one, was found.</param>
public sealed record ProviderRequest(
    string Provider,
    string Method,
    string Path,
    string Query,
    IReadOnlyDictionary<string, string> Headers,
    string Body,
    string? Key,
    KeyLocation KeyLocation)
{
    /// <summary>The method and the path. Headers and body are left out: they may hold a key or a prompt.</summary>
    /// <returns>For example <c>gemini GET /v1beta/models</c>.</returns>
    public override string ToString() => $"{Provider} {Method} {Path}";
}
