using Coach.Abstractions;
using Coach.Observability.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Observability.Containers;

/// <summary>
/// Memory pressure with hysteresis: it begins at the threshold and ends 5 points lower. The share is the working set in
/// the container's tightest limit; without a limit nothing is known, and that is no pressure: what else the machine
/// runs must not refuse sessions.
/// </summary>
internal sealed class MemoryPressure : IMemoryPressure
{
    private const double Hysteresis = 0.05;

    private readonly ContainerMonitor _container;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly double _threshold;
    private readonly TimeSpan _warningInterval;
    private readonly Lock _gate = new();
    private ContainerReading? _seen;
    private volatile bool _isHigh;
    private long? _warnedAt;
    private long _entered;

    public MemoryPressure(
        ContainerMonitor container,
        IOptions<CoachObservabilityOptions> options,
        TimeProvider time,
        ILogger<MemoryPressure> logger)
    {
        _container = container;
        _time = time;
        _logger = logger;
        _threshold = options.Value.MemoryPressureThreshold;
        _warningInterval = options.Value.MemoryPressureWarningInterval;
    }

    /// <inheritdoc />
    public bool IsHigh
    {
        get
        {
            ContainerReading reading = _container.Read();
            if (!ReferenceEquals(reading, Volatile.Read(ref _seen)))
            {
                Judge(reading);
            }

            return _isHigh;
        }
    }

    /// <summary>How often pressure began.</summary>
    public long Entered => Volatile.Read(ref _entered);

    private void Judge(ContainerReading reading)
    {
        lock (_gate)
        {
            if (ReferenceEquals(reading, _seen))
            {
                return;
            }

            double? share = reading.Utilization;
            bool isHigh = share is { } known && known >= (_isHigh ? _threshold - Hysteresis : _threshold);
            if (isHigh && !_isHigh)
            {
                _entered++;
                if (_warnedAt is null || _time.GetElapsedTime(_warnedAt.Value) >= _warningInterval)
                {
                    _warnedAt = _time.GetTimestamp();
                    _logger.MemoryPressureEntered(
                        (int)(share!.Value * 100), (int)Math.Round((_threshold - Hysteresis) * 100));
                }
            }
            else if (!isHigh && _isHigh)
            {
                _logger.MemoryPressureLeft((int)((share ?? 0) * 100));
            }

            _isHigh = isHigh;
            Volatile.Write(ref _seen, reading);
        }
    }
}

/// <summary>Memory pressure as a component: degraded, or unhealthy where the host asked for that.</summary>
internal sealed class MemoryHealth(
    MemoryPressure pressure, IOptions<CoachObservabilityOptions> options) : IComponentHealth
{
    public string Name => "memory";

    public ValueTask<ComponentReport> CheckAsync(CancellationToken cancellationToken = default)
    {
        if (!pressure.IsHigh)
        {
            return ValueTask.FromResult(new ComponentReport(ComponentState.Healthy, "Memory is not short"));
        }

        ComponentState state = options.Value.MemoryPressureFailsReadiness
            ? ComponentState.Unhealthy
            : ComponentState.Degraded;
        return ValueTask.FromResult(new ComponentReport(state, "Container memory pressure detected"));
    }
}
