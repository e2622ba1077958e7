namespace Coach.Abstractions;

/// <summary>
/// The secrets a host needs, by name and mode. A secret's name is its environment variable's name and is the same in
/// every environment; only values differ.
/// </summary>
public sealed class SecretManifest
{
    private readonly List<SecretEntry> _entries = [];

    /// <summary>What was declared, in order.</summary>
    public IReadOnlyList<SecretEntry> Entries => _entries;

    /// <summary>Declares secrets without which the host cannot run in real mode. Mock mode never needs one.</summary>
    /// <param name="names">Names such as <c>STRIPE_API_KEY</c>.</param>
    /// <returns>This manifest.</returns>
    /// <exception cref="ArgumentException">A name is not an environment variable's name.</exception>
    public SecretManifest Require(params ReadOnlySpan<string> names) => Add(names, isRequired: true);

    /// <summary>Declares secrets that are used when they are there.</summary>
    /// <param name="names">Names such as <c>GEMINI_API_KEY</c>.</param>
    /// <returns>This manifest.</returns>
    /// <exception cref="ArgumentException">A name is not an environment variable's name.</exception>
    public SecretManifest Optional(params ReadOnlySpan<string> names) => Add(names, isRequired: false);

    /// <summary>Declares another name under which a secret is also looked for, after its own.</summary>
    /// <param name="name">The declared name.</param>
    /// <param name="legacyName">The older name, such as <c>GOOGLE_API_KEY</c> for <c>GEMINI_API_KEY</c>.</param>
    /// <returns>This manifest.</returns>
    /// <exception cref="ArgumentException">The first name was not declared, or the second is not a name.</exception>
    public SecretManifest Alias(string name, string legacyName)
    {
        CheckName(legacyName);
        int index = _entries.FindIndex(entry => entry.Name == name);
        if (index < 0)
        {
            throw new ArgumentException(
                $"Secret '{name}' is not declared; call Require or Optional first.", nameof(name));
        }

        _entries[index] = _entries[index] with { LegacyName = legacyName };
        return this;
    }

    /// <summary>
    /// Declares that several names are kept as keys of one secret, such as user name and password of a registry. Each
    /// is still read by its own name.
    /// </summary>
    /// <param name="secret">The name of the secret that holds them, such as <c>REGISTRY_AUTH</c>.</param>
    /// <param name="names">The declared names.</param>
    /// <returns>This manifest.</returns>
    /// <exception cref="ArgumentException">A name was not declared, or the secret's is none.</exception>
    public SecretManifest Group(string secret, params ReadOnlySpan<string> names)
    {
        CheckName(secret);
        foreach (string name in names)
        {
            int index = -1;
            for (int i = 0; i < _entries.Count && index < 0; i++)
            {
                index = _entries[i].Name == name ? i : -1;
            }

            if (index < 0)
            {
                throw new ArgumentException(
                    $"Secret '{name}' is not declared; call Require or Optional first.", nameof(names));
            }

            _entries[index] = _entries[index] with { Group = secret };
        }

        return this;
    }

    private SecretManifest Add(ReadOnlySpan<string> names, bool isRequired)
    {
        foreach (string name in names)
        {
            CheckName(name);
            int index = _entries.FindIndex(entry => entry.Name == name);
            if (index < 0)
            {
                _entries.Add(new SecretEntry(name, isRequired));
            }
            else if (isRequired)
            {
                _entries[index] = _entries[index] with { IsRequired = true };
            }
        }

        return this;
    }

    private static void CheckName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        foreach (char c in name)
        {
            if (!char.IsAsciiLetterUpper(c) && !char.IsAsciiDigit(c) && c != '_')
            {
                throw new ArgumentException(
                    "A secret's name has only A-Z, 0-9 and '_', like the environment variable it names.", nameof(name));
            }
        }
    }
}
