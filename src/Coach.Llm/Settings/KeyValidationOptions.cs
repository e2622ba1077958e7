namespace Coach.Llm;

/// <summary>Key validation: <c>Coach:Llm:Validation</c>.</summary>
public sealed class KeyValidationOptions
{
    /// <summary>The longest that one validation may take.</summary>
    /// <value>1 second to 2 minutes; 10 seconds unless set.</value>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an outcome that says something about the key is remembered.</summary>
    /// <value>0 (never) to 1 hour; 1 minute unless set.</value>
    public TimeSpan CacheDuration { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The most outcomes remembered; beyond it the oldest go.</summary>
    /// <value>1 to 1,000,000; 10,000 unless set.</value>
    public int CacheCapacity { get; set; } = 10_000;

    /// <summary>The most bytes read of a provider's answer.</summary>
    /// <value>1,024 to 16,777,216; 262,144 unless set.</value>
    public int MaxResponseBytes { get; set; } = 256 * 1024;

    /// <summary>
    /// Whether a Gemini key that may list models is also tried on the service that generates (<c>countTokens</c>, free
    /// of charge).
    /// </summary>
    /// <value>False unless set.</value>
    public bool Deep { get; set; }

    /// <summary>Whether a question about a key is asked again. Read once, when the HTTP client is made.</summary>
    public KeyRetryOptions Retry { get; set; } = new();
}
