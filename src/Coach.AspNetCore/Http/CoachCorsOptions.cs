namespace Coach.AspNetCore;

/// <summary>Whose pages may call the API besides the host's own: the section <c>Coach:Cors</c>.</summary>
public sealed class CoachCorsOptions
{
    /// <summary>
    /// Origins of the same site, such as <c>https://app.example.com</c> for a host at <c>https://api.example.com</c>:
    /// their pages call with the session's cookie. Pages of another site never can: the cookie does not travel.
    /// </summary>
    /// <value>
    /// Origins with scheme and host, without a path; none unless set, at most 100. In configuration a list, or one
    /// value separated by commas. <c>*</c> is refused.
    /// </value>
    public IList<string> AllowedOrigins { get; } = [];
}
