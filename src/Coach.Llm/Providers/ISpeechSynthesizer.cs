namespace Coach.Llm;

/// <summary>
/// Turns text into speech for one session. Speech is a comfort: when it fails the answer is the text alone, with the
/// reason, so that a conversation goes on.
/// </summary>
/// <remarks>
/// A seam of Coach's own, because Microsoft.Extensions.AI's <c>ITextToSpeechClient</c> is experimental and would make
/// every caller acknowledge that.
/// </remarks>
public interface ISpeechSynthesizer
{
    /// <summary>Speaks a text.</summary>
    /// <param name="text">1 to 20,000 characters.</param>
    /// <param name="options">Voice and format; the configured ones unless given.</param>
    /// <param name="cancellationToken">Ends the call and closes its connection.</param>
    /// <returns>The speech, or the text alone and why.</returns>
    /// <exception cref="ArgumentException">The text is empty or too long, or no voice is named or
    /// configured.</exception>
    Task<SpeechAnswer> SynthesizeAsync(
        string text, SpeechOptions? options = null, CancellationToken cancellationToken = default);
}
