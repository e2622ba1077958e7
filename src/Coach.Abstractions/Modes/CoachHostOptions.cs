namespace Coach.Abstractions;

/// <summary>What every Coach package of a host shares: the section <c>Coach</c>.</summary>
public sealed class CoachHostOptions
{
    /// <summary>How sessions choose between mock and real: <c>Coach:Mode</c>.</summary>
    /// <value><see cref="HostMode.Auto"/> unless set.</value>
    public HostMode Mode { get; set; } = HostMode.Auto;

    /// <summary>The mode of a session of this host.</summary>
    /// <param name="hasKey">Whether the session holds a usable key.</param>
    /// <returns>Mock in a mock host; real in a real host; otherwise real exactly when there is a key.</returns>
    public RunMode ModeOf(bool hasKey) => Mode switch
    {
        HostMode.Mock => RunMode.Mock,
        HostMode.Real => RunMode.Real,
        _ => hasKey ? RunMode.Real : RunMode.Mock,
    };
}
