using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Llm;

/// <summary>
/// Sessions by id in a concurrent dictionary; each session's clients in an array that is replaced, never changed; each client with a
/// counted word. An acquire of a live client reads those three and changes only the word: no lock, no allocation. All else — creation,
/// rotation, removal, expiry — holds one session's monitor, never two, and calls foreign code only outside it.
/// </summary>
internal sealed class SessionClientRegistry : ISessionClientRegistry, IAsyncDisposable, IDisposable
{
    private readonly ConcurrentDictionary<string, SessionNode> _sessions = new();
    private readonly IServiceProvider _services;
    private readonly ProviderFactories _factories;
    private readonly LlmSessionOptions _options;
    private readonly TimeProvider _time;
    private readonly SessionMetrics _metrics;
    private readonly ILogger<SessionClientRegistry> _logger;
    private readonly SessionCensus _census;
    private readonly ClientDisposer _clients;
    private readonly IdleOrder _idle;
    private readonly CoarseClock _clock;
    private readonly bool _isMock;
    private volatile bool _isStopping;

    public SessionClientRegistry(
        IServiceProvider services, ProviderFactories factories, IOptions<CoachLlmOptions> options, IOptions<CoachHostOptions> host,
        TimeProvider time, SessionMetrics metrics, ILogger<SessionClientRegistry> logger, IMemoryPressure? memory = null)
    {
        (_services, _factories, _time, _metrics, _logger) = (services, factories, time, metrics, logger);
        _options = options.Value.Sessions;
        _isMock = host.Value.Mode == HostMode.Mock;
        _census = new SessionCensus(_options, memory, metrics, logger);
        _clients = new ClientDisposer(logger);
        _idle = new IdleOrder(_sessions.Select(pair => pair.Value), () => _census.Count);
        _clock = new CoarseClock(time, _options.SweepInterval, Sweep);
    }

    public int SessionCount => _census.Count;

    public bool IsFull => _census.Count >= _census.Maximum;

    public bool IsMemoryShort => _census.IsMemoryShort;

    /// <summary>Clients that exist in or out of the registry: leased ones outlive their removal.</summary>
    public int ClientCount => _clients.Count;

    /// <summary>The time to the second.</summary>
    public long Now => _clock.Now;

    /// <summary>Disposes an entry's client. Called once per entry, by whoever ended its last use; never throws.</summary>
    public void Dispose(ClientEntry entry) => _clients.Dispose(entry.Client, entry.Key.Provider);

    public ValueTask<ClientLease<TClient>> AcquireAsync<TClient>(SessionId session, ApiKey key, CancellationToken cancellationToken = default)
        where TClient : class
    {
        ArgumentNullException.ThrowIfNull(key);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ClientLease<TClient>>(cancellationToken);
        }

        if (_sessions.TryGetValue(session.Value, out SessionNode? node) && node.TryLease(typeof(TClient), key, out object? client) is { } ticket)
        {
            node.Use(_clock.Now);
            return new ValueTask<ClientLease<TClient>>(new ClientLease<TClient>(Unsafe.As<TClient>(client!), ticket));
        }

        return AcquireSlowlyAsync<TClient>(session, key, cancellationToken);
    }

    public ValueTask RemoveAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        if (_sessions.TryGetValue(session.Value, out SessionNode? node))
        {
            Remove(node, provider: null);
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask RemoveAsync(SessionId session, string provider, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(provider);
        if (_sessions.TryGetValue(session.Value, out SessionNode? node))
        {
            Remove(node, provider.ToLowerInvariant());
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Takes every client out and waits, up to the limit, for the leases that are still out.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isStopping)
        {
            return;
        }

        Dispose();
        try
        {
            await _clients.WhenEmpty().WaitAsync(_options.ShutdownTimeout, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _logger.LeasesOutstanding(_options.ShutdownTimeout.TotalSeconds, _clients.Count);
        }
    }

    /// <summary>Takes every client out without waiting; leased ones are disposed with their last lease.</summary>
    public void Dispose()
    {
        _isStopping = true; // seen under each session's lock, so that no client gets in behind the loop below
        _clock.Dispose();
        foreach (SessionNode node in _sessions.Values)
        {
            Remove(node, provider: null);
        }
    }

    private async ValueTask<ClientLease<TClient>> AcquireSlowlyAsync<TClient>(SessionId session, ApiKey key, CancellationToken cancellationToken)
        where TClient : class
    {
        if (session.IsEmpty)
        {
            throw LlmException.SessionRequired();
        }

        if (_isMock)
        {
            throw LlmException.RefusedInMock("No client is made for a key");
        }

        ClientFactory create = _factories.Find(key.Provider, typeof(TClient));
        while (true)
        {
            SessionNode node = FindOrAdmit(session.Value);
            LeaseTicket? ticket;
            object? client;
            ClientCreation? creation = null;
            ClientEntry[] outdated = [];
            bool isFirst = false;
            lock (node)
            {
                if (node.IsDead)
                {
                    continue; // it left between the look-up and the lock; its successor takes over
                }

                if (_isStopping)
                {
                    RetireIfEmpty(node);
                    throw new ObjectDisposedException(nameof(ISessionClientRegistry), "The host is shutting down; no client is leased any more.");
                }

                node.Use(_clock.Now);
                ticket = node.TryLease(typeof(TClient), key, out client);
                if (ticket is null)
                {
                    outdated = node.Take(entry => ReferenceEquals(entry.Type, typeof(TClient)) && entry.Key.Provider == key.Provider);
                    creation = node.FindCreation(typeof(TClient), key);
                    isFirst = creation is null;
                    creation ??= node.Begin(typeof(TClient), key);
                    creation.Waiting++;
                }
            }

            if (ticket is not null)
            {
                return new ClientLease<TClient>(Unsafe.As<TClient>(client!), ticket);
            }

            Close(outdated);
            if (isFirst)
            {
                _ = CreateAsync(node, creation!, create, session);
            }

            ClientEntry made = await WaitAsync(node, creation!, cancellationToken).ConfigureAwait(false);
            return new ClientLease<TClient>(Unsafe.As<TClient>(made.Client), made.TakeReserved());
        }
    }

    private SessionNode FindOrAdmit(string id)
    {
        while (true)
        {
            if (_sessions.TryGetValue(id, out SessionNode? node))
            {
                return node;
            }

            ObjectDisposedException.ThrowIf(_isStopping, typeof(ISessionClientRegistry));
            try
            {
                _census.Enter(Evict);
            }
            catch (LlmException) when (_sessions.ContainsKey(id))
            {
                continue; // another caller of the same session took the last place for it
            }

            node = new SessionNode(id, _clock.Now);
            if (_sessions.TryAdd(id, node))
            {
                return node;
            }

            _census.Leave();
        }
    }

    /// <summary>Makes the client and hands it to all who wait. Ends in the creation's task; never throws.</summary>
    private async Task CreateAsync(SessionNode node, ClientCreation creation, ClientFactory create, SessionId session)
    {
        object? client = null;
        try
        {
            client = await MakeAsync(creation, create, session).ConfigureAwait(false);
            _clients.Own(client, creation.Key.Provider);
        }
        catch (Exception failure)
        {
            lock (node)
            {
                node.End(creation);
                RetireIfEmpty(node);
            }

            creation.Done.TrySetException(failure);
            _ = creation.Done.Task.Exception; // seen, even if every caller has left
            return;
        }

        ClientEntry entry;
        bool isKept;
        lock (node)
        {
            // Those who wait hold their leases from here on, so that no rotation or removal comes between.
            entry = new ClientEntry(client, creation.Type, creation.Key, node, this, creation.Waiting);
            creation.Entry = entry;
            node.End(creation);
            isKept = creation is { IsSuperseded: false, Waiting: > 0 } && !node.IsDead && !_isStopping;
            if (isKept)
            {
                node.Add(entry);
            }
            else
            {
                RetireIfEmpty(node);
            }
        }

        if (!isKept)
        {
            entry.Close();
        }

        creation.Done.TrySetResult(entry);
    }

    private async Task<object> MakeAsync(ClientCreation creation, ClientFactory create, SessionId session)
    {
        using var limit = new CancellationTokenSource(_options.CreationTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(creation.Abandoned.Token, limit.Token);
        ValueTask<object> making = create(_services, session, creation.Key, both.Token);
        if (making.IsCompletedSuccessfully)
        {
            return Present(making.Result, creation.Key.Provider);
        }

        Task<object> task = making.AsTask();
        try
        {
            return Present(await task.WaitAsync(both.Token).ConfigureAwait(false), creation.Key.Provider);
        }
        catch (OperationCanceledException) when (both.IsCancellationRequested)
        {
            _ = DiscardAsync(task, creation.Key.Provider);
            if (limit.IsCancellationRequested)
            {
                throw LlmException.TimedOut(creation.Key.Provider, "Coach:Llm:Sessions:CreationTimeout", _options.CreationTimeout);
            }

            throw;
        }
    }

    // A factory that goes on after its time limit still makes a client, which nobody wants any more.
    private async Task DiscardAsync(Task<object> late, string provider)
    {
        try
        {
            object client = await late.ConfigureAwait(false);
            _clients.Own(client, provider);
            _clients.Dispose(client, provider);
        }
        catch (Exception failure)
        {
            _logger.LateClientFailed(provider, failure.GetType().Name);
        }
    }

    private async Task<ClientEntry> WaitAsync(SessionNode node, ClientCreation creation, CancellationToken cancellationToken)
    {
        try
        {
            return await creation.Done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            ClientEntry? entry;
            bool isAbandoned = false;
            lock (node)
            {
                entry = creation.Entry; // there already: this caller's lease is counted and must be given back
                if (entry is null)
                {
                    isAbandoned = --creation.Waiting == 0;
                    creation.IsSuperseded |= isAbandoned;
                }
            }

            entry?.Release(ticket: null);
            if (isAbandoned)
            {
                creation.Abandoned.Cancel();
            }

            throw;
        }
    }

    private void Remove(SessionNode node, string? provider)
    {
        ClientEntry[] taken;
        lock (node)
        {
            node.Supersede(provider);
            taken = node.Take(entry => provider is null || entry.Key.Provider == provider);
            RetireIfEmpty(node);
        }

        Close(taken);
    }

    private bool Evict(string reason)
    {
        ClientEntry[]? taken = null;
        if (!_idle.TakeLongestIdle((node, lastUsed) => (taken = TakeIfIdleSince(node, lastUsed)) is not null))
        {
            return false;
        }

        _metrics.Evicted(reason);
        Close(taken!);
        return true;
    }

    /// <summary>Takes a whole session out if nobody uses it and it was last used at the given time.</summary>
    private ClientEntry[]? TakeIfIdleSince(SessionNode node, long lastUsed)
    {
        lock (node)
        {
            if (node.IsDead || node.IsBusy || node.LastUsed != lastUsed)
            {
                return null;
            }

            ClientEntry[] taken = node.TakeAll();
            RetireIfEmpty(node);
            return taken;
        }
    }

    private void Sweep()
    {
        int expired = 0;
        foreach ((_, SessionNode node) in _sessions)
        {
            long lastUsed = node.LastUsed;
            if (_clock.Since(lastUsed) >= _options.SlidingExpiration && TakeIfIdleSince(node, lastUsed) is { } taken)
            {
                _metrics.Evicted(SessionMetrics.Idle);
                Close(taken);
                expired++;
            }
            else if (ExpireOld(node))
            {
                expired++;
            }
        }

        if (expired > 0)
        {
            _logger.SessionsExpired(expired, _census.Count);
        }
    }

    private bool ExpireOld(SessionNode node)
    {
        bool any = false;
        foreach (ClientEntry entry in node.Entries)
        {
            any |= IsOld(entry);
        }

        if (!any)
        {
            return false;
        }

        ClientEntry[] taken;
        bool isGone;
        lock (node)
        {
            taken = node.Take(IsOld);
            isGone = !node.IsDead && RetireIfEmpty(node);
        }

        if (isGone)
        {
            _metrics.Evicted(SessionMetrics.Absolute);
        }

        Close(taken);
        return isGone;
    }

    private bool IsOld(ClientEntry entry) => _clock.Since(entry.CreatedAt) >= _options.AbsoluteExpiration;

    /// <summary>Under the node's lock: lets a node without clients leave. Its place is free before anyone can ask for it again.</summary>
    private bool RetireIfEmpty(SessionNode node)
    {
        if (node.IsDead || !node.IsEmpty)
        {
            return false;
        }

        node.Die();
        _sessions.TryRemove(new KeyValuePair<string, SessionNode>(node.Id, node));
        _census.Leave();
        return true;
    }

    private static object Present(object? client, string provider) => client
        ?? throw new InvalidOperationException($"The factory of provider '{provider}' returned null. Return a client, or throw.");

    private static void Close(ClientEntry[] entries)
    {
        foreach (ClientEntry entry in entries)
        {
            entry.Close();
        }
    }
}
