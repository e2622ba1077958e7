using Coach.Llm.Core;
using Microsoft.Extensions.Logging;

namespace Coach.Llm.Sessions;

/// <summary>
/// One client with the count of its leases. One word holds the count, "closed", and the state of the entry's own
/// ticket, so that a lease begins with one exchange and ends with one. A lease is only ever added while the sign bit is
/// clear, and whoever brings the word to "closed, none left" disposes. That state is reached exactly once.
/// </summary>
internal sealed class ClientEntry : LeaseGeneration
{
    private const long Closed = long.MinValue;
    private const long Taken = 1L << 62;
    private const int NumberShift = 30;
    private const long NumberMask = (long)uint.MaxValue << NumberShift;
    private const long CountMask = (1L << NumberShift) - 1;

    // In this order: from here to _lastUsed, what an acquire touches lies within one cache line's length.
    private ExtraTicket? _spare;
    private ClientEntry? _next;
    private readonly SessionStore _store;
    private long _word;
    private long _lastUsed;

    /// <param name="client">The client.</param>
    /// <param name="type">The type it is leased as.</param>
    /// <param name="key">The key it was made with.</param>
    /// <param name="session">The id of the session it belongs to.</param>
    /// <param name="store">Disposes the client, and knows the time.</param>
    /// <param name="reserved">How many callers already wait for it; each takes its lease with
    /// <see cref="TakeReserved"/>.</param>
    public ClientEntry(object client, Type type, ApiKey key, string session, SessionStore store, int reserved)
    {
        (Client, Type, Key, SessionId, _store, _word) = (client, type, key, session, store, reserved);
        CreatedAt = _lastUsed = store.Now;
    }

    public Type Type { get; }

    public ApiKey Key { get; }

    public string SessionId { get; }

    public object Client { get; }

    public long CreatedAt { get; }

    /// <summary>
    /// The session's next client. Written under the session's lock; who reads without it may come upon a client that
    /// was just taken out.
    /// </summary>
    public ClientEntry? Next
    {
        get => Volatile.Read(ref _next);
        set => Volatile.Write(ref _next, value);
    }

    /// <summary>When a lease last began or ended, to the second.</summary>
    public long LastUsed => Volatile.Read(ref _lastUsed);

    public bool IsLeased => (Volatile.Read(ref _word) & CountMask) != 0;

    public bool Is(Type type, ApiKey key) =>
        ReferenceEquals(Type, type) && (ReferenceEquals(Key, key) || Key.Equals(key));

    /// <summary>Counts a lease, unless the entry is closed.</summary>
    /// <param name="number">The number to end it with.</param>
    /// <returns>Its ticket; null if the entry is closed.</returns>
    public LeaseGeneration? TryLease(out int number)
    {
        long word = Volatile.Read(ref _word);
        while (word >= 0)
        {
            long seen = Interlocked.CompareExchange(ref _word, (word | Taken) + 1, word);
            if (seen == word)
            {
                Use();
                return (word & Taken) == 0 ? Own(word, out number) : Extra(out number);
            }

            word = seen;
        }

        number = 0;
        return null;
    }

    /// <summary>The ticket for a lease that is already counted.</summary>
    public LeaseGeneration TakeReserved(out int number)
    {
        long before = Interlocked.Or(ref _word, Taken);
        return (before & Taken) == 0 ? Own(before, out number) : Extra(out number);
    }

    public override bool IsOut(int number)
    {
        long word = Volatile.Read(ref _word);
        return (word & Taken) != 0 && NumberOf(word) == number;
    }

    public override void End(int number)
    {
        long word = Volatile.Read(ref _word);
        while ((word & Taken) != 0 && NumberOf(word) == number)
        {
            Use();
            long next = (word & ~(Taken | NumberMask)) | ((long)unchecked((uint)number + 1) << NumberShift);
            long seen = Interlocked.CompareExchange(ref _word, --next, word);
            if (seen == word)
            {
                DisposeIfOver(next);
                return;
            }

            word = seen;
        }
    }

    /// <summary>Ends a lease that has an extra ticket, or none yet.</summary>
    public void Release(ExtraTicket? ticket)
    {
        Use();
        if (ticket is not null)
        {
            Volatile.Write(ref _spare, ticket);
        }

        DisposeIfOver(Interlocked.Decrement(ref _word));
    }

    /// <summary>Admits no further lease. The client is disposed now, or with its last lease.</summary>
    public void Close()
    {
        if ((Interlocked.Or(ref _word, Closed) & (Closed | CountMask)) == 0)
        {
            _store.Dispose(this);
        }
    }

    private static int NumberOf(long word) => unchecked((int)(word >> NumberShift));

    private ClientEntry Own(long word, out int number)
    {
        number = NumberOf(word);
        return this;
    }

    private ExtraTicket Extra(out int number)
    {
        ExtraTicket ticket = Interlocked.Exchange(ref _spare, null) ?? new ExtraTicket(this);
        number = ticket.Number;
        return ticket;
    }

    // Writes once a second at most: threads that share the session pass the word's cache line to and fro as it is.
    private void Use()
    {
        long now = _store.Now;
        if (Volatile.Read(ref _lastUsed) != now)
        {
            Volatile.Write(ref _lastUsed, now);
        }
    }

    private void DisposeIfOver(long word)
    {
        if ((word & (Closed | CountMask)) == Closed)
        {
            _store.Dispose(this);
        }
    }
}

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

/// <summary>
/// Knows every client that is alive and disposes each once. A client that fails to dispose is logged and forgotten: it
/// must not take another session's call down. An instance that is already alive is refused, whatever a factory returns:
/// sessions never share.
/// </summary>
internal sealed class ClientDisposer(ILogger logger)
{
    private readonly Lock _gate = new();
    // half the bytes of a concurrent one, and no hit path
    private readonly HashSet<object> _alive = new(ReferenceEqualityComparer.Instance);
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;
    private volatile bool _isClosing;

    /// <summary>Clients that exist: leased, waiting, or being disposed.</summary>
    public int Count => Volatile.Read(ref _count);

    public void Own(object client, string provider)
    {
        client = OwnedOf(client);
        bool isNew;
        lock (_gate)
        {
            isNew = _alive.Add(client);
        }

        if (!isNew)
        {
            throw new InvalidOperationException(
                $"The factory of provider '{provider}' returned an instance that already belongs to a session. Return a new one each time.");
        }

        Interlocked.Increment(ref _count);
    }

    public void Dispose(object client, string provider)
    {
        client = OwnedOf(client);
        try
        {
            if (client is IAsyncDisposable asynchronous)
            {
                ValueTask disposal = asynchronous.DisposeAsync();
                if (!disposal.IsCompletedSuccessfully)
                {
                    _ = FinishAsync(disposal.AsTask(), client, provider);
                    return;
                }
            }
            else
            {
                (client as IDisposable)?.Dispose();
            }
        }
        catch (Exception failure)
        {
            logger.ClientDisposalFailed(provider, failure.GetType().Name);
        }

        Forget(client);
    }

    /// <summary>From now on <see cref="WhenEmpty"/> ends when the last client is gone.</summary>
    public Task WhenEmpty()
    {
        _isClosing = true;
        if (Count == 0)
        {
            _empty.TrySetResult();
        }

        return _empty.Task;
    }

    private static object OwnedOf(object client) => client is IOwnedClient wrapped ? wrapped.Owned : client;

    private async Task FinishAsync(Task disposal, object client, string provider)
    {
        try
        {
            await disposal.ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            logger.ClientDisposalFailed(provider, failure.GetType().Name);
        }

        Forget(client);
    }

    private void Forget(object client)
    {
        lock (_gate)
        {
            _alive.Remove(client);
        }

        if (Interlocked.Decrement(ref _count) == 0 && _isClosing)
        {
            _empty.TrySetResult();
        }
    }
}

/// <summary>A client round one of the host's.</summary>
internal interface IOwnedClient
{
    /// <summary>The host's: who it belongs to and its disposal go by it.</summary>
    object Owned { get; }
}
