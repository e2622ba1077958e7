using Coach.Llm.Core;
using Microsoft.Extensions.Logging;

namespace Coach.Llm.Sessions;

/// <summary>
/// Makes clients, each once however many callers wait for it. A creation that fails fails its own callers and leaves
/// nothing behind.
/// </summary>
internal sealed class ClientFactoryInvoker(
    SessionStore store, ClientDisposer clients, IServiceProvider services, TimeProvider time, LlmSessionOptions options, ILogger logger, Func<bool> isStopping)
{
    /// <summary>Makes the client and hands it to all who wait. Ends in the creation's task; never throws.</summary>
    public async Task CreateAsync(SessionNode node, PendingClient creation, ClientFactory create, SessionId session)
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

    private async Task<object> MakeAsync(PendingClient creation, ClientFactory create, SessionId session)
    {
        using var limit = new Deadline(options.CreationTimeout, time, creation.Abandoned.Token);
        ValueTask<object> making = create(services, session, creation.Key, limit.Token);
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
