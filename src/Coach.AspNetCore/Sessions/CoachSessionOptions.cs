namespace Coach.AspNetCore;

/// <summary>The session cookie: the section <c>Coach:Session</c>.</summary>
public sealed class CoachSessionOptions
{
    /// <summary>The cookie's name.</summary>
    /// <value><c>coach_session</c> unless set.</value>
    public string CookieName { get; set; } = "coach_session";

    /// <summary>
    /// How long a session can live, however busy it is. A cookie older than this starts a new session.
    /// </summary>
    /// <value>1 minute to 30 days; 24 hours unless set.</value>
    public TimeSpan AbsoluteLifetime { get; set; } = TimeSpan.FromHours(24);

    /// <summary>
    /// The share of the places for sessions with a key (<c>Coach:Llm:Sessions:MaxSessions</c>) that one address, or one
    /// key, may take.
    /// </summary>
    /// <value>0.001 to 1; 0.25 unless set. At least one place.</value>
    public double Share { get; set; } = 0.25;

    /// <summary>
    /// The application's name in the key derivation: replicas that share sessions must share it and the key ring.
    /// </summary>
    /// <value><c>coach</c> unless set.</value>
    public string ApplicationName { get; set; } = "coach";
}
