using System.Globalization;

namespace Coach.Abstractions;

/// <summary>
/// Who asks: the session, and the user and tenant where the host knows them. History, knowledge scopes, usage, budgets
/// and payment links are keyed by it.
/// </summary>
/// <remarks>Immutable. Made once a request by the host, never from what the request's body says.</remarks>
public sealed record CallerContext
{
    /// <summary>The longest user or tenant id, in characters.</summary>
    public const int MaxIdLength = 256;

    /// <summary>Describes a caller.</summary>
    /// <param name="sessionId">The session; never empty.</param>
    /// <param name="userId">The user as the host's authentication names it, 1 to 256 characters; null if there are no
    /// users.</param>
    /// <param name="tenantId">The tenant, 1 to 256 characters; null if there are none.</param>
    /// <exception cref="ArgumentException">The session is empty, or an id is blank or too long.</exception>
    public CallerContext(SessionId sessionId, string? userId = null, string? tenantId = null)
    {
        if (sessionId.IsEmpty)
        {
            throw new ArgumentException("A caller has a session; default(SessionId) names none.", nameof(sessionId));
        }

        SessionId = sessionId;
        UserId = Check(userId, nameof(userId));
        TenantId = Check(tenantId, nameof(tenantId));
        Key = userId is null
            ? "s:" + Part(tenantId) + sessionId.Value
            : "u:" + Part(tenantId) + userId;
    }

    /// <summary>The session.</summary>
    public SessionId SessionId { get; }

    /// <summary>The user; null where the session alone is the caller.</summary>
    public string? UserId { get; }

    /// <summary>The tenant; null if there are none.</summary>
    public string? TenantId { get; }

    /// <summary>
    /// What stores file this caller's data under: the user within the tenant, or the session where there is no user.
    /// Different callers never share a key: the tenant is written with its length. It holds the ids in the clear, so it
    /// belongs into stores, never into metrics or logs.
    /// </summary>
    public string Key { get; }

    /// <summary>Two contexts are equal when they name the same session, user and tenant.</summary>
    /// <param name="other">The other one.</param>
    /// <returns>Whether all three are the same.</returns>
    public bool Equals(CallerContext? other) =>
        other is not null && SessionId == other.SessionId && UserId == other.UserId && TenantId == other.TenantId;

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(SessionId, UserId, TenantId);

    // A length before the tenant keeps ("ab", "c") and ("a", "bc") apart whatever characters the ids hold.
    private static string Part(string? tenant) =>
        tenant is null ? "-:" : string.Create(CultureInfo.InvariantCulture, $"{tenant.Length}:{tenant}:");

    private static string? Check(string? id, string name) => id switch
    {
        null => null,
        _ when string.IsNullOrWhiteSpace(id) =>
            throw new ArgumentException("An id is not blank; give null for none.", name),
        { Length: > MaxIdLength } => throw new ArgumentException($"An id has at most {MaxIdLength} characters.", name),
        _ => id,
    };
}
