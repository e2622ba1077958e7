using Coach.Usage.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Coach.Usage;

/// <summary>
/// Prices from a file, read again when it has changed. A file that cannot be read later leaves the prices from before
/// in force, and is reported.
/// </summary>
/// <remarks>
/// It looks at the file's time and size when prices are asked for, at most once in <see cref="Interval"/>: no watcher
/// to lose events on mounted folders.
/// </remarks>
public sealed class FilePriceSource : IPriceSource
{
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private PriceTable _current;
    private (DateTime Written, long Length) _version;
    private long _lookedAt;

    /// <summary>Reads the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="time">The clock of <see cref="Interval"/>.</param>
    /// <param name="logger">Where changes and failures are reported; null for nowhere.</param>
    /// <exception cref="FormatException">It is no price file; the message says where and why.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public FilePriceSource(string path, TimeProvider time, ILogger<FilePriceSource>? logger = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(time);
        (_path, _time, _logger) = (path, time, logger ?? NullLogger<FilePriceSource>.Instance);
        _version = Version();
        _current = PriceTable.Load(path);
        _lookedAt = time.GetTimestamp();
        _logger.PricesRead(_current.Prices.Count, _current.Date);
    }

    /// <summary>How often the file is looked at, at most: 5 seconds.</summary>
    public static TimeSpan Interval { get; } = TimeSpan.FromSeconds(5);

    /// <inheritdoc />
    public PriceTable Current
    {
        get
        {
            if (_time.GetElapsedTime(Volatile.Read(ref _lookedAt)) >= Interval)
            {
                lock (_gate)
                {
                    Look();
                }
            }

            return Volatile.Read(ref _current);
        }
    }

    private void Look()
    {
        if (_time.GetElapsedTime(_lookedAt) < Interval)
        {
            return;
        }

        Volatile.Write(ref _lookedAt, _time.GetTimestamp());
        try
        {
            (DateTime Written, long Length) version = Version();
            if (version == _version)
            {
                return;
            }

            // First: a file that is wrong is reported once, not at every look.
            _version = version;
            Volatile.Write(ref _current, PriceTable.Load(_path));
            _logger.PricesRead(_current.Prices.Count, _current.Date);
        }
        catch (Exception exception) when (exception is IOException or FormatException or UnauthorizedAccessException)
        {
            _logger.PricesUnreadable(exception is FormatException ? exception.Message : exception.GetType().Name);
        }
    }

    private (DateTime Written, long Length) Version()
    {
        var file = new FileInfo(_path);
        return (file.LastWriteTimeUtc, file.Exists ? file.Length : -1);
    }
}
