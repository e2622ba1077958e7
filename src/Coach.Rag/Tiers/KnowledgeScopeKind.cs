namespace Coach.Rag;

/// <summary>What a <see cref="KnowledgeScope"/> is bound to. Scopes of two kinds are never the same.</summary>
public enum KnowledgeScopeKind
{
    /// <summary>Nothing: the documents that everybody shares.</summary>
    Shared,

    /// <summary>A name that the host chose.</summary>
    Named,

    /// <summary>A tenant.</summary>
    Tenant,

    /// <summary>A user within a tenant, or a user where there are no tenants.</summary>
    User,

    /// <summary>A session.</summary>
    Session,
}
