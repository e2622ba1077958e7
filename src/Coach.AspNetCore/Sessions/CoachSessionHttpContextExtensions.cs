using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore;

/// <summary>Reads the session that <c>UseCoach</c> attached to the request.</summary>
public static class CoachSessionHttpContextExtensions
{
    /// <summary>The request's session: the cookie's, or a new one.</summary>
    /// <param name="context">The request.</param>
    /// <returns>The session.</returns>
    /// <exception cref="InvalidOperationException">
    /// The endpoint was not mapped by Coach and did not call <c>WithCoachSession</c>.
    /// </exception>
    public static CoachSession GetCoachSession(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<CoachSession>() ?? throw new InvalidOperationException(
            "This request has no Coach session. Call app.UseCoach() before the endpoints and WithCoachSession() on "
            + "this one.");
    }
}
