using Coach.Payments;
using Coach.Testing.Stores;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="ITabStore"/> must do: one test per name of <see cref="Names"/> that calls
/// <see cref="RunAsync"/>.
/// </summary>
public static class TabStoreContract
{
    private static readonly ContractSuite<ITabStore> Suite = new(new(StringComparer.Ordinal)
    {
        ["Put_ANewTab_IsVersionOne"] = NewAsync,
        ["Put_AVersionThatIsNotStored_ChangesNothing"] = StaleAsync,
        ["Put_ManyAtOnce_OneWins"] = RaceAsync,
        ["Owners_DoNotShare"] = OwnersAsync,
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
        string name, ITabStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken = default) =>
        Suite.RunAsync(name, store, advance, cancellationToken);

    private static async Task NewAsync(
        ITabStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        Tab tab = New() with
        {
            TipPercent = 12.5m,
            Bills = 2,
            LinkId = "link",
            Billed = Money.Parse("12.50 USD"),
        };
        Tab? stored = await store.TryPutAsync(tab, cancellationToken).ConfigureAwait(false);
        Contract.Holds(stored is { Version: 1 }, "a new tab is version 1");
        Tab? read = await store.FindAsync(tab.Owner, tab.Id, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            read is { Version: 1, Bills: 2, LinkId: "link", TipPercent: 12.5m } && read.Billed == tab.Billed
                && read.Lines.SequenceEqual(tab.Lines) && read.Total == tab.Total,
            "all of it comes back");
    }

    private static async Task StaleAsync(
        ITabStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        Tab tab = New();
        Tab? first = await store.TryPutAsync(tab, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await store.TryPutAsync(tab, cancellationToken).ConfigureAwait(false) is null,
            "a tab is not made a second time");
        Tab? second = await store.TryPutAsync(first! with { LinkId = "a" }, cancellationToken).ConfigureAwait(false);
        Contract.Holds(second is { Version: 2, LinkId: "a" }, "the version that was read is replaced");
        Contract.Holds(
            await store.TryPutAsync(first with { LinkId = "b" }, cancellationToken).ConfigureAwait(false) is null,
            "an older one is not");
        Tab? read = await store.FindAsync(tab.Owner, tab.Id, cancellationToken).ConfigureAwait(false);
        Contract.Holds(read is { Version: 2, LinkId: "a" }, "what was refused changed nothing");
    }

    private static async Task RaceAsync(
        ITabStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        Tab? first = await store.TryPutAsync(New(), cancellationToken).ConfigureAwait(false);
        Tab?[] all = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(
            () => store.TryPutAsync(first! with { Bills = i + 1 }, cancellationToken).AsTask(), cancellationToken)))
            .ConfigureAwait(false);
        Contract.Holds(all.Count(tab => tab is not null) == 1, "one of many at once wins");
    }

    private static async Task OwnersAsync(
        ITabStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        Tab tab = New();
        await store.TryPutAsync(tab, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await store.FindAsync(tab.Owner + "2", tab.Id, cancellationToken).ConfigureAwait(false) is null,
            "another owner's tab is not found");
        Contract.Holds(
            await store.TryPutAsync(tab with { Owner = tab.Owner + "2" }, cancellationToken).ConfigureAwait(false)
                is { Version: 1 },
            "each owner has tabs of the same name");
    }

    private static Tab New() => new()
    {
        Id = Contract.Tag(),
        Owner = Contract.Tag(),
        Currency = "usd",
        Lines = [new TabLine("l1", "A coffee, \"large\"", Money.Parse("3.50 USD"), 2)],
    };
}
