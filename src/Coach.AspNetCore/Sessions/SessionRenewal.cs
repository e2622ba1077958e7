using Coach.Abstractions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Sessions;

/// <summary>
/// Gives a session a new ticket when it becomes worth more, and ends the old one: whoever knew or planted the cookie
/// from before has nothing of the key (session fixation).
/// </summary>
/// <remarks>
/// A page's requests cross the renewal. Those that had begun finish; one that comes just afterwards with the old ticket
/// and only reads is answered as a new session of which the browser is not told, or it would lose the one it has. What
/// would change something is refused: it would be kept for a session that nobody can reach.
/// The mark of a crossing lies with the ended sessions, so that every replica knows of it.
/// </remarks>
internal sealed class SessionRenewal(
    SessionTickets tickets, IRevokedSessionStore revoked, IOptions<CoachSessionOptions> options, TimeProvider time)
{
    private static readonly TimeSpan Crossing = TimeSpan.FromSeconds(30);

    /// <summary>Whether the ticket was replaced within the last half minute.</summary>
    public ValueTask<bool> IsJustReplacedAsync(SessionTicket ticket, CancellationToken cancellationToken) =>
        revoked.IsRevokedAsync(CrossingOf(ticket), cancellationToken);

    /// <summary>Replaces the request's ticket. The cookie is set even if the answer is a failure.</summary>
    public async Task RenewAsync(HttpContext context)
    {
        // A session that began with this request has a ticket that nobody else can know.
        if (context.GetCoachSession() is not { Ticket: { } old, IsNew: false } session)
        {
            return;
        }

        SessionTicket renewed = tickets.Renew(old);
        await revoked.RevokeAsync(CrossingOf(old), time.GetUtcNow() + Crossing, CancellationToken.None)
            .ConfigureAwait(false);
        await revoked.RevokeAsync(old.Id, old.Expires, CancellationToken.None).ConfigureAwait(false);
        session.Ticket = renewed;
        AppendAtTheEnd(context, renewed.CookieValue);
    }

    private static SessionId CrossingOf(SessionTicket ticket) => SessionId.From("crossing:" + ticket.Id.Value);

    // Not before: an error page clears the headers.
    public void AppendAtTheEnd(HttpContext context, string value) => context.Response.OnStarting(() =>
    {
        if (!SessionCookie.IsSet(context, options.Value.CookieName))
        {
            SessionCookie.Append(context, options.Value.CookieName, value);
        }

        return Task.CompletedTask;
    });
}
