using System.Diagnostics.CodeAnalysis;

namespace Coach.Abstractions;

/// <summary>Reads secrets by name: configuration and environment first, then <c>/run/secrets/NAME</c>.</summary>
public interface ISecretSource
{
    /// <summary>Reads a secret if it has a value.</summary>
    /// <param name="name">The secret's name.</param>
    /// <param name="secret">The secret, or null.</param>
    /// <returns>Whether there is a value that is not white space.</returns>
    bool TryGet(string name, [NotNullWhen(true)] out Secret? secret);

    /// <summary>Reads a secret that the given mode needs.</summary>
    /// <param name="name">The secret's name.</param>
    /// <param name="mode">The mode of the run that asks.</param>
    /// <returns>The secret.</returns>
    /// <exception cref="SecretException">There is no value, or <paramref name="mode"/> is
    /// <see cref="RunMode.Mock"/>.</exception>
    Secret Get(string name, RunMode mode);

    /// <summary>
    /// The required secrets of a manifest that have no value, in the manifest's order; none in mock mode.
    /// </summary>
    /// <param name="manifest">What the host declared.</param>
    /// <param name="mode">The mode to check for.</param>
    /// <returns>The missing names.</returns>
    IReadOnlyList<string> FindMissing(SecretManifest manifest, RunMode mode);
}
