namespace Coach.Llm;

/// <summary>How often and how many at once a session or a key may call: <c>Coach:Llm:Limits</c>.</summary>
public sealed class LlmLimitOptions
{
    /// <summary>The calls that one session may make per minute, on average.</summary>
    /// <value>0 (no limit) to 1,000,000; 120 unless set.</value>
    public int SessionCallsPerMinute { get; set; } = 120;

    /// <summary>The calls that one session may make at once after a pause.</summary>
    /// <value>1 to 1,000,000; 120 unless set.</value>
    public int SessionBurst { get; set; } = 120;

    /// <summary>The calls that all sessions with the same key may make per minute, on average.</summary>
    /// <value>0 (no limit) to 1,000,000; 600 unless set.</value>
    public int KeyCallsPerMinute { get; set; } = 600;

    /// <summary>The calls that all sessions with the same key may make at once after a pause.</summary>
    /// <value>1 to 1,000,000; 600 unless set.</value>
    public int KeyBurst { get; set; } = 600;

    /// <summary>The calls of one session that may run at the same time.</summary>
    /// <value>0 (no limit) to 10,000; 8 unless set.</value>
    public int ConcurrentCallsPerSession { get; set; } = 8;

    /// <summary>
    /// The calls of one session that may wait for one of the running ones to end; further ones are refused.
    /// </summary>
    /// <value>0 to 10,000; 16 unless set.</value>
    public int QueuedCallsPerSession { get; set; } = 16;
}
