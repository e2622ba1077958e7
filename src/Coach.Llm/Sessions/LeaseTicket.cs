namespace Coach.Llm;

/// <summary>
/// Makes the end of a lease happen once. A lease remembers the ticket's number at its beginning; the end moves the number on, so
/// copies of the lease find that it has moved and do nothing. Tickets are used again, which is why leasing allocates nothing.
/// </summary>
internal sealed class LeaseTicket(ClientEntry entry)
{
    private int _number;

    public int Number => Volatile.Read(ref _number);

    public void End(int number)
    {
        if (Interlocked.CompareExchange(ref _number, unchecked(number + 1), number) == number)
        {
            entry.Release(this);
        }
    }
}
