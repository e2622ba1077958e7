using System.Diagnostics.CodeAnalysis;
using System.Net.Http.Headers;
using System.Text;
using Coach.Abstractions;
using Coach.Payments.Gateways;

namespace Coach.Payments.Mcp.Connections;

/// <summary>The key as this package uses it: the only file that reveals it.</summary>
internal sealed class StripeMcpKey
{
    public const string SecretName = "STRIPE_API_KEY";

    private const int LongestKey = 500;

    private readonly Secret _secret;

    private StripeMcpKey(Secret secret) => _secret = secret;

    public string Fingerprint => _secret.Fingerprint;

    /// <summary>Only a key that says it is a test key is one: anything unclear counts as live.</summary>
    public bool IsLive => !_secret.Reveal().StartsWith("sk_test_", StringComparison.Ordinal)
        && !_secret.Reveal().StartsWith("rk_test_", StringComparison.Ordinal);

    public static bool TryRead(ISecretSource secrets, [NotNullWhen(true)] out StripeMcpKey? key)
    {
        key = secrets.TryGet(SecretName, out Secret? secret) ? new StripeMcpKey(secret) : null;
        return key is not null;
    }

    /// <summary>Whether it can stand in a header and an environment variable.</summary>
    public bool IsWellFormed =>
        _secret.Reveal() is { Length: <= LongestKey } text && !text.AsSpan().ContainsAnyExceptInRange('!', '~');

    public AuthenticationHeaderValue ToHeader() => new("Bearer", _secret.Reveal());

    public void AddTo(IDictionary<string, string?> environment, string variable) =>
        environment[variable] = _secret.Reveal();

    /// <summary>Masks the key wherever it stands in a piece of an answer.</summary>
    /// <returns>How many bytes at the end may be the beginning of the key; 0 when none.</returns>
    public int MaskIn(Span<byte> data)
    {
        byte[] key = Encoding.ASCII.GetBytes(_secret.Reveal());
        for (int at = data.IndexOf(key); at >= 0; at = data.IndexOf(key))
        {
            data.Slice(at, key.Length).Fill((byte)'*');
        }

        int length = Math.Min(key.Length - 1, data.Length);
        while (length > 0 && !data[^length..].SequenceEqual(key.AsSpan(0, length)))
        {
            length--;
        }

        return length;
    }

    /// <summary>What a server said, fit for a message: without this key, anything like a key, or card numbers, and
    /// short.</summary>
    public string? Redact(string? text) => GatewayRedaction.Sentence(text, _secret.Reveal());
}
