using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Coach.Abstractions.Secrets;

namespace Coach.Abstractions;

/// <summary>
/// A string that shows itself as <c>***</c> everywhere: in logs, JSON, string formatting, debuggers and dumps of
/// options. It binds from a configuration string and is read only through <see cref="Reveal"/>.
/// </summary>
/// <remarks>
/// Two secrets are equal when their values are; the comparison takes the same time wherever they differ.
/// </remarks>
[DebuggerDisplay("***")]
[DebuggerTypeProxy(typeof(SecretDebugView))]
[TypeConverter(typeof(SecretConverter))]
[JsonConverter(typeof(SecretJsonConverter))]
public sealed class Secret : IEquatable<Secret>, IFormattable
{
    internal const string Mask = "***";

    private readonly string _value;
    private readonly byte[] _hash;

    private Secret(string value)
    {
        _value = value;
        _hash = SHA256.HashData(Encoding.UTF8.GetBytes(value));
        Fingerprint = Convert.ToHexStringLower(_hash.AsSpan(0, 8));
    }

    /// <summary>The first 16 hexadecimal digits, in lower case, of the SHA-256 of the value's UTF-8 bytes.</summary>
    /// <value>Safe to log and to show: it identifies the secret without giving it away.</value>
    public string Fingerprint { get; }

    /// <summary>Wraps a value. Nothing is trimmed or checked beyond presence.</summary>
    /// <param name="value">The value; neither null, empty nor white space.</param>
    /// <returns>The redacted wrapper.</returns>
    /// <exception cref="ArgumentException"><paramref name="value"/> is null, empty or white space.</exception>
    public static Secret From(string value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(value);
        return new Secret(value);
    }

    /// <summary>The value itself. Call it where a request is signed, and nowhere else.</summary>
    /// <returns>The value as it was given.</returns>
    public string Reveal() => _value;

    /// <summary>
    /// Whether this is the secret of a value that the host itself has just read. Not for values from outside: the time
    /// it takes tells.
    /// </summary>
    internal bool Holds(string value) => string.Equals(_value, value, StringComparison.Ordinal);

    /// <inheritdoc />
    public bool Equals(Secret? other) =>
        other is not null && CryptographicOperations.FixedTimeEquals(_hash, other._hash);

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as Secret);

    /// <inheritdoc />
    public override int GetHashCode() => BitConverter.ToInt32(_hash, 0);

    /// <summary>Always <c>***</c>.</summary>
    /// <returns>The mask.</returns>
    public override string ToString() => Mask;

    /// <summary>Always <c>***</c>, whatever the format.</summary>
    /// <param name="format">Ignored.</param>
    /// <param name="formatProvider">Ignored.</param>
    /// <returns>The mask.</returns>
    public string ToString(string? format, IFormatProvider? formatProvider) => Mask;

    /// <summary>Compares two secrets in fixed time.</summary>
    /// <param name="left">One secret, or null.</param>
    /// <param name="right">The other, or null.</param>
    /// <returns>Whether both are null or both hold the same value.</returns>
    public static bool operator ==(Secret? left, Secret? right) => left is null ? right is null : left.Equals(right);

    /// <summary>The opposite of equality.</summary>
    /// <param name="left">One secret, or null.</param>
    /// <param name="right">The other, or null.</param>
    /// <returns>Whether they differ.</returns>
    public static bool operator !=(Secret? left, Secret? right) => !(left == right);

    private sealed class SecretDebugView
    {
        public SecretDebugView(Secret secret) => Fingerprint = secret.Fingerprint;

        public string Fingerprint { get; }
    }
}
