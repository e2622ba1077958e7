namespace Coach.Llm;

/// <summary>What happens to a new session when no more fit. Sessions that are already in always go on.</summary>
public enum SessionAdmission
{
    /// <summary>The new session is refused with <c>ERR_SESSION_LIMIT</c>.</summary>
    Reject,

    /// <summary>The session that has been idle longest makes room; if none is idle, the new one is refused.</summary>
    EvictIdle,
}
