namespace Coach.AspNetCore;

/// <summary>How the host stops: the section <c>Coach</c>.</summary>
public sealed class CoachDrainOptions
{
    /// <summary>
    /// How long new work is still taken after the host was told to stop: <c>/readyz</c> is 503 at once, and whoever
    /// spreads the requests needs a while to see it.
    /// </summary>
    /// <value>0 to 20 seconds; 5 seconds unless set: <c>Coach:Drain</c>.</value>
    public TimeSpan Drain { get; set; } = TimeSpan.FromSeconds(5);
}
