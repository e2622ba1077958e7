namespace Coach.Llm.Sessions;

/// <summary>
/// Makes the end of a lease happen once. A lease remembers a number from its beginning; its end moves the number on, so
/// copies of the lease find that it has moved and do nothing. Tickets are used again, which is why leasing allocates
/// nothing.
/// </summary>
internal abstract class LeaseGeneration
{
    /// <summary>Whether the lease with this number has not ended.</summary>
    public abstract bool IsOut(int number);

    /// <summary>Ends the lease with this number, unless it has ended.</summary>
    public abstract void End(int number);
}

/// <summary>A ticket for a client whose own, the <see cref="ClientEntry"/> itself, is out with another lease.</summary>
internal sealed class ExtraTicket(ClientEntry entry) : LeaseGeneration
{
    private int _number;

    public int Number => Volatile.Read(ref _number);

    public override bool IsOut(int number) => Number == number;

    public override void End(int number)
    {
        if (Interlocked.CompareExchange(ref _number, unchecked(number + 1), number) == number)
        {
            entry.Release(this);
        }
    }
}
