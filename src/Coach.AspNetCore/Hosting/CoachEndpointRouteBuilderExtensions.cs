using Coach.AspNetCore;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>The endpoints of the HTTP contract; see docs/guides/http-api.md.</summary>
public static class CoachEndpointRouteBuilderExtensions
{
    /// <summary>Maps all of them: sessions, chat, payments, metrics and health.</summary>
    /// <param name="endpoints">The application.</param>
    /// <returns>The same application.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointRouteBuilder MapCoach(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapCoachSession();
        endpoints.MapCoachChat();
        endpoints.MapCoachPayments();
        endpoints.MapCoachMetrics();
        endpoints.MapCoachHealth();
        return endpoints;
    }

    /// <summary>Maps <c>GET</c> and <c>DELETE</c> on the pattern, and keys under <c>/keys</c>.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/session</c> unless given.</param>
    /// <returns>The conventions of these endpoints.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachSession(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/session")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        group.MapGet(pattern, On<SessionEndpoints>((handler, context) => handler.ShowAsync(context)));
        group.MapDelete(pattern, On<SessionEndpoints>((handler, context) => handler.EndAsync(context)));
        group.MapPost(pattern + "/keys", On<SessionEndpoints>((handler, context) => handler.AddKeyAsync(context)));
        group.MapDelete(
            pattern + "/keys/{provider}", On<SessionEndpoints>((handler, context) => handler.RemoveKeyAsync(context)));
        return group.WithCoachSession();
    }

    /// <summary>
    /// Maps <c>POST</c> on the pattern (a question in, a stream of server-sent events out) and <c>DELETE</c> (forgets
    /// the conversation).
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/chat</c> unless given.</param>
    /// <returns>The conventions of this endpoint.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachChat(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/chat")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        group.MapPost(pattern, On<ChatEndpoint>((handler, context) => handler.AskAsync(context)));
        group.MapDelete(pattern, On<ChatEndpoint>((handler, context) => handler.ForgetAsync(context)));
        return group.WithCoachSession();
    }

    /// <summary>
    /// Maps <c>/links</c>, <c>/links/{id}</c> and <c>/webhook</c> under the pattern. The webhook needs no session.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/payments</c> unless given.</param>
    /// <returns>The conventions of these endpoints.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachPayments(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/payments")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        group.MapPost(pattern + "/links", On<PaymentEndpoints>((handler, context) => handler.CreateAsync(context)))
            .WithCoachSession();
        group.MapGet(pattern + "/links/{id}", On<PaymentEndpoints>((handler, context) => handler.ShowAsync(context)))
            .WithCoachSession();
        group.MapDelete(
            pattern + "/links/{id}", On<PaymentEndpoints>((handler, context) => handler.DeactivateAsync(context)))
            .WithCoachSession();
        group.MapPost(pattern + "/webhook", On<PaymentEndpoints>((handler, context) => handler.ReceiveAsync(context)));
        return group;
    }

    /// <summary>
    /// Gives an endpoint of the host a Coach session: the same-origin check, the cookie, and the session's rate limit.
    /// </summary>
    /// <typeparam name="TBuilder">The kind of convention builder.</typeparam>
    /// <param name="builder">The endpoint or group.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static TBuilder WithCoachSession<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder =>
            builder.WithMetadata(SessionMetadata.Instance, CoachApiMetadata.Instance);

    // Found at the first request, not while mapping: wrong settings are then reported by the start-up checks, all
    // together.
    private static RequestDelegate On<THandler>(Func<THandler, HttpContext, Task> handle)
        where THandler : notnull => context => handle(context.RequestServices.GetRequiredService<THandler>(), context);

    // The group has no pattern of its own: a group's pattern and an empty one make a route, and so a metric's label,
    // with a slash at the end.
    private static RouteGroupBuilder Group(IEndpointRouteBuilder endpoints, ref string pattern)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);
        pattern = pattern.TrimEnd('/');
        return endpoints.MapGroup("").WithMetadata(CoachApiMetadata.Instance);
    }
}
