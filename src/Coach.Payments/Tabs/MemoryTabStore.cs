using Coach.Payments.Idempotency;

namespace Coach.Payments;

/// <summary>Tabs in this process's memory: for tests, demonstrations and hosts that may forget.</summary>
public sealed class MemoryTabStore : ITabStore
{
    private const int MostTabs = 100_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Owner, string Id), Tab> _tabs = [];

    /// <inheritdoc />
    public ValueTask<Tab?> FindAsync(string owner, string id, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(_tabs.GetValueOrDefault((owner, id)));
        }
    }

    /// <inheritdoc />
    public ValueTask<Tab?> TryPutAsync(Tab tab, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tab);
        lock (_gate)
        {
            (string Owner, string Id) key = (tab.Owner, tab.Id);
            if ((_tabs.GetValueOrDefault(key)?.Version ?? 0) != tab.Version)
            {
                return ValueTask.FromResult<Tab?>(null);
            }

            if (tab.Version == 0 && _tabs.Count >= MostTabs)
            {
                // Only tabs that owe nothing make room: unpaid lines are never lost.
                KeyValuePair<(string, string), Tab> done =
                    _tabs.FirstOrDefault(static pair => pair.Value.Lines.All(static line => line.IsPaid));
                if (done.Value is null)
                {
                    throw new StoreFullException($"There are {MostTabs} tabs with unpaid lines, the most this "
                        + "store keeps. Register an ITabStore that lasts.");
                }

                _tabs.Remove(done.Key);
            }

            Tab stored = tab with { Version = tab.Version + 1 };
            _tabs[key] = stored;
            return ValueTask.FromResult<Tab?>(stored);
        }
    }
}
