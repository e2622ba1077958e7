using Coach.Abstractions;
using Coach.Testing.Stores;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="IConcurrencyStore"/> must do: one test per name of <see cref="Names"/> that calls
/// <see cref="RunAsync"/>.
/// </summary>
public static class ConcurrencyStoreContract
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    private static readonly ContractSuite<IConcurrencyStore> Suite = new(new(StringComparer.Ordinal)
    {
        ["Enter_UpToTheLimit_AndNoFurther"] = LimitAsync,
        ["Enter_TheSameIdAgain_TakesNoSecondPlace"] = SameIdAsync,
        ["Leave_FreesThePlaceAtOnce"] = LeaveAsync,
        ["Lease_ThatEnds_FreesThePlaceOfWhoDied"] = ExpiryAsync,
        ["Renew_HoldsThePlace_AndTakesALostOneAgain"] = RenewAsync,
        ["Enter_ManyAtOnce_NeverGrantsMoreThanTheLimit"] = RaceAsync,
        ["Partitions_DoNotShare"] = PartitionsAsync,
        ["Enter_OutOfRange_IsRefusedByName"] = RangesAsync,
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
        string name, IConcurrencyStore store, Func<TimeSpan, Task> advance,
        CancellationToken cancellationToken = default) =>
        Suite.RunAsync(name, store, advance, cancellationToken);

    private static async Task LimitAsync(
        IConcurrencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string partition = Contract.Tag();
        Contract.Holds(
            await EntersAsync(store, partition, "a", 2, cancellationToken).ConfigureAwait(false)
                && await EntersAsync(store, partition, "b", 2, cancellationToken).ConfigureAwait(false),
            "two places are free");
        Contract.Holds(
            !await EntersAsync(store, partition, "c", 2, cancellationToken).ConfigureAwait(false),
            "there is no third of two places");
        Contract.Holds(
            await EntersAsync(store, partition, "c", 3, cancellationToken).ConfigureAwait(false),
            "a higher limit holds at once");
    }

    private static async Task SameIdAsync(
        IConcurrencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string partition = Contract.Tag();
        for (int i = 0; i < 3; i++)
        {
            Contract.Holds(
                await EntersAsync(store, partition, "a", 2, cancellationToken).ConfigureAwait(false),
                "who holds a place holds it still");
        }

        Contract.Holds(
            await EntersAsync(store, partition, "b", 2, cancellationToken).ConfigureAwait(false),
            "who asked several times took one place");
    }

    private static async Task LeaveAsync(
        IConcurrencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string partition = Contract.Tag();
        await EntersAsync(store, partition, "a", 1, cancellationToken).ConfigureAwait(false);
        await store.LeaveAsync(partition, "stranger", cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            !await EntersAsync(store, partition, "b", 1, cancellationToken).ConfigureAwait(false),
            "who holds no place frees none");
        await store.LeaveAsync(partition, "a", cancellationToken).ConfigureAwait(false);
        await store.LeaveAsync(partition, "a", cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await EntersAsync(store, partition, "b", 1, cancellationToken).ConfigureAwait(false),
            "a place that was given back is free");
    }

    private static async Task ExpiryAsync(
        IConcurrencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string partition = Contract.Tag();
        await EntersAsync(store, partition, "died", 1, cancellationToken).ConfigureAwait(false);
        await advance(Lease - TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        Contract.Holds(
            !await EntersAsync(store, partition, "b", 1, cancellationToken).ConfigureAwait(false),
            "a place is held until its lease ends");
        await advance(TimeSpan.FromSeconds(2)).ConfigureAwait(false);
        Contract.Holds(
            await EntersAsync(store, partition, "b", 1, cancellationToken).ConfigureAwait(false),
            "then it is free");
    }

    private static async Task RenewAsync(
        IConcurrencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string partition = Contract.Tag();
        await EntersAsync(store, partition, "a", 1, cancellationToken).ConfigureAwait(false);
        for (int i = 0; i < 3; i++)
        {
            await advance(Lease - TimeSpan.FromSeconds(2)).ConfigureAwait(false);
            await store.RenewAsync(partition, "a", Lease, cancellationToken).ConfigureAwait(false);
        }

        Contract.Holds(
            !await EntersAsync(store, partition, "b", 1, cancellationToken).ConfigureAwait(false),
            "a lease that is renewed does not end");
        await advance(Lease + TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        Contract.Holds(
            await EntersAsync(store, partition, "b", 1, cancellationToken).ConfigureAwait(false),
            "one that is not renewed ends");
        await store.RenewAsync(partition, "a", Lease, cancellationToken).ConfigureAwait(false);
        await store.LeaveAsync(partition, "b", cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            !await EntersAsync(store, partition, "c", 1, cancellationToken).ConfigureAwait(false),
            "what runs is counted, although its lease had ended");
    }

    private static async Task RaceAsync(
        IConcurrencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string partition = Contract.Tag();
        IEnumerable<Task<bool>> calls = Enumerable.Range(0, 64).Select(i => Task.Run(
            () => EntersAsync(store, partition, $"p{i}", 8, cancellationToken), cancellationToken));
        bool[] all = await Task.WhenAll(calls).ConfigureAwait(false);
        Contract.Holds(all.Count(isIn => isIn) == 8, "callers at the same time take exactly the places there are");
    }

    private static async Task PartitionsAsync(
        IConcurrencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string partition = Contract.Tag();
        await EntersAsync(store, partition, "a", 1, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await EntersAsync(store, partition + "2", "a", 1, cancellationToken).ConfigureAwait(false),
            "another partition has its own places");
        await store.LeaveAsync(partition + "2", "a", cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            !await EntersAsync(store, partition, "b", 1, cancellationToken).ConfigureAwait(false),
            "to leave one partition frees nothing in another");
    }

    private static async Task RangesAsync(
        IConcurrencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        await RefusesAsync("", "a", 1, Lease).ConfigureAwait(false);
        await RefusesAsync(new string('p', 501), "a", 1, Lease).ConfigureAwait(false);
        await RefusesAsync("p", "", 1, Lease).ConfigureAwait(false);
        await RefusesAsync("p", new string('i', 101), 1, Lease).ConfigureAwait(false);
        await RefusesAsync("p", "a", 0, Lease).ConfigureAwait(false);
        await RefusesAsync("p", "a", 1, TimeSpan.Zero).ConfigureAwait(false);
        await RefusesAsync("p", "a", 1, TimeSpan.FromDays(2)).ConfigureAwait(false);

        async Task RefusesAsync(string partition, string id, int limit, TimeSpan lease)
        {
            try
            {
                await store.TryEnterAsync(partition, id, limit, lease, cancellationToken).ConfigureAwait(false);
            }
            catch (ArgumentException)
            {
                return;
            }

            Contract.Holds(false, $"{limit} places for {lease} are an argument out of range");
        }
    }

    private static Task<bool> EntersAsync(
        IConcurrencyStore store, string partition, string id, int limit, CancellationToken cancellationToken) =>
        store.TryEnterAsync(partition, id, limit, Lease, cancellationToken).AsTask();
}
