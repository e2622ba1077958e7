namespace Coach;

/// <summary>
/// Exponential backoff with jitter: the wait doubles with each attempt, is spread at random so that clients do not come
/// back together, and never passes the longest.
/// </summary>
/// <param name="first">The wait after the first attempt, before it is spread.</param>
/// <param name="longest">The longest wait, spread included.</param>
/// <param name="jitter">Gives numbers from 0 up to 1; without it waits are not spread.</param>
/// <param name="low">The factor for 0.</param>
/// <param name="high">The factor for 1.</param>
internal sealed class Backoff(
    TimeSpan first, TimeSpan longest, Func<double>? jitter = null, double low = 1, double high = 1)
{
    /// <summary>The wait after an attempt.</summary>
    /// <param name="attempt">Which attempt failed, from 0.</param>
    public TimeSpan Wait(int attempt)
    {
        double doubled = Math.Min(first.Ticks * Math.Pow(2, attempt), longest.Ticks);
        double spread = jitter is null ? doubled : doubled * (low + ((high - low) * jitter()));
        return spread < longest.Ticks ? TimeSpan.FromTicks((long)spread) : longest;
    }
}
