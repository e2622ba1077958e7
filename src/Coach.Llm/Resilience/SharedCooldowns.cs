namespace Coach.Llm.Resilience;

/// <summary>
/// What rests on all replicas, of one group. Where there is no store, or it is away, nothing is known of the others.
/// </summary>
internal sealed class SharedCooldowns(ICooldownStore? store, string group)
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    /// <summary>Whether there are others to ask.</summary>
    public bool IsShared => store is not null;

    /// <summary>Lets all replicas know that something rests.</summary>
    public async ValueTask SetAsync(string name, TimeSpan wait)
    {
        if (store is null || wait <= TimeSpan.Zero)
        {
            return;
        }

        try
        {
            await store.SetAsync(group, name, wait < Longest ? wait : Longest, CancellationToken.None)
                .ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // Each replica finds out for itself.
        }
    }

    /// <summary>Lets all replicas know that something rests no more.</summary>
    public async ValueTask ClearAsync(string name)
    {
        if (store is null)
        {
            return;
        }

        try
        {
            await store.ClearAsync(group, name, CancellationToken.None).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // It ends by itself.
        }
    }

    /// <summary>How long each rests still; empty where nobody can say.</summary>
    public async ValueTask<IReadOnlyList<TimeSpan>> LeftAsync(
        IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        if (store is null)
        {
            return [];
        }

        try
        {
            return await store.LeftAsync(group, names, cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            return [];
        }
    }
}
