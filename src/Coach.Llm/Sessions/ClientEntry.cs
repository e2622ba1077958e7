namespace Coach.Llm;

/// <summary>
/// One client with the count of its leases. The count and "closed" share one word: a lease is only ever added while the sign bit is
/// clear, and whoever brings the word to "closed, none left" disposes. That state is reached exactly once.
/// </summary>
internal sealed class ClientEntry(object client, ApiKey key, Action<ClientEntry> dispose)
{
    private const int Closed = int.MinValue;

    private int _state;
    private LeaseTicket? _spare;

    public object Client { get; } = client;

    public ApiKey Key { get; } = key;

    public bool IsLeased => (Volatile.Read(ref _state) & ~Closed) != 0;

    /// <summary>Counts a lease unless the entry is closed.</summary>
    public LeaseTicket? TryLease()
    {
        int state = Volatile.Read(ref _state);
        while (state >= 0)
        {
            int seen = Interlocked.CompareExchange(ref _state, state + 1, state);
            if (seen == state)
            {
                return Interlocked.Exchange(ref _spare, null) ?? new LeaseTicket(this);
            }

            state = seen;
        }

        return null;
    }

    /// <summary>Called by the ticket, once per lease.</summary>
    public void Release(LeaseTicket ticket)
    {
        Volatile.Write(ref _spare, ticket);
        if (Interlocked.Decrement(ref _state) == Closed)
        {
            dispose(this);
        }
    }

    /// <summary>Admits no further lease. The first call decides; the client is disposed now or with the last lease.</summary>
    public bool Close()
    {
        int before = Interlocked.Or(ref _state, Closed);
        if (before == 0)
        {
            dispose(this);
        }

        return before >= 0;
    }
}
