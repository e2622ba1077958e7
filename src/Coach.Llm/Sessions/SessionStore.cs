using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Coach.Llm.Sessions;

/// <summary>
/// The sessions that are alive and the clients they hold. Whatever changes a session holds its monitor, never two, and
/// foreign code — a client's disposal — runs only outside it.
/// </summary>
internal sealed class SessionStore(AdmissionControl admission, ClientDisposer clients, CoarseClock clock)
{
    private readonly ConcurrentDictionary<string, SessionNode> _sessions = new();
    private readonly ClientIndex _index = new();

    /// <summary>The time to the second.</summary>
    public long Now => clock.Now;

    // Values would copy them all under all locks
    public IEnumerable<SessionNode> All => _sessions.Select(pair => pair.Value);

    /// <summary>The hit path: no lock, no allocation.</summary>
    public ClientEntry? Find(string session, Type type, ApiKey key) => _index.Find(session, type, key);

    public bool TryGet(string session, [NotNullWhen(true)] out SessionNode? node) =>
        _sessions.TryGetValue(session, out node);

    /// <summary>The session's node, which may leave before the caller has its lock.</summary>
    /// <exception cref="LlmException">There is no place for it.</exception>
    public SessionNode FindOrAdmit(string session, Func<string, bool> evictOne)
    {
        while (true)
        {
            if (_sessions.TryGetValue(session, out SessionNode? node))
            {
                return node;
            }

            if (admission.TryEnter(evictOne) is { } reason)
            {
                if (_sessions.ContainsKey(session))
                {
                    continue; // another caller of the same session took the last place for it
                }

                throw admission.Refuse(reason);
            }

            node = new SessionNode(session, Now);
            if (_sessions.TryAdd(session, node))
            {
                return node;
            }

            admission.Leave();
        }
    }

    /// <summary>Takes a session's clients out, all or those of one provider.</summary>
    public void Remove(SessionNode node, string? provider)
    {
        ClientEntry? taken;
        lock (node)
        {
            node.Supersede(provider);
            taken = provider is null ? TakeAll(node) : Take(node, entry => entry.Key.Provider == provider);
            RetireIfEmpty(node);
        }

        Close(taken);
    }

    /// <summary>Takes a whole session out if nobody uses it and it was last used at the given time.</summary>
    public bool RemoveIfIdleSince(SessionNode node, long lastUsed)
    {
        ClientEntry? taken;
        lock (node)
        {
            if (node.IsDead || node.IsBusy || node.LastUsed != lastUsed)
            {
                return false;
            }

            taken = TakeAll(node);
            RetireIfEmpty(node);
        }

        Close(taken);
        return true;
    }

    /// <summary>
    /// Disposes the clients of a chain that was taken out, each now or with its last lease. Outside the session's lock.
    /// </summary>
    public static void Close(ClientEntry? taken)
    {
        while (taken is not null)
        {
            ClientEntry? next = taken.Next;
            taken.Close();
            taken = next;
        }
    }

    /// <summary>
    /// Disposes an entry's client. Called once per entry, by whoever ended its last use; never throws.
    /// </summary>
    public void Dispose(ClientEntry entry) => clients.Dispose(entry.Client, entry.Key.Provider);

    // From here on: only under the node's lock.

    public void Add(SessionNode node, ClientEntry entry)
    {
        node.Add(entry);
        _index.Add(entry);
    }

    public ClientEntry? Take(SessionNode node, Predicate<ClientEntry> match) => Unlist(node.Take(match));

    /// <summary>Lets a node without clients leave. Its place is free before anyone can ask for it again.</summary>
    public bool RetireIfEmpty(SessionNode node)
    {
        if (node.IsDead || !node.IsEmpty)
        {
            return false;
        }

        node.Die();
        _sessions.TryRemove(new KeyValuePair<string, SessionNode>(node.Id, node));
        admission.Leave();
        return true;
    }

    private ClientEntry? TakeAll(SessionNode node) => Unlist(node.TakeAll());

    private ClientEntry? Unlist(ClientEntry? taken)
    {
        for (ClientEntry? entry = taken; entry is not null; entry = entry.Next)
        {
            _index.Remove(entry);
        }

        return taken;
    }
}
