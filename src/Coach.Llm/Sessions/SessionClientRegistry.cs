using System.Runtime.CompilerServices;
using Coach.Llm.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Llm.Sessions;

/// <summary>
/// An acquire of a live client asks an index that needs no lock and changes one word of the client's entry. All else —
/// creation, rotation, removal, expiry — goes through the session's node and holds its monitor.
/// </summary>
internal sealed class SessionClientRegistry : ISessionClientRegistry, IAsyncDisposable, IDisposable
{
    private readonly SessionStore _store;
    private readonly ClientFactoryInvoker _maker;
    private readonly SessionExpiry _expiry;
    private readonly ProviderFactories _factories;
    private readonly LlmSessionOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<SessionClientRegistry> _logger;
    private readonly AdmissionControl _admission;
    private readonly HostKeys _hostKeys;
    private readonly ClientDisposer _clients;
    private readonly CoarseClock _clock;
    private volatile bool _isStopping;

    public SessionClientRegistry(
        ProviderFactories factories,
        AdmissionControl admission,
        IOptions<CoachLlmOptions> options,
        TimeProvider time,
        SessionMetrics metrics,
        HostKeys hostKeys,
        ILogger<SessionClientRegistry> logger)
    {
        (_factories, _admission, _hostKeys, _time, _logger) = (factories, admission, hostKeys, time, logger);
        _options = options.Value.Sessions;
        _clients = new ClientDisposer(logger);
        _clock = new CoarseClock(time, _options.SweepInterval);
        _store = new SessionStore(_admission, _clients, _clock);
        _maker = new ClientFactoryInvoker(_store, _clients, time, _options, logger, () => _isStopping);
        _expiry = new SessionExpiry(_store, _admission, _clock, _options, metrics, logger);
        _clock.Start(_expiry.Sweep);
    }

    public int SessionCount => _admission.Count;

    public bool IsFull => _admission.Count >= _admission.Maximum;

    public bool IsMemoryShort => _admission.IsMemoryShort;

    /// <summary>Clients that exist in or out of the registry: leased ones outlive their removal.</summary>
    public int ClientCount => _clients.Count;

    public ValueTask<ClientLease<TClient>> AcquireAsync<TClient>(
        SessionId session, ApiKey key, CancellationToken cancellationToken = default)
        where TClient : class
    {
        ArgumentNullException.ThrowIfNull(key);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ClientLease<TClient>>(cancellationToken);
        }

        return _store.Find(session.Value, typeof(TClient), key) is { } entry
            && entry.TryLease(out int number) is { } ticket
            ? new ValueTask<ClientLease<TClient>>(
                new ClientLease<TClient>(Unsafe.As<TClient>(entry.Client), ticket, number))
            : AcquireSlowlyAsync<TClient>(session, key, cancellationToken);
    }

    public ValueTask RemoveAsync(SessionId session, CancellationToken cancellationToken = default)
    {
        if (_store.TryGet(session.Value, out SessionNode? node))
        {
            _store.Remove(node, provider: null);
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask RemoveAsync(SessionId session, string provider, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(provider);
        if (_store.TryGet(session.Value, out SessionNode? node))
        {
            _store.Remove(node, provider.ToLowerInvariant());
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
        foreach (SessionNode node in _store.All)
        {
            _store.Remove(node, provider: null);
        }
    }

    // A person's key that was replaced may have leaked. Both of the host's own in a rotation go on side by side.
    private bool AreOverlapping(ApiKey one, ApiKey other) =>
        !one.Equals(other) && _hostKeys.Owns(one) && _hostKeys.Owns(other);

    private async ValueTask<ClientLease<TClient>> AcquireSlowlyAsync<TClient>(
        SessionId session, ApiKey key, CancellationToken cancellationToken)
        where TClient : class
    {
        if (session.IsEmpty)
        {
            throw LlmException.SessionRequired();
        }

        Func<SessionId, ApiKey, CancellationToken, ValueTask<object>> create = _factories.Find(
            key.Provider, typeof(TClient));
        while (true)
        {
            ObjectDisposedException.ThrowIf(_isStopping, typeof(ISessionClientRegistry));
            SessionNode node = _store.FindOrAdmit(session.Value, _expiry.Evict);
            ClientEntry? live;
            LeaseGeneration? ticket = null;
            int number = 0;
            PendingClient? creation = null;
            ClientEntry? outdated = null;
            bool isFirst = false;
            lock (node)
            {
                if (node.IsDead)
                {
                    continue; // it left between the look-up and the lock; its successor takes over
                }

                if (_isStopping)
                {
                    _store.RetireIfEmpty(node);
                    throw new ObjectDisposedException(
                        nameof(ISessionClientRegistry), "The host is shutting down; no client is leased any more.");
                }

                node.Use(_clock.Now);
                live = node.Find(typeof(TClient), key);
                ticket = live?.TryLease(out number);
                if (ticket is null)
                {
                    outdated = _store.Take(
                        node,
                        entry => ReferenceEquals(entry.Type, typeof(TClient)) && entry.Key.Provider == key.Provider
                            && !AreOverlapping(entry.Key, key));
                    creation = node.FindCreation(typeof(TClient), key);
                    isFirst = creation is null;
                    creation ??= node.Begin(typeof(TClient), key);
                    creation.Waiting++;
                }
            }

            if (ticket is not null)
            {
                return new ClientLease<TClient>(Unsafe.As<TClient>(live!.Client), ticket, number);
            }

            SessionStore.Close(outdated);
            if (isFirst)
            {
                _ = _maker.CreateAsync(node, creation!, create, session);
            }

            ClientEntry made = await ClientFactoryInvoker.WaitAsync(node, creation!, cancellationToken)
                .ConfigureAwait(false);
            ticket = made.TakeReserved(out number);
            return new ClientLease<TClient>(Unsafe.As<TClient>(made.Client), ticket, number);
        }
    }
}
