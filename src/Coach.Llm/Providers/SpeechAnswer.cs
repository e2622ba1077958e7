namespace Coach.Llm;

/// <summary>A spoken text, or the text alone.</summary>
/// <param name="Text">The text that was to be spoken.</param>
/// <param name="Audio">A WAV file with 16-bit samples; empty when speech failed.</param>
/// <param name="ContentType">The audio's content type; empty when speech failed.</param>
/// <param name="Failure">Why there is no audio; null when there is.</param>
public sealed record SpeechAnswer(string Text, ReadOnlyMemory<byte> Audio, string ContentType, LlmException? Failure)
{
    /// <summary>Whether speech failed and only the text is there.</summary>
    public bool IsTextOnly => Failure is not null;
}
