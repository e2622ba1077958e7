namespace Coach.Abstractions;

/// <summary>Places of a store that replicas share, and this process's own while it is away.</summary>
/// <remarks>
/// What the store grants is noted in this process too, so that when the store goes away it knows the sessions that
/// entered here: all replicas together then never hold more than their number times the limit. A use is told to the
/// store once in half a minute a session, not at every request.
/// </remarks>
public sealed class FallbackSessionPlaceStore : ISessionPlaceStore
{
    private const int MaxTold = 100_000;
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(30);

    private readonly ISessionPlaceStore _shared;
    private readonly ISessionPlaceStore _process;
    private readonly ExpiringCache<string, bool> _told;

    /// <summary>Joins both.</summary>
    /// <param name="shared">The store.</param>
    /// <param name="process">This process's own places.</param>
    /// <param name="time">The clock.</param>
    public FallbackSessionPlaceStore(ISessionPlaceStore shared, ISessionPlaceStore process, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(shared);
        ArgumentNullException.ThrowIfNull(process);
        ArgumentNullException.ThrowIfNull(time);
        (_shared, _process) = (shared, process);
        _told = new ExpiringCache<string, bool>(MaxTold, time, StringComparer.Ordinal) { Lifetime = Between };
    }

    /// <inheritdoc />
    public async ValueTask<SessionPlaceDecision> TryEnterAsync(
        SessionPlaceEntry entry, CancellationToken cancellationToken = default)
    {
        SessionPlaceDecision decision;
        try
        {
            decision = await _shared.TryEnterAsync(entry, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            return await _process.TryEnterAsync(entry, cancellationToken).ConfigureAwait(false);
        }

        if (decision.Leaving is { } leaving)
        {
            await _process.LeaveAsync(leaving, CancellationToken.None).ConfigureAwait(false);
        }

        if (decision.IsGranted)
        {
            await _process.TryEnterAsync(entry, CancellationToken.None).ConfigureAwait(false);
        }

        return decision;
    }

    /// <inheritdoc />
    public async ValueTask UseAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        await _process.UseAsync(session, cancellationToken).ConfigureAwait(false);
        if (_told.TryGet(session.Value, out _))
        {
            return;
        }

        _told.Set(session.Value, true);
        try
        {
            await _shared.UseAsync(session, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // The next use tells it.
        }
    }

    /// <inheritdoc />
    public async ValueTask LeaveAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        await _process.LeaveAsync(session, cancellationToken).ConfigureAwait(false);
        try
        {
            await _shared.LeaveAsync(session, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // Its place is free when nobody used it for its lifetime.
        }
    }
}
