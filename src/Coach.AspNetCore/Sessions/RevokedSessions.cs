using Coach.Abstractions;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Sessions;

/// <summary>Remembers which sessions were ended until their cookies would have expired anyway.</summary>
internal sealed class RevokedSessions(IDistributedCache cache, IOptions<CoachSessionOptions> options, TimeProvider time)
{
    // A deny list: the cookie carries the session by itself, so only what was ended early has to be stored.
    private static readonly byte[] Mark = [1];

    public async Task<bool> ContainsAsync(SessionId id, CancellationToken cancellationToken) =>
        await cache.GetAsync(Key(id), cancellationToken).ConfigureAwait(false) is not null;

    public Task AddAsync(SessionId id, CancellationToken cancellationToken)
    {
        DateTimeOffset end = time.GetUtcNow() + options.Value.AbsoluteLifetime;
        var expiry = new DistributedCacheEntryOptions { AbsoluteExpiration = end };
        return cache.SetAsync(Key(id), Mark, expiry, cancellationToken);
    }

    private static string Key(SessionId id) => "coach:ended:" + id.Value;
}
