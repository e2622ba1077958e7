namespace Coach.Abstractions;

/// <summary>
/// How a host chooses the <see cref="RunMode"/> of a session: <c>Coach:Mode</c>, or <c>COACH_MODE</c>.
/// </summary>
public enum HostMode
{
    /// <summary>
    /// A session with a key runs for real, one without a key gets mock answers, labelled so. The default.
    /// </summary>
    Auto,

    /// <summary>No outside call ever; user keys are refused.</summary>
    Mock,

    /// <summary>Every session needs a key.</summary>
    Real,
}
