using Coach.Abstractions;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.AspNetCore.Sessions;

/// <summary>
/// Keeps a session to the person who uses it. A browser's cookie outlives who is signed in: without this the next one
/// at the same browser would chat with the keys that the last one entered.
/// </summary>
/// <remarks>
/// A session that began before signing in goes on as the user's. From then on it is nobody else's, whatever ticket of
/// it is shown: of a page's requests that cross, each gets a ticket with the owner's name in it.
/// </remarks>
internal sealed class SessionOwners(
    SessionTickets tickets, IRevokedSessionStore marks, ICallerResolver callers, IServiceProvider services)
{
    private readonly IAuthenticationSchemeProvider? _schemes = services.GetService<IAuthenticationSchemeProvider>();

    // Who has no users need not ask the store whether a session has an owner.
    private bool HasUsers => _schemes is not null || callers is not ClaimsCallerResolver;

    /// <summary>The name of the user who asks; null where nobody is signed in.</summary>
    public async ValueTask<string?> FindAsync(HttpContext context, SessionId session)
    {
        // Whichever of the host's UseAuthentication and UseCoach comes first.
        if (_schemes is not null && context.Features.Get<IAuthenticateResultFeature>() is null
            && await _schemes.GetDefaultAuthenticateSchemeAsync().ConfigureAwait(false) is { } scheme)
        {
            AuthenticateResult result = await context.AuthenticateAsync(scheme.Name).ConfigureAwait(false);
            context.User = result.Succeeded ? result.Principal : context.User;
        }

        CallerContext caller =
            await callers.ResolveAsync(context, session, context.RequestAborted).ConfigureAwait(false);
        return CallerHandle.Of(caller);
    }

    /// <summary>The ticket to go on with; null when the session is somebody else's.</summary>
    public async ValueTask<SessionTicket?> ClaimAsync(
        SessionTicket ticket, string? owner, CancellationToken cancellationToken)
    {
        if (ticket.Owner is not null)
        {
            return ticket.Owner == owner ? ticket : null;
        }

        if (owner is null && !HasUsers)
        {
            return ticket;
        }

        if (await marks.IsRevokedAsync(MarkOf(ticket), cancellationToken).ConfigureAwait(false))
        {
            bool isOwners = owner is not null
                && await marks.IsRevokedAsync(MarkOf(ticket, owner), cancellationToken).ConfigureAwait(false);
            return isOwners ? tickets.Bind(ticket, owner!) : null;
        }

        if (owner is null)
        {
            return ticket;
        }

        // The owner's mark first: a request that crosses finds itself let in.
        await marks.RevokeAsync(MarkOf(ticket, owner), ticket.Expires, CancellationToken.None).ConfigureAwait(false);
        await marks.RevokeAsync(MarkOf(ticket), ticket.Expires, CancellationToken.None).ConfigureAwait(false);
        return tickets.Bind(ticket, owner);
    }

    private static SessionId MarkOf(SessionTicket ticket) => SessionId.From("owned:" + ticket.Session.Value);

    private static SessionId MarkOf(SessionTicket ticket, string owner) =>
        SessionId.From($"owned:{ticket.Session.Value}:{owner}");
}
