using System.Diagnostics.CodeAnalysis;
using Coach.AspNetCore;
using Coach.AspNetCore.Callers;
using Coach.AspNetCore.Chat;
using Coach.AspNetCore.Credits;
using Coach.AspNetCore.Hosting;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Knowledge;
using Coach.AspNetCore.Middleware;
using Coach.AspNetCore.Page;
using Coach.AspNetCore.Payments;
using Coach.AspNetCore.Sessions;
using Coach.AspNetCore.Speech;
using Coach.AspNetCore.Usage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.Builder;

/// <summary>The endpoints of the HTTP contract; see docs/guides/http-api.md.</summary>
public static class CoachEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps all of them: sessions, chat, conversations, feedback, documents, payments, metrics and health; speech if
    /// <c>Coach:Speech:Enabled</c> is set, and what changes documents if <c>Coach:Knowledge:AllowEditing</c> is.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <returns>The same application.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointRouteBuilder MapCoach(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        endpoints.MapCoachSession();
        endpoints.MapCoachChat();
        endpoints.MapCoachConversations();
        endpoints.MapCoachCallerData();
        endpoints.MapCoachFeedback();
        endpoints.MapCoachRetrieve();
        endpoints.MapCoachKnowledge();
        if (IsOn<CoachKnowledgeOptions>(endpoints, static options => options.AllowEditing))
        {
            endpoints.MapCoachKnowledgeEditing();
        }

        endpoints.MapCoachConfig();
        if (IsOn<CoachSpeechOptions>(endpoints, static options => options.Enabled))
        {
            endpoints.MapCoachSpeech();
        }

        endpoints.MapCoachPayments();
        endpoints.MapCoachUsage();
        if (endpoints.ServiceProvider.GetService<CreditEndpoints>() is not null)
        {
            endpoints.MapCoachCredits();
        }

        endpoints.MapCoachProblems();
        endpoints.MapCoachMetrics().WithCoachOperations();
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
        SessionEndpoints.Map(group, pattern);
        return group.WithCoachSession();
    }

    /// <summary>
    /// Maps <c>POST</c> on the pattern (a question in, a stream of server-sent events out), <c>GET</c> (shows the
    /// conversation) and <c>DELETE</c> (forgets it).
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/chat</c> unless given.</param>
    /// <returns>The conventions of this endpoint.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachChat(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/chat")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        ChatEndpoint.Map(group, pattern);
        return group.WithCoachSession();
    }

    /// <summary>
    /// Maps <c>GET</c> on the pattern (the caller's conversations) and <c>PATCH</c> (renames), <c>DELETE</c> (forgets)
    /// and <c>GET …/export</c> with a conversation's id behind it.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/conversations</c> unless given.</param>
    /// <returns>The conventions of these endpoints.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachConversations(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/conversations")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        ConversationEndpoints.Map(group, pattern);
        return group.WithCoachSession();
    }

    /// <summary>
    /// Maps <c>GET …/export</c> (all that is kept of the caller) and <c>DELETE</c> on the pattern (erases it).
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/caller</c> unless given.</param>
    /// <returns>The conventions of these endpoints.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachCallerData(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/caller")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        CallerDataEndpoints.Map(group, pattern);
        return group.WithCoachSession();
    }

    /// <summary>
    /// Maps <c>POST</c> on the pattern: whether an answer was good, with a note, into the log of feedback.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/feedback</c> unless given.</param>
    /// <returns>The conventions of this endpoint.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachFeedback(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/feedback")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        FeedbackEndpoint.Map(group, pattern);
        return group.WithCoachSession();
    }

    /// <summary>
    /// Maps <c>GET</c> on the pattern: what became of the documents (read, left out, failed), each with its reason.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/knowledge</c> unless given.</param>
    /// <returns>The conventions of this endpoint.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachKnowledge(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/knowledge")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        KnowledgeEndpoints.MapAccount(group, pattern);
        return group.WithCoachSession();
    }

    /// <summary>
    /// Maps what changes the documents: <c>POST</c> on the pattern takes files, and <c>GET</c> (the passages) and
    /// <c>DELETE</c> one document by its id. <c>MapCoach</c> does not: everybody who asks would be answered from what
    /// somebody added. Give it a policy (<c>RequireAuthorization</c>) unless all who reach the host may do so.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/knowledge</c> unless given.</param>
    /// <returns>The conventions of these endpoints.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachKnowledgeEditing(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/knowledge")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        KnowledgeEndpoints.MapEditing(group, pattern);
        return group.WithCoachSession();
    }

    /// <summary>
    /// Maps <c>POST</c> on the pattern: a question in, passages of the documents out, with what each method gave them.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/retrieve</c> unless given.</param>
    /// <returns>The conventions of this endpoint.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachRetrieve(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/retrieve")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        RetrieveEndpoint.Map(group, pattern);
        return group.WithCoachSession();
    }

    /// <summary>
    /// Maps <c>GET</c> on the pattern: mode, providers, limits and features, for a page to show the right things.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/config</c> unless given.</param>
    /// <returns>The conventions of this endpoint.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachConfig(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/config")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        ConfigEndpoint.Map(group, pattern);
        return group.WithCoachSession();
    }

    /// <summary>
    /// Maps <c>POST</c> on the pattern: a text in, its sound out, with the session's key of the speech provider.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/speech</c> unless given.</param>
    /// <returns>The conventions of this endpoint.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachSpeech(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/speech")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        SpeechEndpoint.Map(group, pattern);
        return group.WithCoachSession();
    }

    /// <summary>
    /// Maps <c>/links</c>, <c>/links/{id}</c>, <c>/links/{id}/payments</c>, <c>/menu</c>, <c>/tabs/{id}</c> with
    /// <c>/lines</c> and <c>/tip</c>, the pages of simulated links and <c>/webhook</c> under the pattern. The webhook
    /// needs no session.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/payments</c> unless given.</param>
    /// <returns>The conventions of these endpoints.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachPayments(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/payments")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        RouteGroupBuilder links = group.MapGroup("").WithCoachSession()
            .WithMetadata(new SimulatedPagePath(pattern + "/simulated"));
        PaymentEndpoints.Map(links, pattern + "/links");
        TabEndpoints.Map(links, pattern);
        SimulatedPage.Map(links, pattern + "/simulated");
        WebhookEndpoint.Map(group, pattern + "/webhook");
        return group;
    }

    /// <summary>
    /// Maps what a seller looks at: <c>GET /open</c> (links that can still be paid, with their age), <c>/report</c>
    /// (by day; <c>from</c> and <c>to</c> as <c>2026-11-01</c>), <c>/payments.csv</c>, <c>/facts/dead</c>, and
    /// <c>POST /facts/dead/{id}/replay</c>. Lists come in pages: <c>limit</c> (1 to 1,000; 100 unless given) and
    /// <c>after</c>, the <c>next</c> of the page before. It shows every session's payments: it needs a policy of the
    /// host's.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="policy">The authorization policy that who looks must meet.</param>
    /// <param name="pattern">Where; <c>/api/admin/payments</c> unless given.</param>
    /// <returns>The conventions of these endpoints.</returns>
    /// <exception cref="ArgumentException"><paramref name="policy"/> is null or empty.</exception>
    public static IEndpointConventionBuilder MapCoachPaymentsAdmin(
        this IEndpointRouteBuilder endpoints, string policy, string pattern = "/api/admin/payments")
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(policy);
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        PaymentAdminEndpoints.Map(group, pattern);
        return group.RequireAuthorization(policy);
    }

    /// <summary>
    /// Maps <c>GET</c> on the pattern: what this caller used by day and model, the limits and the balance; and
    /// <c>/export</c>: the entries behind it (<c>format=csv</c> or <c>jsonl</c>). <c>from</c> and <c>to</c> are days as
    /// <c>2026-11-01</c>.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/usage</c> unless given.</param>
    /// <returns>The conventions of these endpoints.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachUsage(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/usage")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        UsageEndpoints.Map(group, pattern);
        return group.WithCoachSession();
    }

    /// <summary>
    /// Maps <c>GET</c> on the pattern: everybody's usage by day and model, and the credits that are out; and
    /// <c>/verify</c>: whether ledger and audit log are whole. It needs a policy of the host's.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="policy">The authorization policy that who looks must meet.</param>
    /// <param name="pattern">Where; <c>/api/admin/usage</c> unless given.</param>
    /// <returns>The conventions of these endpoints.</returns>
    /// <exception cref="ArgumentException"><paramref name="policy"/> is null or empty.</exception>
    public static IEndpointConventionBuilder MapCoachUsageAdmin(
        this IEndpointRouteBuilder endpoints, string policy, string pattern = "/api/admin/usage")
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(policy);
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        UsageAdminEndpoints.Map(group, pattern);
        return group.RequireAuthorization(policy);
    }

    /// <summary>
    /// Maps <c>GET</c> on the pattern (balance, price a turn, packs) and <c>POST /links</c> under it (a payment link
    /// for a pack, header <c>Idempotency-Key</c>, body <c>{"pack"}</c>). <c>MapCoach</c> does so after
    /// <c>AddCredits</c>.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/api/credits</c> unless given.</param>
    /// <returns>The conventions of these endpoints.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachCredits(
        this IEndpointRouteBuilder endpoints, string pattern = "/api/credits")
    {
        RouteGroupBuilder group = Group(endpoints, ref pattern);
        CreditEndpoints.Map(group, pattern);
        return group.WithCoachSession().WithMetadata(new SimulatedPagePath("/api/payments/simulated"));
    }

    /// <summary>
    /// Maps <c>GET</c> on the pattern with a code behind it: a page that says what the code means and what to do. The
    /// <c>type</c> of every problem then leads there.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/problems</c> unless given.</param>
    /// <returns>The conventions of this endpoint.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="endpoints"/> is null.</exception>
    public static IEndpointConventionBuilder MapCoachProblems(
        this IEndpointRouteBuilder endpoints, string pattern = "/problems")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);
        pattern = pattern.TrimEnd('/');
        endpoints.ServiceProvider.GetRequiredService<ProblemPages>().ServeAt(pattern);
        return endpoints.MapGet(pattern + "/{code}", static (string code) => ProblemPages.Show(code))
            .WithMetadata(CoachApiMetadata.Instance)
            .ExcludeFromDescription();
    }

    /// <summary>
    /// Maps Coach's own page, which the package carries: the chat with its sources, keys, documents, tab and credits,
    /// over the endpoints of <c>MapCoach</c>. Its HTML is asked for again each time; what it refers to stands under a
    /// folder named by its fingerprint and is kept for a year, compressed where the browser takes that.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">Where; <c>/</c> unless given. A path base of the host's comes before it.</param>
    /// <returns>The conventions of the page's endpoints.</returns>
    /// <remarks>
    /// <c>Coach:Page</c> sets its title and suggested questions. It calls <c>/api</c> of the same host; a host with a
    /// page of its own calls <c>UseCoachPage</c> instead.
    /// </remarks>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public static IEndpointConventionBuilder MapCoachPage(this IEndpointRouteBuilder endpoints, string pattern = "/")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);
        pattern = pattern.Trim('/') is { Length: > 0 } inner ? "/" + inner : "";
        RouteGroupBuilder group = endpoints.MapGroup("");
        if (IsOn<CoachPageOptions>(endpoints, static _ => true))
        {
            endpoints.ServiceProvider.GetRequiredService<PageEndpoints>().Map(group, pattern);
        }

        return group.ExcludeFromDescription();
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
        builder.RequireCors(CoachCors.PolicyName).WithMetadata(SessionMetadata.Instance, CoachApiMetadata.Instance);

    /// <summary>
    /// Keeps an endpoint for those who run the host: it answers on the port <c>Coach:Observability:Port</c>; where none
    /// is set, only callers on this machine that came through no proxy; everyone else 404. <c>MapCoach</c> does so with
    /// the metrics page.
    /// </summary>
    /// <typeparam name="TBuilder">The kind of convention builder.</typeparam>
    /// <param name="builder">The endpoint or group.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static TBuilder WithCoachOperations<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Finally(endpoint =>
        {
            endpoint.Metadata.Add(QuietRequests.Instance);
            RequestDelegate? inner = endpoint.RequestDelegate;
            if (inner is not null)
            {
                endpoint.RequestDelegate = context =>
                    OperationsAccess.IsAllowed(context) ? inner(context) : Hide(context);
            }
        });
        return builder.WithMetadata(
            OperationsMetadata.Instance,
            new ProducesResponseTypeMetadata(StatusCodes.Status404NotFound, typeof(void), [])
            {
                Description = "the caller may not see it",
            });
    }

    private static Task Hide(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    // What is wrong with options is said when the host starts, with all else that is wrong.
    private static bool IsOn<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] TOptions>(
        IEndpointRouteBuilder endpoints, Func<TOptions, bool> flag)
        where TOptions : class
    {
        try
        {
            return flag(endpoints.ServiceProvider.GetRequiredService<IOptions<TOptions>>().Value);
        }
        catch (Exception exception) when (exception is OptionsValidationException or InvalidOperationException)
        {
            return false;
        }
    }

    // The group has no pattern of its own: a group's pattern and an empty one make a route, and so a metric's label,
    // with a slash at the end.
    private static RouteGroupBuilder Group(IEndpointRouteBuilder endpoints, ref string pattern)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);
        pattern = pattern.TrimEnd('/');
        RouteGroupBuilder group = endpoints.MapGroup("").WithMetadata(CoachApiMetadata.Instance);
        return group.AddEndpointFilter(static (call, next) =>
        {
            call.HttpContext.Response.Headers.CacheControl = "no-store";
            return next(call);
        });
    }
}
