namespace Coach.Usage;

/// <summary>Whose calls count together under a limit.</summary>
public enum BudgetScope
{
    /// <summary>All calls of the host.</summary>
    App,

    /// <summary>A tenant's; callers without a tenant are not limited.</summary>
    Tenant,

    /// <summary>A user's, in all sessions; where there are no users, a session's.</summary>
    User,

    /// <summary>A session's.</summary>
    Session,

    /// <summary>Calls to one provider, of all callers; a call whose provider is not known yet is not limited.</summary>
    Provider,
}
