using Coach.Llm.Core;
using Microsoft.Extensions.Logging;

namespace Coach.Llm.Sessions;

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
