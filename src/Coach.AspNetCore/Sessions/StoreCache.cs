using Coach.Abstractions;
using Microsoft.Extensions.Caching.Distributed;

namespace Coach.AspNetCore.Sessions;

/// <summary>
/// A distributed cache of which each call ends in time: one that fails or is away throws
/// <see cref="StoreException"/>, whatever its client throws, and nothing is assumed of what it holds.
/// </summary>
internal sealed class StoreCache(IDistributedCache cache, TimeProvider time)
{
    /// <summary>How long one call may take.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    public Task<byte[]?> GetAsync(string key, CancellationToken cancellationToken) =>
        CallAsync("read", token => cache.GetAsync(key, token), cancellationToken);

    public Task SetAsync(
        string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken cancellationToken) =>
        CallAsync("write", token => DoneAsync(cache.SetAsync(key, value, options, token)), cancellationToken);

    public Task RemoveAsync(string key, CancellationToken cancellationToken) =>
        CallAsync("remove", token => DoneAsync(cache.RemoveAsync(key, token)), cancellationToken);

    public Task RefreshAsync(string key, CancellationToken cancellationToken) =>
        CallAsync("renew", token => DoneAsync(cache.RefreshAsync(key, token)), cancellationToken);

    private async Task<T> CallAsync<T>(
        string doing, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            Task<T> running = call(cancellationToken);
            return running.IsCompletedSuccessfully
                ? running.Result
                : await running.WaitAsync(Limit, time, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            throw new StoreException("sessions", doing, exception);
        }
    }

    private static async Task<bool> DoneAsync(Task task)
    {
        await task.ConfigureAwait(false);
        return true;
    }
}

/// <summary>Whether sessions and their keys can be read: <c>session_store</c>.</summary>
internal sealed class SessionStoreHealth(IDistributedCache cache, TimeProvider time) : IComponentHealth
{
    private readonly StoreCache _store = new(cache, time);

    public string Name => "session_store";

    public async ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await _store.GetAsync("coach:health", cancellationToken).ConfigureAwait(false);
            return new ComponentReport(ComponentState.Healthy, "the store of sessions answers");
        }
        catch (StoreException)
        {
            return new ComponentReport(ComponentState.Unhealthy, "the store of sessions does not answer");
        }
    }
}
