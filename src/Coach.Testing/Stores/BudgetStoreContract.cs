using Coach.Testing.Stores;
using Coach.Usage;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="IBudgetStore"/> must do: one test per name of <see cref="Names"/> that calls
/// <see cref="RunAsync"/>.
/// </summary>
public static class BudgetStoreContract
{
    private static readonly ContractSuite<IBudgetStore> Suite = new(new(StringComparer.Ordinal)
    {
        ["Reserve_UpToTheLimit_AndNoMore"] = LimitAsync,
        ["Reserve_OneChargeThatDoesNotFit_TakesNone"] = AllOrNoneAsync,
        ["Reserve_ManyAtOnce_NeverPassTheLimit"] = RaceAsync,
        ["Reserve_TheSameIdAgain_IsTheSameReservation"] = SameIdAsync,
        ["Settle_CountsWhatWasUsed_Once"] = SettleAsync,
        ["Release_GivesAllBack"] = ReleaseAsync,
        ["Lease_ThatEnded_CountsNoMore_AndIsListed"] = LeaseAsync,
        ["Lease_ThatIsRenewed_Holds"] = RenewAsync,
        ["Settle_AfterTheLease_StillCounts"] = LateAsync,
        ["Period_ThatIsOver_IsForgotten"] = PeriodAsync,
        ["Reserve_OutOfRange_IsRefused"] = RangesAsync,
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
        string name, IBudgetStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken = default) =>
        Suite.RunAsync(name, store, advance, cancellationToken);

    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private static async Task LimitAsync(
        IBudgetStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string counter = Contract.Tag();
        Contract.Holds(await TakeAsync(store, counter, 60).ConfigureAwait(false), "what fits is reserved");
        BudgetDecision refused = await store
            .ReserveAsync(Contract.Tag(), [new BudgetCharge(counter, 41, 100, null)], Lease, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(refused is { IsGranted: false, Refused: 0 }, "what does not fit is refused");
        Contract.Holds(refused.Counts[0] == new BudgetCount(0, 60), "a refusal says what stands there");
        Contract.Holds(await TakeAsync(store, counter, 40).ConfigureAwait(false), "the rest fits to the last unit");
        Contract.Holds(!await TakeAsync(store, counter, 1).ConfigureAwait(false), "then nothing does");
        Contract.Holds(await TakeAsync(store, counter, 0).ConfigureAwait(false), "but what costs nothing");
    }

    private static async Task AllOrNoneAsync(
        IBudgetStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string wide = Contract.Tag();
        string narrow = Contract.Tag();
        BudgetDecision refused = await store.ReserveAsync(
            Contract.Tag(), [new BudgetCharge(wide, 5, 100, null), new BudgetCharge(narrow, 5, 4, null)], Lease,
            cancellationToken).ConfigureAwait(false);
        Contract.Holds(refused.Refused == 1, "the charge that does not fit is named");
        IReadOnlyList<BudgetCount> counts =
            await store.ReadAsync([wide, narrow], cancellationToken).ConfigureAwait(false);
        Contract.Holds(counts.All(count => count == default), "a refusal takes nothing");
    }

    private static async Task RaceAsync(
        IBudgetStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string counter = Contract.Tag();
        bool[] all = await Task.WhenAll(Enumerable.Range(0, 64).Select(
            _ => Task.Run(() => TakeAsync(store, counter, 5), cancellationToken))).ConfigureAwait(false);
        Contract.Holds(all.Count(isGranted => isGranted) == 20, "callers at the same time take exactly what there is");
    }

    private static async Task SameIdAsync(
        IBudgetStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string counter = Contract.Tag();
        string id = Contract.Tag();
        BudgetCharge[] charges = [new(counter, 60, 100, null)];
        await store.ReserveAsync(id, charges, Lease, cancellationToken).ConfigureAwait(false);
        BudgetDecision again = await store.ReserveAsync(id, charges, Lease, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            again.IsGranted && again.Counts[0].Reserved == 60, "an open reservation is not made a second time");
    }

    private static async Task SettleAsync(
        IBudgetStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string counter = Contract.Tag();
        string id = Contract.Tag();
        await store.ReserveAsync(id, [new BudgetCharge(counter, 60, 100, null)], Lease, cancellationToken)
            .ConfigureAwait(false);
        BudgetCharge[] used = [new(counter, 75, 100, null)];
        Contract.Holds(
            await store.SettleAsync(id, used, cancellationToken).ConfigureAwait(false), "it is counted once");
        Contract.Holds(
            !await store.SettleAsync(id, used, cancellationToken).ConfigureAwait(false), "it is counted once");
        Contract.Holds(
            await CountAsync(store, counter).ConfigureAwait(false) == new BudgetCount(75, 0),
            "what was used stands there, and nothing is reserved");
        Contract.Holds(
            !await store.ReleaseAsync(id, cancellationToken).ConfigureAwait(false), "what is settled is not released");
    }

    private static async Task ReleaseAsync(
        IBudgetStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string counter = Contract.Tag();
        string id = Contract.Tag();
        BudgetCharge[] charges = [new(counter, 60, 100, null)];
        await store.ReserveAsync(id, charges, Lease, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await store.ReleaseAsync(id, cancellationToken).ConfigureAwait(false), "an open one is released");
        Contract.Holds(
            !await store.ReleaseAsync(id, cancellationToken).ConfigureAwait(false), "once");
        Contract.Holds(
            !await store.SettleAsync(id, charges, cancellationToken).ConfigureAwait(false),
            "what was released is not settled");
        Contract.Holds(
            await CountAsync(store, counter).ConfigureAwait(false) == default, "nothing stands there");
    }

    private static async Task LeaseAsync(
        IBudgetStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string counter = Contract.Tag();
        string id = Contract.Tag();
        BudgetCharge[] charges = [new(counter, 60, 100, null)];
        await store.ReserveAsync(id, charges, Lease, cancellationToken).ConfigureAwait(false);
        await advance(Lease).ConfigureAwait(false);
        Contract.Holds(
            await CountAsync(store, counter).ConfigureAwait(false) == default, "a lease that ended leaves no phantom");
        IReadOnlyList<OpenReservation> expired =
            await store.ListExpiredAsync(10_000, cancellationToken).ConfigureAwait(false);
        OpenReservation? own = expired.FirstOrDefault(reservation => reservation.Id == id);
        Contract.Holds(own is not null && own.Charges.SequenceEqual(charges), "it is listed with its charges");
        Contract.Holds(
            !await store.RenewAsync(id, Lease, cancellationToken).ConfigureAwait(false), "it is not renewed");
    }

    private static async Task RenewAsync(
        IBudgetStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string counter = Contract.Tag();
        string id = Contract.Tag();
        await store.ReserveAsync(id, [new BudgetCharge(counter, 60, 100, null)], Lease, cancellationToken)
            .ConfigureAwait(false);
        await advance(Lease - TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        Contract.Holds(
            await store.RenewAsync(id, Lease, cancellationToken).ConfigureAwait(false), "an open one is renewed");
        await advance(TimeSpan.FromSeconds(2)).ConfigureAwait(false);
        Contract.Holds(
            (await CountAsync(store, counter).ConfigureAwait(false)).Reserved == 60, "and holds");
    }

    private static async Task LateAsync(
        IBudgetStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string counter = Contract.Tag();
        string id = Contract.Tag();
        BudgetCharge[] charges = [new(counter, 60, 100, null)];
        await store.ReserveAsync(id, charges, Lease, cancellationToken).ConfigureAwait(false);
        await advance(Lease).ConfigureAwait(false);
        Contract.Holds(
            await store.SettleAsync(id, charges, cancellationToken).ConfigureAwait(false)
                && !await store.SettleAsync(id, charges, cancellationToken).ConfigureAwait(false),
            "what was used was used, once");
        Contract.Holds(
            await CountAsync(store, counter).ConfigureAwait(false) == new BudgetCount(60, 0), "it stands there");
        IReadOnlyList<OpenReservation> expired =
            await store.ListExpiredAsync(10_000, cancellationToken).ConfigureAwait(false);
        Contract.Holds(expired.All(reservation => reservation.Id != id), "and is not listed any more");
    }

    private static async Task PeriodAsync(
        IBudgetStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string counter = Contract.Tag();
        string id = Contract.Tag();
        DateTimeOffset end = DateTimeOffset.UnixEpoch;
        BudgetCharge[] charges = [new(counter, 60, 100, end)];
        await store.ReserveAsync(id, charges, Lease, cancellationToken).ConfigureAwait(false);
        await store.SettleAsync(id, charges, cancellationToken).ConfigureAwait(false);
        await advance(BudgetStoreRules.Memory + Lease).ConfigureAwait(false);
        await store.ReserveAsync(
            Contract.Tag(), [new BudgetCharge(Contract.Tag(), 1, 1, null)], Lease, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(
            await CountAsync(store, counter).ConfigureAwait(false) == default,
            "a counter whose period is over is forgotten");
    }

    private static async Task RangesAsync(
        IBudgetStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        BudgetCharge good = new(Contract.Tag(), 1, 1, null);
        await RefusesAsync("", [good], Lease).ConfigureAwait(false);
        await RefusesAsync(new string('i', 201), [good], Lease).ConfigureAwait(false);
        await RefusesAsync(Contract.Tag(), [], Lease).ConfigureAwait(false);
        await RefusesAsync(Contract.Tag(), [good, good], Lease).ConfigureAwait(false);
        await RefusesAsync(Contract.Tag(), [good with { Amount = -1 }], Lease).ConfigureAwait(false);
        await RefusesAsync(Contract.Tag(), [good with { Max = -1 }], Lease).ConfigureAwait(false);
        await RefusesAsync(Contract.Tag(), [good], TimeSpan.FromMilliseconds(999)).ConfigureAwait(false);
        await RefusesAsync(Contract.Tag(), [good], TimeSpan.FromDays(2)).ConfigureAwait(false);

        async Task RefusesAsync(string id, BudgetCharge[] charges, TimeSpan lease)
        {
            bool isRefused = false;
            try
            {
                await store.ReserveAsync(id, charges, lease, cancellationToken).ConfigureAwait(false);
            }
            catch (ArgumentException)
            {
                isRefused = true;
            }

            Contract.Holds(isRefused, "a value out of its range is refused");
        }
    }

    private static async Task<bool> TakeAsync(IBudgetStore store, string counter, long amount) =>
        (await store.ReserveAsync(Contract.Tag(), [new BudgetCharge(counter, amount, 100, null)], Lease)
            .ConfigureAwait(false)).IsGranted;

    private static async Task<BudgetCount> CountAsync(IBudgetStore store, string counter) =>
        (await store.ReadAsync([counter]).ConfigureAwait(false))[0];
}
