using System.Text;

namespace Coach.Usage;

/// <summary>
/// The key with which a host signs what remains of removed entries. It is the secret <c>COACH_LEDGER_KEY</c>.
/// </summary>
public sealed class LedgerSigningKey
{
    /// <summary>The secret's name.</summary>
    public const string SecretName = "COACH_LEDGER_KEY";

    /// <summary>The fewest bytes of a key.</summary>
    public const int MinLength = 16;

    /// <summary>Reads the key.</summary>
    /// <param name="secrets">The host's secrets.</param>
    /// <exception cref="InvalidOperationException">It has fewer than <see cref="MinLength"/> bytes.</exception>
    public LedgerSigningKey(ISecretSource secrets)
    {
        ArgumentNullException.ThrowIfNull(secrets);
        if (!secrets.TryGet(SecretName, out Secret? secret))
        {
            return;
        }

        byte[] bytes = Encoding.UTF8.GetBytes(secret.Reveal());
        Bytes = bytes.Length >= MinLength
            ? bytes
            : throw new InvalidOperationException($"{SecretName} has fewer than {MinLength} bytes; take a longer one.");
    }

    /// <summary>The key; empty if the host gave none.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }
}
