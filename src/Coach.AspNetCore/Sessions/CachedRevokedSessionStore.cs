using System.Buffers.Binary;
using Coach.Abstractions;
using Microsoft.Extensions.Caching.Distributed;

namespace Coach.AspNetCore.Sessions;

/// <summary>Ended sessions in the host's distributed cache: replicas that share the cache share them.</summary>
internal sealed class CachedRevokedSessionStore(IDistributedCache cache, TimeProvider time) : IRevokedSessionStore
{
    private readonly StoreCache _store = new(cache, time);

    public async ValueTask RevokeAsync(
        SessionId session, DateTimeOffset until, CancellationToken cancellationToken = default)
    {
        if (until <= time.GetUtcNow() || await FindAsync(session, cancellationToken).ConfigureAwait(false) >= until)
        {
            return;
        }

        byte[] mark = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(mark, until.UtcTicks);
        var expiry = new DistributedCacheEntryOptions { AbsoluteExpiration = until };
        await _store.SetAsync(Key(session), mark, expiry, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<bool> IsRevokedAsync(SessionId session, CancellationToken cancellationToken = default) =>
        await FindAsync(session, cancellationToken).ConfigureAwait(false) > time.GetUtcNow();

    // A mark of another length is one of version 0.1.0, which held no time: it stands as long as the cache keeps it.
    private async ValueTask<DateTimeOffset?> FindAsync(SessionId session, CancellationToken cancellationToken)
    {
        byte[]? mark = await _store.GetAsync(Key(session), cancellationToken).ConfigureAwait(false);
        return mark switch
        {
            null => null,
            { Length: sizeof(long) } => new DateTimeOffset(BinaryPrimitives.ReadInt64LittleEndian(mark), TimeSpan.Zero),
            _ => DateTimeOffset.MaxValue,
        };
    }

    private static string Key(SessionId session) => "coach:ended:" + session.Value;
}
