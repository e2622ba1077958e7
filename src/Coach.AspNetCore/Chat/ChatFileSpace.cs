using System.Net;

namespace Coach.AspNetCore.Chat;

/// <summary>
/// How much memory questions with files take at once. One network (<see cref="Http.ClientNetwork"/>) has half of it at
/// most, whatever keys it holds; the first question of each finds room as long as there is any.
/// </summary>
internal sealed class ChatFileSpace
{
    /// <summary>The most, in bytes of request bodies.</summary>
    public const long MaxBytes = 64 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, long> _shares = [];
    private long _taken;

    /// <summary>Takes room for a body; null when there is none now.</summary>
    public IDisposable? TryTake(IPAddress network, long bytes)
    {
        lock (_lock)
        {
            long share = _shares.GetValueOrDefault(network);
            if (_taken + bytes > MaxBytes || (share > 0 && share + bytes > MaxBytes / 2))
            {
                return null;
            }

            _taken += bytes;
            _shares[network] = share + bytes;
            return new Room(this, network, bytes);
        }
    }

    private void Give(IPAddress network, long bytes)
    {
        lock (_lock)
        {
            _taken -= bytes;
            long share = _shares[network] - bytes;
            if (share == 0)
            {
                _shares.Remove(network);
            }
            else
            {
                _shares[network] = share;
            }
        }
    }

    private sealed class Room(ChatFileSpace space, IPAddress network, long bytes) : IDisposable
    {
        private int _isGiven;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isGiven, 1) == 0)
            {
                space.Give(network, bytes);
            }
        }
    }
}
