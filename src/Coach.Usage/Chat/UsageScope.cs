namespace Coach.Usage.Chat;

/// <summary>
/// One model call with all its attempts: the budget above the fallback learns what the attempts below it used.
/// </summary>
/// <remarks>
/// It flows by the execution context, not in the options: those are sent to providers. A stream must make it current
/// before each step, because an async iterator gets its reader's context anew at each.
/// </remarks>
internal sealed class UsageScope(string id)
{
    private static readonly AsyncLocal<UsageScope?> CurrentScope = new();

    private readonly Lock _gate = new();
    private int _attempts;

    public static UsageScope? Current
    {
        get => CurrentScope.Value;
        set => CurrentScope.Value = value;
    }

    public string Id => id;

    /// <summary>What all attempts used so far; null before the first ended.</summary>
    public UsageCost? Cost { get; private set; }

    /// <summary>Whether the last attempt has been started and not been recorded yet.</summary>
    public int NextAttempt() => Interlocked.Increment(ref _attempts);

    public UsageCost Add(UsageCost cost)
    {
        lock (_gate)
        {
            return Cost = Cost?.Add(cost) ?? cost;
        }
    }
}
