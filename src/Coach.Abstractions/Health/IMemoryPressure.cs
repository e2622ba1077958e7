namespace Coach.Abstractions;

/// <summary>
/// Tells admission control whether memory is short. Coach.Observability supplies it; reading it costs no I/O.
/// </summary>
public interface IMemoryPressure
{
    /// <summary>
    /// Whether new sessions should wait: working set against the tightest limit, with hysteresis.
    /// An unknown limit is no pressure.
    /// </summary>
    bool IsHigh { get; }
}
