namespace Coach.AspNetCore;

/// <summary>The speech endpoint: the section <c>Coach:Speech</c>.</summary>
public sealed class CoachSpeechOptions
{
    /// <summary>
    /// Whether <c>MapCoach()</c> maps <c>POST /api/speech</c>. A host that maps it with <c>MapCoachSpeech()</c> needs
    /// no setting.
    /// </summary>
    /// <value>False unless set: each call is paid with the session's key.</value>
    public bool Enabled { get; set; }

    /// <summary>The provider whose key of the session is used.</summary>
    /// <value>The name of a provider with an <c>ISpeechSynthesizer</c>; <c>cartesia</c> unless set. Its voice is
    /// <c>Coach:Llm:Cartesia:Voice</c>.</value>
    public string Provider { get; set; } = "cartesia";

    /// <summary>The longest text, in characters.</summary>
    /// <value>1 to 20,000; 2,000 unless set.</value>
    public int MaxTextLength { get; set; } = 2_000;
}
