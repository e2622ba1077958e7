using Coach.Llm.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Llm.Sessions;

/// <summary>
/// Makes clients, each once however many callers wait for it. A creation that fails fails its own callers and leaves
/// nothing behind.
/// </summary>
internal sealed class ClientFactoryInvoker(
    SessionStore store,
    ClientDisposer clients,
    TimeProvider time,
    LlmSessionOptions options,
    ILogger logger,
    Func<bool> isStopping)
{
    /// <summary>Makes the client and hands it to all who wait. Ends in the creation's task; never throws.</summary>
    public async Task CreateAsync(
        SessionNode node, PendingClient creation, Func<SessionId, ApiKey, CancellationToken, ValueTask<object>> create,
        SessionId session)
    {
        object? client = null;
        try
        {
            client = await MakeAsync(creation, create, session).ConfigureAwait(false);
            clients.Own(client, creation.Key.Provider);
        }
        catch (Exception failure)
        {
            lock (node)
            {
                node.End(creation);
                store.RetireIfEmpty(node);
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
            entry = new ClientEntry(client, creation.Type, creation.Key, node.Id, store, creation.Waiting);
            creation.Entry = entry;
            node.End(creation);
            isKept = creation is { IsSuperseded: false, Waiting: > 0 } && !node.IsDead && !isStopping();
            if (isKept)
            {
                store.Add(node, entry);
            }
            else
            {
                store.RetireIfEmpty(node);
            }
        }

        if (!isKept)
        {
            entry.Close();
        }

        creation.Done.TrySetResult(entry);
    }

    /// <summary>Waits for a creation that the caller was counted in.</summary>
    /// <returns>The entry, with a lease reserved for the caller.</returns>
    public static async Task<ClientEntry> WaitAsync(
        SessionNode node, PendingClient creation, CancellationToken cancellationToken)
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

    private async Task<object> MakeAsync(
        PendingClient creation, Func<SessionId, ApiKey, CancellationToken, ValueTask<object>> create, SessionId session)
    {
        using var limit = new Deadline(options.CreationTimeout, time, creation.Abandoned.Token);
        ValueTask<object> making = create(session, creation.Key, limit.Token);
        if (making.IsCompletedSuccessfully)
        {
            return Present(making.Result, creation.Key.Provider);
        }

        Task<object> task = making.AsTask();
        try
        {
            return Present(await task.WaitAsync(limit.Token).ConfigureAwait(false), creation.Key.Provider);
        }
        catch (OperationCanceledException) when (limit.Token.IsCancellationRequested)
        {
            _ = DiscardAsync(task, creation.Key.Provider);
            if (limit.HasPassed)
            {
                throw LlmException.TimedOut(
                    creation.Key.Provider, "Coach:Llm:Sessions:CreationTimeout", options.CreationTimeout);
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
            clients.Own(client, provider);
            clients.Dispose(client, provider);
        }
        catch (Exception failure)
        {
            logger.LateClientFailed(provider, failure.GetType().Name);
        }
    }

    private static object Present(object? client, string provider) => client
        ?? throw new InvalidOperationException(
            $"The factory of provider '{provider}' returned null. Return a client, or throw.");
}

/// <summary>
/// A client being made, and the callers that wait for it. Its fields belong to the lock of its session.
/// </summary>
internal sealed class PendingClient(Type type, ApiKey key)
{
    public Type Type { get; } = type;

    public ApiKey Key { get; } = key;

    /// <summary>Ends when the client is there, or failed.</summary>
    public TaskCompletionSource<ClientEntry> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Cancelled when nobody waits any more.</summary>
    public CancellationTokenSource Abandoned { get; } = new();

    public int Waiting { get; set; }

    /// <summary>
    /// Another key, a removal or the loss of all waiters made it pointless to keep the client beyond those who wait for
    /// it.
    /// </summary>
    public bool IsSuperseded { get; set; }

    /// <summary>
    /// Set together with the entry's count of reserved leases; from then on a waiter that leaves gives its lease back.
    /// </summary>
    public ClientEntry? Entry { get; set; }
}

/// <summary>Creates a session's client for a provider.</summary>
internal delegate ValueTask<object> ClientFactory(
    IServiceProvider services, SessionId session, ApiKey key, CancellationToken cancellationToken);

/// <summary>One registered way to make a client.</summary>
internal sealed record ProviderRegistration(string Provider, Type ClientType, ClientFactory Create);

/// <summary>
/// Finds the way to make a client by provider and type; of several registrations for the same, the last counts. A host
/// in mock mode makes none.
/// </summary>
internal sealed class ProviderFactories
{
    private readonly Dictionary<(string Provider, Type ClientType), ClientFactory> _factories = [];
    private readonly IServiceProvider _services;
    private readonly bool _isMock;

    public ProviderFactories(
        IServiceProvider services, IEnumerable<ProviderRegistration> registrations, IOptions<CoachHostOptions> host)
    {
        (_services, _isMock) = (services, host.Value.Mode == HostMode.Mock);
        foreach (ProviderRegistration registration in registrations)
        {
            _factories[(registration.Provider, registration.ClientType)] = registration.Create;
        }
    }

    public bool Has(string provider, Type clientType) => _factories.ContainsKey((provider, clientType));

    /// <exception cref="LlmException">There is none, or the host runs in mock mode.</exception>
    public Func<SessionId, ApiKey, CancellationToken, ValueTask<object>> Find(string provider, Type clientType)
    {
        if (_isMock)
        {
            throw LlmException.RefusedInMock("No client is made for a key");
        }

        if (_factories.TryGetValue((provider, clientType), out ClientFactory? create))
        {
            return (session, key, cancellationToken) => create(_services, session, key, cancellationToken);
        }

        IEnumerable<string> known = _factories.Keys.Where(
            key => key.ClientType == clientType).Select(key => key.Provider);
        throw LlmException.UnknownProvider(provider, clientType.Name, known);
    }
}
