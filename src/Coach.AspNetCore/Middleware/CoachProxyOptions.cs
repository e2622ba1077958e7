namespace Coach.AspNetCore;

/// <summary>The proxies in front of the host: the section <c>Coach:Proxy</c>.</summary>
public sealed class CoachProxyOptions
{
    /// <summary>
    /// The proxies whose <c>X-Forwarded-For</c>, <c>X-Forwarded-Proto</c> and <c>X-Forwarded-Host</c> are believed; of
    /// everyone else they are ignored.
    /// </summary>
    /// <value>
    /// Addresses and networks such as <c>10.0.0.5</c> and <c>10.0.0.0/8</c>; none unless set. In configuration a list,
    /// or one value separated by commas.
    /// </value>
    public IList<string> KnownProxies { get; } = [];
}
