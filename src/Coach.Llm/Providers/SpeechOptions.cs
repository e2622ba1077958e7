namespace Coach.Llm;

/// <summary>How a text is spoken.</summary>
public sealed class SpeechOptions
{
    /// <summary>The id of the voice.</summary>
    /// <value>The configured one unless set.</value>
    public string? Voice { get; set; }

    /// <summary>The model.</summary>
    /// <value>The configured one unless set.</value>
    public string? Model { get; set; }

    /// <summary>The language, as a two-letter code.</summary>
    /// <value>The voice's own unless set.</value>
    public string? Language { get; set; }

    /// <summary>The samples per second.</summary>
    /// <value>8,000 to 48,000; 24,000 unless set.</value>
    public int SampleRate { get; set; } = 24_000;
}
