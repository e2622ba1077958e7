namespace Coach.Llm;

/// <summary>Time limits, retries and sizes of requests to providers: <c>Coach:Llm:Requests</c>.</summary>
public sealed class LlmRequestOptions
{
    /// <summary>The longest that one attempt may take until its answer is complete, or its stream has begun.</summary>
    /// <value>1 second to 30 minutes; 60 seconds unless set.</value>
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The longest that a call may take with all its attempts and waits. A stream's ends with the first sign that the
    /// provider is at work; from then on <see cref="StreamTimeout"/> holds.
    /// </summary>
    /// <value>1 second to 1 hour, not below <see cref="AttemptTimeout"/>; 2 minutes unless set. A call that asks for
    /// effort may take <see cref="ReasoningTimeout"/> longer.</value>
    public TimeSpan TotalTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// The longest silence before a stream's first token. What shows that the provider is at work, such as a comment,
    /// begins it again.
    /// </summary>
    /// <value>1 second to 30 minutes; 60 seconds unless set.</value>
    public TimeSpan FirstTokenTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The longest silence while a model reasons: in a call that asks for effort, before its first token or its whole
    /// answer, and in any stream between a thought and what follows it.
    /// </summary>
    /// <value>1 second to 1 hour; 10 minutes unless set.</value>
    public TimeSpan ReasoningTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>The longest that a stream may go on, from the first sign that the provider is at work.</summary>
    /// <value>1 second to 24 hours; 1 hour unless set.</value>
    public TimeSpan StreamTimeout { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The longest silence within a stream.</summary>
    /// <value>1 second to 30 minutes; 60 seconds unless set.</value>
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How often a transient failure is tried again. Quota exhaustion and refused keys never are, nor is a time limit
    /// that passed: the provider may be at work on the answer, and would be paid for it twice.
    /// </summary>
    /// <value>0 to 10; 3 unless set.</value>
    public int MaxRetries { get; set; } = 3;

    /// <summary>
    /// The wait before the first retry; it doubles each time, with jitter. A provider's own hint replaces it.
    /// </summary>
    /// <value>10 milliseconds to 1 minute; 1 second unless set.</value>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The longest wait before a retry. A provider that asks for more ends the call with its failure.
    /// </summary>
    /// <value>10 milliseconds to 10 minutes; 60 seconds unless set.</value>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>The most bytes read of one answer.</summary>
    /// <value>1,024 to 1,073,741,824; 16,777,216 unless set.</value>
    public int MaxResponseBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>The most bytes of one event of a stream.</summary>
    /// <value>1,024 to 268,435,456; 16,777,216 unless set: a picture is one event of up to 10 MB.</value>
    public int MaxEventBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>The most bytes of all pictures, sounds and files that one request carries within it.</summary>
    /// <value>1,024 to 268,435,456; 16,777,216 unless set. Providers have limits of their own (Gemini 20 MB a request,
    /// base64 included).</value>
    public int MaxMediaBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>
    /// The fewest calls within 30 seconds after which a key's circuit may open; a call counts once, with its retries.
    /// Each key has a circuit of its own, which opens with a failure that brings the share of failures in that time to
    /// <see cref="CircuitFailureRatio"/>. When that share of the keys in use fails, and they are three or more, those
    /// that fail are refused after one failure; a key without a failure of its own never is.
    /// </summary>
    /// <value>0 (the circuit never opens), or 2 to 1,000; 5 unless set.</value>
    public int CircuitMinimumCalls { get; set; } = 5;

    /// <summary>
    /// The share of failures among the calls of 30 seconds from which on the circuit opens. Failures are the provider's
    /// own: no connection, time-outs, overload, status 500 and above, broken streams; with the host's key also rate
    /// limits.
    /// </summary>
    /// <value>0.01 to 1; 0.5 unless set.</value>
    public double CircuitFailureRatio { get; set; } = 0.5;

    /// <summary>How long an open circuit refuses calls before it lets one try.</summary>
    /// <value>1 second to 1 hour; 30 seconds unless set.</value>
    public TimeSpan CircuitBreak { get; set; } = TimeSpan.FromSeconds(30);
}
