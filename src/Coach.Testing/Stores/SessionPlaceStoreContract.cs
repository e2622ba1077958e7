using Coach.Abstractions;
using Coach.Testing.Stores;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="ISessionPlaceStore"/> must do: one test per name of <see cref="Names"/> that calls
/// <see cref="RunAsync"/>. The store must hold nothing before.
/// </summary>
public static class SessionPlaceStoreContract
{
    private static readonly TimeSpan Idle = TimeSpan.FromMinutes(5);

    private static readonly ContractSuite<ISessionPlaceStore> Suite = new(new(StringComparer.Ordinal)
    {
        ["Enter_UpToAllPlaces_AndNoFurther"] = MaximumAsync,
        ["Enter_OneAddress_TakesNoMoreThanItsShare"] = NetworkAsync,
        ["Enter_OneKey_TakesNoMoreThanItsShare"] = KeyAsync,
        ["Enter_AnIdleSession_MakesRoom_TheLongestIdleFirst"] = IdleAsync,
        ["Use_KeepsAPlace_AndGivesNone"] = UseAsync,
        ["Leave_FreesThePlaceInEveryShare"] = LeaveAsync,
        ["Lifetime_ThatIsOver_FreesThePlace"] = LifetimeAsync,
        ["Enter_ManyAtOnce_NeverGrantsMoreThanThePlaces"] = RaceAsync,
        ["Enter_OutOfRange_IsRefusedByName"] = RangesAsync,
    });

    /// <summary>The names of the checks.</summary>
    public static IReadOnlyList<string> Names => Suite.Names;

    /// <summary>Runs one check.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="store">The store, with all places free.</param>
    /// <param name="advance">Lets the store's clock pass by that much.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>A task that ends when the check passed.</returns>
    /// <exception cref="ArgumentException">There is no such check.</exception>
    /// <exception cref="InvalidOperationException">The store broke the contract; the message says how.</exception>
    public static Task RunAsync(
        string name, ISessionPlaceStore store, Func<TimeSpan, Task> advance,
        CancellationToken cancellationToken = default) =>
        Suite.RunAsync(name, store, advance, cancellationToken);

    private static async Task MaximumAsync(
        ISessionPlaceStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        for (int i = 0; i < 4; i++)
        {
            Contract.Holds(
                await EntersAsync(store, $"s{i}", $"n{i}", $"k{i}", cancellationToken).ConfigureAwait(false),
                "each place is free once");
        }

        Contract.Holds(
            !await EntersAsync(store, "s4", "n4", "k4", cancellationToken).ConfigureAwait(false),
            "there is no fifth of four places");
        Contract.Holds(
            await EntersAsync(store, "s0", "n0", "other", cancellationToken).ConfigureAwait(false),
            "who has a place enters another key");
    }

    private static async Task NetworkAsync(
        ISessionPlaceStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        await EntersAsync(store, "s0", "here", "k0", cancellationToken).ConfigureAwait(false);
        await EntersAsync(store, "s1", "here", "k1", cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            !await EntersAsync(store, "s2", "here", "k2", cancellationToken).ConfigureAwait(false),
            "an address has no more than its share");
        Contract.Holds(
            await EntersAsync(store, "s2", "there", "k2", cancellationToken).ConfigureAwait(false),
            "another one has places still");
    }

    private static async Task KeyAsync(
        ISessionPlaceStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        await EntersAsync(store, "s0", "n0", "key", cancellationToken).ConfigureAwait(false);
        await EntersAsync(store, "s1", "n1", "key", cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            !await EntersAsync(store, "s2", "n2", "key", cancellationToken).ConfigureAwait(false),
            "a key has no more than its share");
        Contract.Holds(
            await EntersAsync(store, "s0", "n0", "key", cancellationToken).ConfigureAwait(false),
            "who has it may enter it again");
        Contract.Holds(
            await EntersAsync(store, "s2", "n2", "other", cancellationToken).ConfigureAwait(false),
            "another key has places still");
        Contract.Holds(
            !await EntersAsync(store, "s2", "n2", "key", cancellationToken).ConfigureAwait(false),
            "a place of another key is none of this one");
    }

    private static async Task IdleAsync(
        ISessionPlaceStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        await EntersAsync(store, "s0", "here", "k0", cancellationToken).ConfigureAwait(false);
        await advance(TimeSpan.FromSeconds(2)).ConfigureAwait(false);
        await EntersAsync(store, "s1", "here", "k1", cancellationToken).ConfigureAwait(false);
        await advance(Idle - TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        SessionPlaceDecision decision =
            await EnterAsync(store, "s2", "here", "k2", cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            decision.IsGranted && decision.Leaving == SessionId.From("s0"), "the longest idle one makes room");
        Contract.Holds(
            !await EntersAsync(store, "s3", "here", "k3", cancellationToken).ConfigureAwait(false),
            "one that was used a moment ago does not");
    }

    private static async Task UseAsync(
        ISessionPlaceStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        await store.UseAsync(SessionId.From("stranger"), cancellationToken).ConfigureAwait(false);
        await EntersAsync(store, "s0", "here", "k0", cancellationToken).ConfigureAwait(false);
        await EntersAsync(store, "s1", "here", "k1", cancellationToken).ConfigureAwait(false);
        await advance(Idle + TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        await store.UseAsync(SessionId.From("s0"), cancellationToken).ConfigureAwait(false);
        SessionPlaceDecision decision =
            await EnterAsync(store, "s2", "here", "k2", cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            decision.Leaving == SessionId.From("s1"), "who is used stays, and who is not makes room");
        Contract.Holds(
            await EntersAsync(store, "s3", "there", "k3", cancellationToken).ConfigureAwait(false)
                && await EntersAsync(store, "s4", "elsewhere", "k4", cancellationToken).ConfigureAwait(false),
            "a session without a place got none by being used");
    }

    private static async Task LeaveAsync(
        ISessionPlaceStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        await EntersAsync(store, "s0", "here", "key", cancellationToken).ConfigureAwait(false);
        await EntersAsync(store, "s1", "here", "key", cancellationToken).ConfigureAwait(false);
        await store.LeaveAsync(SessionId.From("s0"), cancellationToken).ConfigureAwait(false);
        await store.LeaveAsync(SessionId.From("s0"), cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await EntersAsync(store, "s2", "here", "key", cancellationToken).ConfigureAwait(false),
            "its place is free, for its address and its key");
        await store.LeaveAsync(SessionId.From("s2"), cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await EntersAsync(store, "s2", "there", "other", cancellationToken).ConfigureAwait(false)
                && await EntersAsync(store, "s3", "here", "key", cancellationToken).ConfigureAwait(false),
            "who comes back from elsewhere with another key counts there alone");
    }

    private static async Task LifetimeAsync(
        ISessionPlaceStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        await EntersAsync(store, "s0", "here", "key", cancellationToken).ConfigureAwait(false);
        await EntersAsync(store, "s1", "here", "key", cancellationToken).ConfigureAwait(false);
        await advance(TimeSpan.FromMinutes(31)).ConfigureAwait(false);
        SessionPlaceDecision decision =
            await EnterAsync(store, "s2", "here", "key", cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            decision is { IsGranted: true, Leaving: null }, "who was not used for its lifetime has no place to leave");
        Contract.Holds(
            await EntersAsync(store, "s3", "here", "key", cancellationToken).ConfigureAwait(false),
            "both places are free");
    }

    private static async Task RaceAsync(
        ISessionPlaceStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        IEnumerable<Task<bool>> calls = Enumerable.Range(0, 32).Select(i => Task.Run(
            () => EntersAsync(store, $"s{i}", $"n{i}", $"k{i}", cancellationToken), cancellationToken));
        bool[] all = await Task.WhenAll(calls).ConfigureAwait(false);
        Contract.Holds(all.Count(isIn => isIn) == 4, "sessions at the same time take exactly the places there are");
    }

    private static async Task RangesAsync(
        ISessionPlaceStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        SessionPlaceEntry entry = Entry("s", "n", "k");
        foreach (SessionPlaceEntry wrong in (SessionPlaceEntry[])
        [
            entry with { Session = default }, entry with { Fingerprint = "" },
            entry with { Network = new string('n', 501) }, entry with { MaxSessions = 0 }, entry with { Share = 0 },
            entry with { Share = 5 }, entry with { Idle = TimeSpan.Zero }, entry with { Lifetime = TimeSpan.Zero },
        ])
        {
            bool isRefused = false;
            try
            {
                await store.TryEnterAsync(wrong, cancellationToken).ConfigureAwait(false);
            }
            catch (ArgumentException)
            {
                isRefused = true;
            }

            Contract.Holds(isRefused, "a value out of its range is an argument out of range");
        }
    }

    private static async Task<bool> EntersAsync(
        ISessionPlaceStore store, string session, string network, string key, CancellationToken cancellationToken) =>
        await EnterAsync(store, session, network, key, cancellationToken).ConfigureAwait(false) is
        {
            IsGranted: true,
            Leaving: null,
        };

    private static async Task<SessionPlaceDecision> EnterAsync(
        ISessionPlaceStore store, string session, string network, string key, CancellationToken cancellationToken) =>
        await store.TryEnterAsync(Entry(session, network, key), cancellationToken).ConfigureAwait(false);

    private static SessionPlaceEntry Entry(string session, string network, string key) =>
        new(SessionId.From(session), network, key)
        {
            MaxSessions = 4,
            Share = 2,
            Idle = Idle,
            Lifetime = TimeSpan.FromMinutes(30),
        };
}
