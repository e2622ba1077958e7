using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.Llm;
using Coach.Usage;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Sessions;

/// <summary>Keeps the keys that a session's person entered, and takes them out again.</summary>
internal sealed class EnteredKeys(
    ISessionKeyStore keys,
    ISessionClientRegistry clients,
    SessionKeyWatch watch,
    IRevokedSessionStore revoked,
    SessionRenewal renewal,
    SessionPlaces places,
    KeyAudit audit)
{
    /// <summary>Keeps a key under a new ticket; a problem when there is no place, or no session any more.</summary>
    /// <remarks>
    /// The caller may leave now: a key that is stored must not outlive a session that was ended while it was checked.
    /// Whoever ends a session says so before removing its keys, so either this sees it or that removes the key.
    /// </remarks>
    public async Task<CoachProblem?> KeepAsync(
        HttpContext context, ApiKey key, IReadOnlyList<KeyModel> models)
    {
        // A session makes room with all that it has.
        SessionPlaceDecision place = await places.TryEnterAsync(
            context.GetCoachSession().Id, ClientNetwork.Of(context.Connection.RemoteIpAddress), key.Fingerprint)
            .ConfigureAwait(false);
        if (!place.IsGranted)
        {
            return TooMany();
        }

        if (place.Leaving is { } leaving)
        {
            await keys.RemoveAsync(leaving, CancellationToken.None).ConfigureAwait(false);
            await clients.RemoveAsync(leaving, CancellationToken.None).ConfigureAwait(false);
        }

        // The old ticket ends before it could be worth a key, whatever fails then.
        SessionId session = context.GetCoachSession().Id;
        await renewal.RenewAsync(context).ConfigureAwait(false);
        ApiKey? before = await keys.GetAsync(session, key.Provider, CancellationToken.None).ConfigureAwait(false);
        await keys.SetAsync(session, key, CancellationToken.None).ConfigureAwait(false);
        watch.Clear(session, key);
        watch.SetModels(session, key, models);
        bool isRotated = before is not null && before.Fingerprint != key.Fingerprint;
        await audit.AppendAsync(
            session, isRotated ? AuditEventKind.KeyRotated : AuditEventKind.KeyEntered, key.Provider, key.Fingerprint)
            .ConfigureAwait(false);

        // A key that was replaced serves the answers that run; its client goes with the last of them.
        await clients.RemoveAsync(session, key.Provider, CancellationToken.None).ConfigureAwait(false);
        if (!await revoked.IsRevokedAsync(session, CancellationToken.None).ConfigureAwait(false))
        {
            return null;
        }

        await keys.RemoveAsync(session, CancellationToken.None).ConfigureAwait(false);
        return Ended();
    }

    private static CoachProblem TooMany() => new(
        ProblemStatus.Of(ErrorCodes.SessionLimit),
        ErrorCodes.SessionLimit,
        "Too many sessions of this address, or with this key, are in use. Try again when one of them has ended.")
    {
        RetryAfter = TimeSpan.FromSeconds(60),
    };

    private static CoachProblem Ended() => new(
        ProblemStatus.Of(ErrorCodes.SessionRequired),
        ErrorCodes.SessionRequired,
        "The session was ended while the key was checked, so the key was not kept. Enter it again in a new session.");

    /// <summary>Takes a provider's key out, and the clients that were made with it.</summary>
    public async Task RemoveAsync(HttpContext context, string provider)
    {
        SessionId session = context.GetCoachSession().Id;
        await keys.RemoveAsync(session, provider, context.RequestAborted).ConfigureAwait(false);
        await clients.RemoveAsync(session, provider, context.RequestAborted).ConfigureAwait(false);
        await audit.AppendAsync(session, AuditEventKind.KeyRemoved, provider, "").ConfigureAwait(false);
    }
}
