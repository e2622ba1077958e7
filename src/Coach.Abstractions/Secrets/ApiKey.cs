using System.Diagnostics;
using System.Text.Json.Serialization;

namespace Coach.Abstractions;

/// <summary>A provider's name and the key a person gave for it. Shows itself as <c>provider:fingerprint</c>.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class ApiKey : IEquatable<ApiKey>
{
    /// <summary>Pairs a provider with a key.</summary>
    /// <param name="provider">The provider's name, such as <c>gemini</c>; compared and kept in lower case.</param>
    /// <param name="secret">The key.</param>
    /// <exception cref="ArgumentException"><paramref name="provider"/> is null, empty or white space.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="secret"/> is null.</exception>
    public ApiKey(string provider, Secret secret)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(provider);
        ArgumentNullException.ThrowIfNull(secret);
        Provider = provider.ToLowerInvariant();
        Secret = secret;
    }

    /// <summary>The provider's name in lower case.</summary>
    public string Provider { get; }

    /// <summary>The key, redacted.</summary>
    [JsonIgnore]
    public Secret Secret { get; }

    /// <summary>The key's fingerprint: see <see cref="Abstractions.Secret.Fingerprint"/>.</summary>
    public string Fingerprint => Secret.Fingerprint;

    /// <inheritdoc />
    public bool Equals(ApiKey? other) => other is not null && Provider == other.Provider && Secret.Equals(other.Secret);

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as ApiKey);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Provider, Secret);

    /// <summary>The provider and the fingerprint; never the key.</summary>
    /// <returns><c>provider:fingerprint</c>.</returns>
    public override string ToString() => $"{Provider}:{Fingerprint}";
}
