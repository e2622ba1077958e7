using Coach.Abstractions;
using Coach.AspNetCore.Sessions;
using Coach.Payments;

namespace Coach.AspNetCore.Payments;

/// <summary>Whose links and tabs: the user's on every device where somebody is signed in, else the session's.</summary>
internal static class PaymentOwner
{
    /// <summary>The owner of what this caller makes.</summary>
    public static string Of(CallerContext caller) => CallerHandle.Of(caller) is { } user
        ? "user:" + user
        : caller.SessionId.Value;

    /// <summary>Whether the link is the caller's. What a session made before its user signed in is the user's too:
    /// nobody else can use that session any more.</summary>
    public static bool Owns(this CallerContext caller, PaymentLink? link) =>
        link is not null && (link.Owner == Of(caller) || link.Owner == caller.SessionId.Value);

    /// <summary>The owners whose links are the caller's.</summary>
    public static IEnumerable<string> AllOf(CallerContext caller) =>
        new[] { Of(caller), caller.SessionId.Value }.Distinct();

    /// <summary>The owner of a tab of the caller's: one that was opened before signing in stays where it is.</summary>
    public static async ValueTask<string> OfTabAsync(
        ITabs tabs, CallerContext caller, string id, CancellationToken cancellationToken)
    {
        string owner = Of(caller);
        string session = caller.SessionId.Value;
        bool isBegunBefore = owner != session
            && await tabs.FindAsync(owner, id, cancellationToken).ConfigureAwait(false) is null
            && await tabs.FindAsync(session, id, cancellationToken).ConfigureAwait(false) is not null;
        return isBegunBefore ? session : owner;
    }

    /// <summary>The request with what it may have been begun as: the session's own, before its user signed
    /// in.</summary>
    public static PaymentLinkRequest BegunBefore(CallerContext caller, PaymentLinkRequest request)
    {
        string session = caller.SessionId.Value;
        return request.Owner == session
            ? request
            : request with { BegunAs = request with { Owner = session } };
    }

    /// <summary>The caller's links, newest first.</summary>
    public static async Task<IReadOnlyList<PaymentLink>> ListAsync(
        IPaymentLinks links, CallerContext caller, int most, CancellationToken cancellationToken)
    {
        var own = new List<PaymentLink>();
        foreach (string owner in AllOf(caller))
        {
            own.AddRange(await links.ListByOwnerAsync(owner, most, cancellationToken).ConfigureAwait(false));
        }

        return [.. own.OrderByDescending(link => link.CreatedAt).Take(most)];
    }
}
