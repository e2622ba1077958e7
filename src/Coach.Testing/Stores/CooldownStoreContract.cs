using Coach.Abstractions;
using Coach.Testing.Stores;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="ICooldownStore"/> must do: one test per name of <see cref="Names"/> that calls
/// <see cref="RunAsync"/>.
/// </summary>
public static class CooldownStoreContract
{
    private static readonly ContractSuite<ICooldownStore> Suite = new(new(StringComparer.Ordinal)
    {
        ["Left_IsWhatIsLeft_AndZeroForWhatDoesNotRest"] = LeftAsync,
        ["Set_Again_KeepsTheLaterEnd"] = LaterAsync,
        ["Clear_EndsOneRestAlone"] = ClearAsync,
        ["Groups_DoNotShare"] = GroupsAsync,
        ["Set_OutOfRange_IsRefusedByName"] = RangesAsync,
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
        string name, ICooldownStore store, Func<TimeSpan, Task> advance,
        CancellationToken cancellationToken = default) =>
        Suite.RunAsync(name, store, advance, cancellationToken);

    private static async Task LeftAsync(
        ICooldownStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string group = Contract.Tag();
        await store.SetAsync(group, "a", TimeSpan.FromMinutes(10), cancellationToken).ConfigureAwait(false);
        IReadOnlyList<TimeSpan> left =
            await store.LeftAsync(group, ["b", "a", "a"], cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            left.Count == 3 && left[0] == TimeSpan.Zero && Is(left[1], 10) && Is(left[2], 10),
            "each name is answered in its place");
        await advance(TimeSpan.FromMinutes(8)).ConfigureAwait(false);
        Contract.Holds(
            Is(await OneAsync(store, group, "a", cancellationToken).ConfigureAwait(false), 2), "time passes");
        await advance(TimeSpan.FromMinutes(3)).ConfigureAwait(false);
        Contract.Holds(
            await OneAsync(store, group, "a", cancellationToken).ConfigureAwait(false) == TimeSpan.Zero,
            "a rest ends by itself");
    }

    private static async Task LaterAsync(
        ICooldownStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string group = Contract.Tag();
        await store.SetAsync(group, "a", TimeSpan.FromMinutes(10), cancellationToken).ConfigureAwait(false);
        await store.SetAsync(group, "a", TimeSpan.FromMinutes(5), cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            Is(await OneAsync(store, group, "a", cancellationToken).ConfigureAwait(false), 10),
            "a shorter wait ends none sooner");
        await store.SetAsync(group, "a", TimeSpan.FromMinutes(20), cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            Is(await OneAsync(store, group, "a", cancellationToken).ConfigureAwait(false), 20),
            "a longer one holds");
    }

    private static async Task ClearAsync(
        ICooldownStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string group = Contract.Tag();
        await store.SetAsync(group, "a", TimeSpan.FromMinutes(10), cancellationToken).ConfigureAwait(false);
        await store.SetAsync(group, "b", TimeSpan.FromMinutes(10), cancellationToken).ConfigureAwait(false);
        await store.ClearAsync(group, "a", cancellationToken).ConfigureAwait(false);
        await store.ClearAsync(group, "unknown", cancellationToken).ConfigureAwait(false);
        IReadOnlyList<TimeSpan> left =
            await store.LeftAsync(group, ["a", "b"], cancellationToken).ConfigureAwait(false);
        Contract.Holds(left[0] == TimeSpan.Zero && Is(left[1], 10), "one rest ends and the other goes on");
    }

    private static async Task GroupsAsync(
        ICooldownStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string group = Contract.Tag();
        await store.SetAsync(group, "a", TimeSpan.FromMinutes(10), cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await OneAsync(store, group + "2", "a", cancellationToken).ConfigureAwait(false) == TimeSpan.Zero,
            "another group has its own names");
    }

    private static async Task RangesAsync(
        ICooldownStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        TimeSpan minute = TimeSpan.FromMinutes(1);
        await RefusesAsync(() => store.SetAsync("", "a", minute, cancellationToken).AsTask()).ConfigureAwait(false);
        await RefusesAsync(() => store.SetAsync("g", "", minute, cancellationToken).AsTask()).ConfigureAwait(false);
        await RefusesAsync(() => store.SetAsync("g", "a", TimeSpan.Zero, cancellationToken).AsTask())
            .ConfigureAwait(false);
        await RefusesAsync(() => store.SetAsync("g", "a", TimeSpan.FromDays(2), cancellationToken).AsTask())
            .ConfigureAwait(false);
        await RefusesAsync(() => store.LeftAsync("g", [], cancellationToken).AsTask()).ConfigureAwait(false);
    }

    private static async Task RefusesAsync(Func<Task> call)
    {
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (ArgumentException)
        {
            return;
        }

        Contract.Holds(false, "a value out of its range is an argument out of range");
    }

    private static bool Is(TimeSpan left, int minutes) =>
        left <= TimeSpan.FromMinutes(minutes) && left > TimeSpan.FromMinutes(minutes - 1);

    private static async Task<TimeSpan> OneAsync(
        ICooldownStore store, string group, string name, CancellationToken cancellationToken) =>
        (await store.LeftAsync(group, [name], cancellationToken).ConfigureAwait(false))[0];
}
