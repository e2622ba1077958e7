using Coach.Abstractions;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Sessions;

/// <summary>The caller of a request of a session's.</summary>
internal static class CallerResolverExtensions
{
    public static ValueTask<CallerContext> ResolveAsync(this ICallerResolver callers, HttpContext context) =>
        callers.ResolveAsync(context, context.GetCoachSession().Id, context.RequestAborted);
}
