using Coach.Abstractions;
using Memo.Configuration;
using Memo.People;

namespace Memo.Http;

/// <summary>Who may call an endpoint.</summary>
internal static class Access
{
    public static Caller Caller(this HttpContext context) => (Caller)context.Items[typeof(Caller)]!;

    /// <summary>Asks for somebody who logged in.</summary>
    public static RouteGroupBuilder ForUsers(this RouteGroupBuilder group) => group.AddEndpointFilter(
        async (invocation, next) => invocation.HttpContext.Items[typeof(Caller)] is null
            ? LoginFirst()
            : await next(invocation).ConfigureAwait(false));

    /// <summary>Asks for an admin, and counts what admins do.</summary>
    public static RouteGroupBuilder ForAdmins(this RouteGroupBuilder group) => group.AddEndpointFilter(
        async (invocation, next) =>
        {
            HttpContext context = invocation.HttpContext;
            if (context.Items[typeof(Caller)] is not Caller caller)
            {
                return LoginFirst();
            }

            if (!caller.IsAdmin)
            {
                return new MemoProblem(
                    StatusCodes.Status403Forbidden, MemoProblem.AdminRequired, "Only admins may do this.");
            }

            var limits = context.RequestServices.GetRequiredService<HourlyLimits>();
            var settings = context.RequestServices.GetRequiredService<SettingsStore>();
            RateDecision decision = limits.Take($"admin:{caller.Id}", settings.Current.Auth.AdminPerHour);
            GatekeeperMiddleware.Show(context, decision);
            return decision.IsGranted
                ? await next(invocation).ConfigureAwait(false)
                : MemoProblem.TooMany(
                    $"More than {decision.Limit} admin operations in an hour. Wait, then go on.", decision.Reset);
        });

    public static MemoProblem LoginFirst() => new(
        StatusCodes.Status401Unauthorized, ErrorCodes.SessionRequired,
        "Log in first: POST /api/v1/auth/login, or send a token of /api/v1/auth/token.");
}
