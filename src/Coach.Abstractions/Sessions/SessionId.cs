using System.Diagnostics.CodeAnalysis;

namespace Coach.Abstractions;

/// <summary>
/// The handle of one user's session: 1 to 128 characters from <c>A–Z a–z 0–9 - _ . : ~</c>. It is a name, not a
/// credential: what a browser presents (a cookie, a token) must be something else from which the host derives it.
/// </summary>
public readonly struct SessionId : IEquatable<SessionId>
{
    /// <summary>The longest accepted handle, in characters.</summary>
    public const int MaxLength = 128;

    private readonly string? _value;

    private SessionId(string value) => _value = value;

    /// <summary>The handle; empty for <c>default(SessionId)</c>, which names no session.</summary>
    public string Value => _value ?? "";

    /// <summary>Whether this is <c>default(SessionId)</c>.</summary>
    public bool IsEmpty => _value is null;

    /// <summary>Takes a handle the host chose.</summary>
    /// <param name="value">The handle.</param>
    /// <returns>The session id.</returns>
    /// <exception cref="ArgumentException">The handle is empty, too long or holds another character.</exception>
    public static SessionId From(string value) => TryFrom(value, out SessionId id)
        ? id
        : throw new ArgumentException(
            $"A session id has 1 to {MaxLength} characters from A-Z, a-z, 0-9, '-', '_', '.', ':' and '~'.",
            nameof(value));

    /// <summary>Takes a handle if it is well formed.</summary>
    /// <param name="value">The handle, or null.</param>
    /// <param name="id">The session id, or <c>default</c>.</param>
    /// <returns>Whether the handle was accepted.</returns>
    public static bool TryFrom([NotNullWhen(true)] string? value, out SessionId id)
    {
        id = default;
        if (string.IsNullOrEmpty(value) || value.Length > MaxLength)
        {
            return false;
        }

        foreach (char c in value)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.' or ':' or '~'))
            {
                return false;
            }
        }

        id = new SessionId(value);
        return true;
    }

    /// <inheritdoc />
    public bool Equals(SessionId other) => string.Equals(_value, other._value, StringComparison.Ordinal);

    /// <inheritdoc />
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is SessionId other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => _value is null ? 0 : string.GetHashCode(_value, StringComparison.Ordinal);

    /// <summary>The handle.</summary>
    /// <returns><see cref="Value"/>.</returns>
    public override string ToString() => Value;

    /// <summary>Compares two handles, case-sensitively.</summary>
    /// <param name="left">One id.</param>
    /// <param name="right">The other.</param>
    /// <returns>Whether they are the same.</returns>
    public static bool operator ==(SessionId left, SessionId right) => left.Equals(right);

    /// <summary>The opposite of equality.</summary>
    /// <param name="left">One id.</param>
    /// <param name="right">The other.</param>
    /// <returns>Whether they differ.</returns>
    public static bool operator !=(SessionId left, SessionId right) => !left.Equals(right);
}
