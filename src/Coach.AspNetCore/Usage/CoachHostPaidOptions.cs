namespace Coach.AspNetCore;

/// <summary>
/// Whether sessions without a key may use one of the host's: the section <c>Coach:HostPaid</c>. Off unless asked for.
/// </summary>
public sealed class CoachHostPaidOptions
{
    /// <summary>
    /// The providers whose key the host lends, in the order in which they are asked. Their keys are the host's secrets
    /// (<c>GEMINI_API_KEY</c> and so on).
    /// </summary>
    /// <value>None (no key is lent) unless set; needs a limit for each caller in <c>Coach:Usage:Limits</c>.</value>
    public IList<string> Providers { get; } = [];
}
