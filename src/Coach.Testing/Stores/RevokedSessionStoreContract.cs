using Coach.Abstractions;
using Coach.Testing.Stores;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="IRevokedSessionStore"/> must do: one test per name of <see cref="Names"/> that calls
/// <see cref="RunAsync"/>.
/// </summary>
public static class RevokedSessionStoreContract
{
    private static readonly ContractSuite<IRevokedSessionStore> Suite = new(new(StringComparer.Ordinal)
    {
        ["Revoke_ASession_MarksItAlone"] = MarksAsync,
        ["Mark_IsForgottenWhenItsTimeIsOver"] = ForgetsAsync,
        ["Revoke_Again_KeepsTheLaterTime"] = LaterAsync,
    });

    /// <summary>The names of the checks.</summary>
    public static IReadOnlyList<string> Names => Suite.Names;

    /// <summary>Runs one check.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="store">The store; what it holds already does not matter, the check's names are random.</param>
    /// <param name="advance">Lets the store's clock pass by that much.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>A task that ends when the check passed.</returns>
    /// <exception cref="ArgumentException">There is no such check.</exception>
    /// <exception cref="InvalidOperationException">The store broke the contract; the message says how.</exception>
    public static Task RunAsync(
        string name, IRevokedSessionStore store, Func<TimeSpan, Task> advance,
        CancellationToken cancellationToken = default) =>
        Suite.RunAsync(name, store, advance, cancellationToken);

    private static async Task MarksAsync(
        IRevokedSessionStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        SessionId ended = SessionId.From(Contract.Tag());
        SessionId other = SessionId.From(Contract.Tag());
        Contract.Holds(
            !await store.IsRevokedAsync(ended, cancellationToken).ConfigureAwait(false),
            "a session that nobody ended is not marked");
        await store.RevokeAsync(ended, DateTimeOffset.MaxValue, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await store.IsRevokedAsync(ended, cancellationToken).ConfigureAwait(false), "an ended session is marked");
        Contract.Holds(
            !await store.IsRevokedAsync(other, cancellationToken).ConfigureAwait(false), "another session is not");
    }

    private static async Task ForgetsAsync(
        IRevokedSessionStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        SessionId ended = SessionId.From(Contract.Tag());
        DateTimeOffset now = await NowAsync(store, advance, cancellationToken).ConfigureAwait(false);
        await store.RevokeAsync(ended, now + TimeSpan.FromHours(1), cancellationToken).ConfigureAwait(false);
        await advance(TimeSpan.FromMinutes(59)).ConfigureAwait(false);
        Contract.Holds(
            await store.IsRevokedAsync(ended, cancellationToken).ConfigureAwait(false),
            "the mark stands until its time");
        await advance(TimeSpan.FromMinutes(2)).ConfigureAwait(false);
        Contract.Holds(
            !await store.IsRevokedAsync(ended, cancellationToken).ConfigureAwait(false), "the mark ends with its time");
    }

    private static async Task LaterAsync(
        IRevokedSessionStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        SessionId ended = SessionId.From(Contract.Tag());
        DateTimeOffset now = await NowAsync(store, advance, cancellationToken).ConfigureAwait(false);
        await store.RevokeAsync(ended, now + TimeSpan.FromHours(2), cancellationToken).ConfigureAwait(false);
        await store.RevokeAsync(ended, now + TimeSpan.FromHours(1), cancellationToken).ConfigureAwait(false);
        await advance(TimeSpan.FromMinutes(90)).ConfigureAwait(false);
        Contract.Holds(
            await store.IsRevokedAsync(ended, cancellationToken).ConfigureAwait(false), "the later time holds");
    }

    // A store has its own clock: the moment is found by halving the time until which a mark is still kept.
    private static async Task<DateTimeOffset> NowAsync(
        IRevokedSessionStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        long low = new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero).UtcTicks;
        long high = new DateTimeOffset(2200, 1, 1, 0, 0, 0, TimeSpan.Zero).UtcTicks;
        while (high - low > TimeSpan.TicksPerMinute / 2)
        {
            long middle = low + ((high - low) / 2);
            SessionId probe = SessionId.From(Contract.Tag());
            await store.RevokeAsync(probe, new DateTimeOffset(middle, TimeSpan.Zero), cancellationToken)
                .ConfigureAwait(false);
            bool isKept = await store.IsRevokedAsync(probe, cancellationToken).ConfigureAwait(false);
            (low, high) = isKept ? (low, middle) : (middle, high);
        }

        return new DateTimeOffset(high, TimeSpan.Zero);
    }
}
