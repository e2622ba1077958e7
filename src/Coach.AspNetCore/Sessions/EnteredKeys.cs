using Coach.Abstractions;
using Coach.Llm;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Sessions;

/// <summary>Keeps the keys that a session's person entered, and takes them out again.</summary>
internal sealed class EnteredKeys(
    ISessionKeyStore keys,
    ISessionClientRegistry clients,
    SessionKeyWatch watch,
    IRevokedSessionStore revoked,
    SessionRenewal renewal)
{
    /// <summary>Keeps a key under a new ticket; false when the session was ended meanwhile.</summary>
    /// <remarks>
    /// The caller may leave now: a key that is stored must not outlive a session that was ended while it was checked.
    /// Whoever ends a session says so before removing its keys, so either this sees it or that removes the key.
    /// </remarks>
    public async Task<bool> KeepAsync(HttpContext context, ApiKey key)
    {
        // The old ticket ends before it could be worth a key, whatever fails then.
        SessionId session = context.GetCoachSession().Id;
        await renewal.RenewAsync(context).ConfigureAwait(false);
        await keys.SetAsync(session, key, CancellationToken.None).ConfigureAwait(false);
        watch.Clear(session, key);

        // A key that was replaced serves the answers that run; its client goes with the last of them.
        await clients.RemoveAsync(session, key.Provider, CancellationToken.None).ConfigureAwait(false);
        if (!await revoked.IsRevokedAsync(session, CancellationToken.None).ConfigureAwait(false))
        {
            return true;
        }

        await keys.RemoveAsync(session, CancellationToken.None).ConfigureAwait(false);
        return false;
    }

    /// <summary>Takes a provider's key out, and the clients that were made with it.</summary>
    public async Task RemoveAsync(HttpContext context, string provider)
    {
        SessionId session = context.GetCoachSession().Id;
        await keys.RemoveAsync(session, provider, context.RequestAborted).ConfigureAwait(false);
        await clients.RemoveAsync(session, provider, context.RequestAborted).ConfigureAwait(false);
    }
}
