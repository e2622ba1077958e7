using Coach.Abstractions;

namespace Coach.Rag;

/// <summary>
/// Whose documents are searched: those that everybody shares, or those of a name, a tenant, a user or a session.
/// </summary>
/// <remarks>
/// The zero value is <see cref="Shared"/>. Two scopes are the same when kind and name are, character by character: case
/// and Unicode form count.
/// </remarks>
public readonly record struct KnowledgeScope
{
    private readonly string? _name;

    private KnowledgeScope(KnowledgeScopeKind kind, string name) => (Kind, _name) = (kind, name);

    /// <summary>The documents of <c>AddCoachRag()</c>, without a name.</summary>
    public static KnowledgeScope Shared => default;

    /// <summary>What it is bound to.</summary>
    public KnowledgeScopeKind Kind { get; }

    /// <summary>
    /// The name; empty for <see cref="Shared"/>. For users and sessions it holds their ids, so it belongs into neither
    /// metrics nor logs.
    /// </summary>
    public string Name => _name ?? "";

    /// <summary>
    /// The documents of <c>AddCoachRag(name)</c>, and no others; with <c>WithScopes</c> those kept under the name.
    /// </summary>
    /// <param name="name">The registration's name, or any string.</param>
    /// <returns>The scope.</returns>
    /// <exception cref="ArgumentException"><paramref name="name"/> is null or empty.</exception>
    public static KnowledgeScope Of(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new KnowledgeScope(KnowledgeScopeKind.Named, name);
    }

    /// <summary>The documents of a tenant, for all its users.</summary>
    /// <param name="tenantId">The tenant.</param>
    /// <returns>The scope.</returns>
    /// <exception cref="ArgumentException"><paramref name="tenantId"/> is null or empty.</exception>
    public static KnowledgeScope OfTenant(string tenantId)
    {
        ArgumentException.ThrowIfNullOrEmpty(tenantId);
        return new KnowledgeScope(KnowledgeScopeKind.Tenant, tenantId);
    }

    /// <summary>
    /// A caller's own documents: the user's within the tenant, or the session's where there is no user.
    /// </summary>
    /// <param name="caller">Who asks.</param>
    /// <returns>The scope.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="caller"/> is null.</exception>
    public static KnowledgeScope OfCaller(CallerContext caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return caller.UserId is null
            ? new KnowledgeScope(KnowledgeScopeKind.Session, caller.SessionId.Value)
            : new KnowledgeScope(KnowledgeScopeKind.User, caller.Key);
    }

    /// <summary>The documents of a session, which go with it.</summary>
    /// <param name="session">The session.</param>
    /// <returns>The scope.</returns>
    /// <exception cref="ArgumentException"><paramref name="session"/> is empty.</exception>
    public static KnowledgeScope OfSession(SessionId session) => OfCaller(new CallerContext(session));

    /// <summary>The kind alone: names may be ids.</summary>
    /// <returns>Such as <c>Tenant</c>.</returns>
    public override string ToString() => Kind.ToString();
}
