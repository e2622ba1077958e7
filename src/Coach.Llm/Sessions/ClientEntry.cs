namespace Coach.Llm;

/// <summary>
/// One client with the count of its leases. The count and "closed" share one word: a lease is only ever added while the sign bit is
/// clear, and whoever brings the word to "closed, none left" disposes. That state is reached exactly once.
/// </summary>
internal sealed class ClientEntry : LeaseTicket
{
    private const int Closed = int.MinValue;

    private readonly SessionClientRegistry _owner;
    private int _state;
    private LeaseTicket? _spare;

    /// <param name="client">The client.</param>
    /// <param name="type">The type it is leased as.</param>
    /// <param name="key">The key it was made with.</param>
    /// <param name="session">The session it belongs to.</param>
    /// <param name="owner">Disposes the client, and knows the time.</param>
    /// <param name="reserved">How many callers already wait for it; each takes its lease with <see cref="TakeReserved"/>.</param>
    public ClientEntry(object client, Type type, ApiKey key, SessionNode session, SessionClientRegistry owner, int reserved)
    {
        (Client, Type, Key, Session, _owner, _state) = (client, type, key, session, owner, reserved);
        CreatedAt = owner.Now;
        _spare = this;
    }

    public object Client { get; }

    public Type Type { get; }

    public ApiKey Key { get; }

    public SessionNode Session { get; }

    public long CreatedAt { get; }

    public bool IsLeased => (Volatile.Read(ref _state) & ~Closed) != 0;

    /// <summary>Counts a lease, unless the entry is closed.</summary>
    public LeaseTicket? TryLease()
    {
        int state = Volatile.Read(ref _state);
        while (state >= 0)
        {
            int seen = Interlocked.CompareExchange(ref _state, state + 1, state);
            if (seen == state)
            {
                return TakeReserved();
            }

            state = seen;
        }

        return null;
    }

    /// <summary>The ticket for a lease that is already counted.</summary>
    public LeaseTicket TakeReserved() => Interlocked.Exchange(ref _spare, null) ?? new LeaseTicket(this);

    /// <summary>Ends a lease; a ticket calls it once per lease.</summary>
    public void Release(LeaseTicket? ticket)
    {
        Session.Use(_owner.Now);
        if (ticket is not null)
        {
            Volatile.Write(ref _spare, ticket);
        }

        if (Interlocked.Decrement(ref _state) == Closed)
        {
            _owner.Dispose(this);
        }
    }

    /// <summary>Admits no further lease. The client is disposed now, or with its last lease.</summary>
    public void Close()
    {
        if (Interlocked.Or(ref _state, Closed) == 0)
        {
            _owner.Dispose(this);
        }
    }
}
