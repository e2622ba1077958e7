namespace Coach.Llm;

/// <summary>
/// A host's own key that is being replaced: <c>Coach:Llm:HostKeyRotations:&lt;provider&gt;</c>. Until the date both
/// keys are the host's, each call may use either, and where the provider refuses one the other is tried, so that no
/// call fails while replicas and provider change over.
/// </summary>
public sealed class HostKeyRotation
{
    /// <summary>The name of the secret that holds the key which is being replaced.</summary>
    /// <value>Such as <c>OPENAI_API_KEY_PREVIOUS</c>; the new one stands under the provider's usual name.</value>
    public string PreviousSecret { get; set; } = "";

    /// <summary>Until when the previous key may be used.</summary>
    /// <value>A date with its time zone; past unless set, so that the previous key is not used.</value>
    public DateTimeOffset PreviousUntil { get; set; }
}
