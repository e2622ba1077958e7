namespace Coach.Llm;

/// <summary>
/// When a <c>FallbackChatClient</c> moves on to its next target; for sessions with several keys:
/// <c>Coach:Llm:Fallback</c>.
/// </summary>
public sealed class FallbackOptions
{
    /// <summary>
    /// The longest wait for a stream's first token, or for a whole answer, before the next target is asked.
    /// </summary>
    /// <value>100 milliseconds to 30 minutes; null, the default, leaves waiting to the target's own limits. The last
    /// target is not limited.</value>
    public TimeSpan? FirstTokenTimeout { get; set; }

    /// <summary>How long a target that failed is passed over. A longer hint of the provider counts instead.</summary>
    /// <value>0 to 1 hour; 30 seconds unless set.</value>
    public TimeSpan CoolDown { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whether an exhausted quota also moves on. It is not transient, so this is a choice about whose credit is spent.
    /// </summary>
    /// <value>False unless set.</value>
    public bool OnQuotaExhausted { get; set; }

    /// <summary>
    /// Whether a stream that fails after its first token starts over with the next target. What was shown until then is
    /// not part of the new answer; the first update of the new one carries <c>FallbackChatClient.RestartedProperty</c>.
    /// </summary>
    /// <value>False unless set: such a failure reaches the caller.</value>
    public bool RestartAfterFirstToken { get; set; }

    /// <summary>Whether the targets belong to the caller and survive the client.</summary>
    /// <value>False unless set.</value>
    public bool LeaveOpen { get; set; }

    internal static readonly TimeSpan ShortestFirstToken = TimeSpan.FromMilliseconds(100);
    internal static readonly TimeSpan LongestFirstToken = TimeSpan.FromMinutes(30);
    internal static readonly TimeSpan LongestCoolDown = TimeSpan.FromHours(1);

    internal string? Problem()
    {
        if (FirstTokenTimeout < ShortestFirstToken || FirstTokenTimeout > LongestFirstToken)
        {
            return "FirstTokenTimeout must be between 100 milliseconds and 30 minutes.";
        }

        return CoolDown < TimeSpan.Zero || CoolDown > LongestCoolDown ? "CoolDown must be between 0 and 1 hour." : null;
    }
}
