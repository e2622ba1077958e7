using Coach.Abstractions;
using Coach.Testing.Stores;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="IRateLimitStore"/> must do: one test per name of <see cref="Names"/> that calls
/// <see cref="RunAsync"/>.
/// </summary>
public static class RateLimitStoreContract
{
    private static readonly RateLimit Limit = new(Burst: 3, PerMinute: 60);

    private static readonly ContractSuite<IRateLimitStore> Suite = new(new(StringComparer.Ordinal)
    {
        ["Acquire_AFullBucket_GrantsItsBurstAndNoMore"] = BurstAsync,
        ["Acquire_AfterARefusal_IsGrantedWhenItSaid"] = RefillAsync,
        ["Acquire_MorePermitsThanAreLeft_TakesNone"] = AllOrNoneAsync,
        ["Acquire_ManyAtOnce_NeverGrantsMoreThanTheBurst"] = RaceAsync,
        ["Partitions_DoNotShare"] = PartitionsAsync,
        ["GiveBack_ReturnsWhatWasTaken_AndNoMore"] = GiveBackAsync,
        ["Acquire_OutOfRange_IsRefusedByName"] = RangesAsync,
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
        string name, IRateLimitStore store, Func<TimeSpan, Task> advance,
        CancellationToken cancellationToken = default) =>
        Suite.RunAsync(name, store, advance, cancellationToken);

    private static async Task BurstAsync(
        IRateLimitStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string partition = Contract.Tag();
        for (int left = 2; left >= 0; left--)
        {
            RateLimitDecision granted = await store.TryAcquireAsync(partition, Limit, 1, cancellationToken)
                .ConfigureAwait(false);
            Contract.Holds(
                granted is { IsGranted: true } && granted.Remaining == left,
                "a full bucket grants its burst and counts down");
        }

        RateLimitDecision refused = await store.TryAcquireAsync(partition, Limit, 1, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(!refused.IsGranted && refused.Remaining == 0, "an empty bucket refuses");
        Contract.Holds(
            refused.RetryAfter > TimeSpan.Zero
                && refused.RetryAfter <= TimeSpan.FromSeconds(1), "it says when the next permit flows in");
    }

    private static async Task RefillAsync(
        IRateLimitStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string partition = Contract.Tag();
        await store.TryAcquireAsync(partition, Limit, 3, cancellationToken).ConfigureAwait(false);
        RateLimitDecision refused = await store.TryAcquireAsync(partition, Limit, 2, cancellationToken)
            .ConfigureAwait(false);
        await advance(refused.RetryAfter).ConfigureAwait(false);
        RateLimitDecision granted = await store.TryAcquireAsync(partition, Limit, 2, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(granted.IsGranted, "the permits are there when it said");
        await advance(TimeSpan.FromHours(1)).ConfigureAwait(false);
        RateLimitDecision full = await store.TryAcquireAsync(partition, Limit, 3, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(full is { IsGranted: true, Remaining: 0 }, "a bucket never holds more than its burst");
    }

    private static async Task AllOrNoneAsync(
        IRateLimitStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string partition = Contract.Tag();
        await store.TryAcquireAsync(partition, Limit, 2, cancellationToken).ConfigureAwait(false);
        RateLimitDecision refused = await store.TryAcquireAsync(partition, Limit, 2, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(
            refused is { IsGranted: false, Remaining: 1 }, "more permits than are left are refused together");
        RateLimitDecision granted = await store.TryAcquireAsync(partition, Limit, 1, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(granted.IsGranted, "what was refused took nothing");
    }

    private static async Task RaceAsync(
        IRateLimitStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string partition = Contract.Tag();
        var limit = new RateLimit(Burst: 20, PerMinute: 1);
        IEnumerable<Task<RateLimitDecision>> calls = Enumerable.Range(0, 64).Select(_ => Task.Run(
            () => store.TryAcquireAsync(partition, limit, 1, cancellationToken).AsTask(), cancellationToken));
        RateLimitDecision[] all = await Task.WhenAll(calls).ConfigureAwait(false);
        Contract.Holds(
            all.Count(decision => decision.IsGranted) == 20, "callers at the same time take exactly what there is");
    }

    private static async Task PartitionsAsync(
        IRateLimitStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string partition = Contract.Tag();
        await store.TryAcquireAsync(partition, Limit, 3, cancellationToken).ConfigureAwait(false);
        RateLimitDecision other = await store.TryAcquireAsync(partition + "2", Limit, 3, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(other.IsGranted, "another partition has its own bucket");
    }

    private static async Task GiveBackAsync(
        IRateLimitStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string partition = Contract.Tag();
        await store.GiveBackAsync(partition, Limit, 3, cancellationToken).ConfigureAwait(false);
        await store.TryAcquireAsync(partition, Limit, 3, cancellationToken).ConfigureAwait(false);
        await store.GiveBackAsync(partition, Limit, 2, cancellationToken).ConfigureAwait(false);
        RateLimitDecision granted = await store.TryAcquireAsync(partition, Limit, 2, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(granted is { IsGranted: true, Remaining: 0 }, "what was given back can be taken again");
        await store.GiveBackAsync(partition, Limit, 3, cancellationToken).ConfigureAwait(false);
        await store.GiveBackAsync(partition, Limit, 3, cancellationToken).ConfigureAwait(false);
        await store.TryAcquireAsync(partition, Limit, 3, cancellationToken).ConfigureAwait(false);
        RateLimitDecision refused = await store.TryAcquireAsync(partition, Limit, 1, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(!refused.IsGranted, "a bucket never holds more than its burst");
    }

    private static async Task RangesAsync(
        IRateLimitStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        await RefusesAsync("", Limit, 1).ConfigureAwait(false);
        await RefusesAsync(Contract.Tag(), new RateLimit(0, 1), 1).ConfigureAwait(false);
        await RefusesAsync(Contract.Tag(), new RateLimit(1, 0), 1).ConfigureAwait(false);
        await RefusesAsync(Contract.Tag(), Limit, 0).ConfigureAwait(false);
        await RefusesAsync(Contract.Tag(), Limit, 4).ConfigureAwait(false);

        async Task RefusesAsync(string partition, RateLimit limit, int permits)
        {
            try
            {
                await store.TryAcquireAsync(partition, limit, permits, cancellationToken).ConfigureAwait(false);
            }
            catch (ArgumentException)
            {
                return;
            }

            Contract.Holds(false, $"{permits} permits of {limit} for '{partition}' are an argument out of range");
        }
    }
}
