namespace Coach.AspNetCore;

/// <summary>The headers that <c>UseCoachSecurityHeaders</c> adds where the answer has none of that name.</summary>
public sealed class CoachSecurityHeadersOptions
{
    /// <summary>What a page may load and who may frame it.</summary>
    /// <value>
    /// A Content-Security-Policy; the page's own files only, no inline script or style, no framing, unless set. Empty
    /// leaves the header out.
    /// </value>
    public string ContentSecurityPolicy { get; set; } =
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        + "frame-ancestors 'none'";

    /// <summary>What the page tells other sites about where a visitor came from.</summary>
    /// <value>A Referrer-Policy; <c>no-referrer</c> unless set. Empty leaves the header out.</value>
    public string ReferrerPolicy { get; set; } = "no-referrer";

    /// <summary>The browser features that the page may use.</summary>
    /// <value>
    /// A Permissions-Policy; no camera, microphone, location or payment request unless set. Empty leaves the header
    /// out.
    /// </value>
    public string PermissionsPolicy { get; set; } = "camera=(), microphone=(), geolocation=(), payment=()";
}
