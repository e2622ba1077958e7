namespace Coach.Llm;

/// <summary>Sessions, their keys and their clients: <c>Coach:Llm:Sessions</c>.</summary>
public sealed class LlmSessionOptions
{
    /// <summary>
    /// The most sessions at once: of clients in this process, and of sessions with a key on all replicas that share a
    /// store. Also read from <c>MAYA_MAX_SESSIONS</c>.
    /// </summary>
    /// <value>1 to 1,000,000; 1,000 unless set.</value>
    public int MaxSessions { get; set; } = 1000;

    /// <summary>What happens to a new session when no more fit.</summary>
    /// <value><see cref="SessionAdmission.Reject"/> unless set.</value>
    public SessionAdmission WhenFull { get; set; } = SessionAdmission.Reject;

    /// <summary>How long a session's keys and clients outlive their last use.</summary>
    /// <value>10 seconds to 7 days; 30 minutes unless set.</value>
    public TimeSpan SlidingExpiration { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>How long a session's keys and clients live at most, however often they are used.</summary>
    /// <value>10 seconds to 30 days, not below <see cref="SlidingExpiration"/>; 8 hours unless set.</value>
    public TimeSpan AbsoluteExpiration { get; set; } = TimeSpan.FromHours(8);

    /// <summary>How often expired sessions are looked for. A session ends at most this much after its time.</summary>
    /// <value>1 second to 1 hour; 15 seconds unless set.</value>
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The longest that the creation of one client may take.</summary>
    /// <value>1 second to 10 minutes; 30 seconds unless set.</value>
    public TimeSpan CreationTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the end of the host waits for leases that are still out.</summary>
    /// <value>0 to 10 minutes; 10 seconds unless set.</value>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The most keys of one session.</summary>
    /// <value>1 to 64; 16 unless set.</value>
    public int MaxKeysPerSession { get; set; } = 16;
}
