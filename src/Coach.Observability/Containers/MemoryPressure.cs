using Coach.Abstractions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Observability;

/// <summary>
/// Memory pressure with hysteresis: it begins at the threshold and ends 5 points lower. The share is the working set in the
/// container's tightest limit; without a limit, the machine's load as the garbage collector last saw it; unknown is no pressure.
/// </summary>
internal sealed class MemoryPressure : IMemoryPressure
{
    private const double Hysteresis = 0.05;

    private readonly ContainerMonitor _container;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly double _threshold;
    private readonly TimeSpan _warningInterval;
    private readonly Func<double?> _machineLoad;
    private readonly Lock _gate = new();
    private ContainerReading? _seen;
    private volatile bool _isHigh;
    private long? _warnedAt;
    private long _entered;

    public MemoryPressure(ContainerMonitor container, IOptions<CoachObservabilityOptions> options, TimeProvider time, ILogger<MemoryPressure> logger)
        : this(container, options, time, logger, MachineLoad)
    {
    }

    internal MemoryPressure(ContainerMonitor container, IOptions<CoachObservabilityOptions> options, TimeProvider time, ILogger logger, Func<double?> machineLoad)
    {
        _container = container;
        _time = time;
        _logger = logger;
        _threshold = options.Value.MemoryPressureThreshold;
        _warningInterval = options.Value.MemoryPressureWarningInterval;
        _machineLoad = machineLoad;
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

    /// <summary>The share in use; null when unknown.</summary>
    public double? Utilization() => _container.Read().Utilization ?? _machineLoad();

    private void Judge(ContainerReading reading)
    {
        lock (_gate)
        {
            if (ReferenceEquals(reading, _seen))
            {
                return;
            }

            double? share = reading.Utilization ?? _machineLoad();
            bool isHigh = share is { } known && known >= (_isHigh ? _threshold - Hysteresis : _threshold);
            if (isHigh && !_isHigh)
            {
                _entered++;
                if (_warnedAt is null || _time.GetElapsedTime(_warnedAt.Value) >= _warningInterval)
                {
                    _warnedAt = _time.GetTimestamp();
                    _logger.MemoryPressureEntered((int)(share!.Value * 100), (int)Math.Round((_threshold - Hysteresis) * 100));
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

    // The collector's threshold for "high load" is 90 % of what it may use; the load is 0 until the first collection.
    private static double? MachineLoad()
    {
        GCMemoryInfo info = GC.GetGCMemoryInfo(GCKind.Any);
        return info is { MemoryLoadBytes: > 0, HighMemoryLoadThresholdBytes: > 0 }
            ? info.MemoryLoadBytes / (info.HighMemoryLoadThresholdBytes / 0.9)
            : null;
    }
}
