using System.Diagnostics.CodeAnalysis;
using Coach.Llm.Providers;

namespace Coach.Llm;

/// <summary>
/// The host's own keys, found among its secrets. Nothing uses them unless the host asks for them here: nobody's missing
/// key is ever replaced by the host's.
/// </summary>
/// <remarks>Safe for concurrent use; reads the secrets each time, so that a new value counts at once.</remarks>
public sealed class HostKeys
{
    private readonly ProviderCatalog _providers;
    private readonly ISecretSource _secrets;
    private readonly IDictionary<string, HostKeyRotation> _rotations;
    private readonly TimeProvider _time;

    internal HostKeys(
        ProviderCatalog providers, ISecretSource secrets, IDictionary<string, HostKeyRotation> rotations,
        TimeProvider time) =>
        (_providers, _secrets, _rotations, _time) = (providers, secrets, rotations, time);

    /// <summary>The host's keys for a provider that may be used now.</summary>
    /// <param name="provider">The provider's name.</param>
    /// <returns>The current key first; during a rotation the previous one too; empty if the host has none.</returns>
    /// <exception cref="ArgumentException"><paramref name="provider"/> is null, empty or white space.</exception>
    public IReadOnlyList<ApiKey> For(string provider)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(provider);
        string name = provider.ToLowerInvariant();
        var keys = new List<ApiKey>(2);
        if (TryGetCurrent(name, out Secret? current))
        {
            keys.Add(new ApiKey(name, current));
        }

        if (IsOverlapping(name) && TryGetPrevious(name, out Secret? previous) && previous != current)
        {
            keys.Add(new ApiKey(name, previous));
        }

        return keys;
    }

    /// <summary>Whether this is a key of the host's own that may be used now.</summary>
    internal bool Owns(ApiKey key) =>
        (TryGetCurrent(key.Provider, out Secret? current) && current == key.Secret)
        || (IsOverlapping(key.Provider) && IsPrevious(key));

    /// <summary>The key to use in place of one that was refused or has ended; null if there is none.</summary>
    internal ApiKey? InPlaceOf(ApiKey key)
    {
        bool isOwn = Owns(key) || IsPrevious(key);
        return isOwn ? For(key.Provider).FirstOrDefault(other => !other.Equals(key)) : null;
    }

    /// <summary>Whether this is a previous key whose time has passed.</summary>
    internal bool HasEnded(ApiKey key) => _rotations.Count > 0 && IsPrevious(key) && !Owns(key);

    private bool IsPrevious(ApiKey key) =>
        TryGetPrevious(key.Provider, out Secret? previous) && previous == key.Secret;

    private bool IsOverlapping(string provider) =>
        _rotations.TryGetValue(provider, out HostKeyRotation? rotation) && _time.GetUtcNow() < rotation.PreviousUntil;

    private bool TryGetCurrent(string provider, [NotNullWhen(true)] out Secret? secret)
    {
        secret = null;
        return _providers.Find(provider)?.SecretName is { } name && _secrets.TryGet(name, out secret);
    }

    private bool TryGetPrevious(string provider, [NotNullWhen(true)] out Secret? secret)
    {
        secret = null;
        return _rotations.TryGetValue(provider, out HostKeyRotation? rotation)
            && rotation.PreviousSecret.Length > 0
            && _secrets.TryGet(rotation.PreviousSecret, out secret);
    }
}
