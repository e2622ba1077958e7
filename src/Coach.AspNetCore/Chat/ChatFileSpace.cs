namespace Coach.AspNetCore.Chat;

/// <summary>How much memory questions with files take at once, whoever asks them.</summary>
internal sealed class ChatFileSpace
{
    /// <summary>The most, in bytes of request bodies.</summary>
    public const long MaxBytes = 64 * 1024 * 1024;

    private long _taken;

    /// <summary>Takes room for a body; null when there is none now.</summary>
    public IDisposable? TryTake(long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= MaxBytes)
        {
            return new Room(this, bytes);
        }

        Interlocked.Add(ref _taken, -bytes);
        return null;
    }

    private sealed class Room(ChatFileSpace space, long bytes) : IDisposable
    {
        private int _isGiven;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isGiven, 1) == 0)
            {
                Interlocked.Add(ref space._taken, -bytes);
            }
        }
    }
}
