using System.Runtime.CompilerServices;
using Coach.Abstractions;
using Coach.Redis.Connections;
using StackExchange.Redis;

namespace Coach.Redis.Sessions;

/// <summary>
/// Hears of ended sessions on a channel. A connection that was lost is listened on again when it is back, and a new one
/// in place of one that was given up.
/// </summary>
internal sealed class RedisSessionEndEvents(RedisConnection redis, TimeProvider time) : ISessionEndEvents
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public async IAsyncEnumerable<SessionId> ListenAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // A connection that was given up for a new one ends its queue.
        while (await SubscribeAsync(cancellationToken).ConfigureAwait(false) is { } queue)
        {
            try
            {
                while (await ReadAsync(queue, cancellationToken).ConfigureAwait(false) is { } message)
                {
                    if (SessionId.TryFrom((string?)message.Message, out SessionId session))
                    {
                        yield return session;
                    }
                }
            }
            finally
            {
                queue.Unsubscribe(CommandFlags.FireAndForget);
            }
        }
    }

    private static async Task<ChannelMessage?> ReadAsync(ChannelMessageQueue queue, CancellationToken cancellationToken)
    {
        try
        {
            return await queue.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (System.Threading.Channels.ChannelClosedException)
        {
            return null;
        }
    }

    private async Task<ChannelMessageQueue?> SubscribeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                IConnectionMultiplexer connection = await redis.ConnectAsync().ConfigureAwait(false);
                return await connection.GetSubscriber()
                    .SubscribeAsync(RedisChannel.Literal(redis.Keys.EndedChannel)).ConfigureAwait(false);
            }
            catch (ObjectDisposedException)
            {
                return null; // the host ends
            }
            catch (Exception exception) when (exception is RedisException or TimeoutException)
            {
                await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
