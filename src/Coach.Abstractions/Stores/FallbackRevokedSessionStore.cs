namespace Coach.Abstractions;

/// <summary>Ended sessions of a store that replicas share, and what holds while it is away.</summary>
/// <remarks>
/// To end a session always needs the store: an end that only this process knew would be none. To ask is another matter:
/// what the host keeps for sessions elsewhere decides whether an ended one could still do harm.
/// </remarks>
/// <param name="shared">The store.</param>
/// <param name="process">What this process knows: the ends that it made or saw.</param>
/// <param name="policy">What holds while the store throws <see cref="StoreException"/>.</param>
public sealed class FallbackRevokedSessionStore(
    IRevokedSessionStore shared, IRevokedSessionStore process, StoreFailurePolicy policy) : IRevokedSessionStore
{
    /// <inheritdoc />
    public async ValueTask RevokeAsync(
        SessionId session, DateTimeOffset until, CancellationToken cancellationToken = default)
    {
        await process.RevokeAsync(session, until, cancellationToken).ConfigureAwait(false);
        await shared.RevokeAsync(session, until, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask<bool> IsRevokedAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        try
        {
            return await shared.IsRevokedAsync(session, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException) when (policy != StoreFailurePolicy.FailClosed)
        {
            return policy == StoreFailurePolicy.FallBackToProcess
                && await process.IsRevokedAsync(session, cancellationToken).ConfigureAwait(false);
        }
    }
}
