namespace Coach.Llm;

/// <summary>
/// Makes the end of a lease happen once. A lease remembers the ticket's number at its beginning; the end moves the number on, so
/// copies of the lease find that it has moved and do nothing. Tickets are used again, which is why leasing allocates nothing; an entry is
/// its own first ticket.
/// </summary>
internal class LeaseTicket
{
    private readonly ClientEntry _entry;
    private int _number;

    public LeaseTicket(ClientEntry entry) => _entry = entry;

    /// <summary>For the entry, which is the ticket of its first lease.</summary>
    protected LeaseTicket() => _entry = (ClientEntry)this;

    public int Number => Volatile.Read(ref _number);

    public void End(int number)
    {
        if (Interlocked.CompareExchange(ref _number, unchecked(number + 1), number) == number)
        {
            _entry.Release(this);
        }
    }
}
