namespace Coach.Llm;

/// <summary>
/// Whether a question about a key is asked again: <c>Coach:Llm:Validation:Retry</c>, under the names that
/// Microsoft.Extensions.Http.Resilience has for them.
/// </summary>
public sealed class KeyRetryOptions
{
    /// <summary>
    /// How often a question is asked again that met no connection, an overload or a rate limit. The time limit of the
    /// validation holds over all attempts.
    /// </summary>
    /// <value>0 (never) to 5; 0 unless set.</value>
    public int MaxRetryAttempts { get; set; }

    /// <summary>
    /// The wait before the first repetition; it doubles each time, with jitter. <c>Retry-After</c> replaces it.
    /// </summary>
    /// <value>0 to 10 seconds; 500 milliseconds unless set.</value>
    public TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest wait. A provider that asks for more is not asked again.</summary>
    /// <value>0 to 1 minute; 2 seconds unless set.</value>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(2);
}
