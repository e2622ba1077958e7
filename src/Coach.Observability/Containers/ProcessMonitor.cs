using System.Diagnostics;
using Microsoft.Extensions.Options;

namespace Coach.Observability.Containers;

/// <summary>
/// The process's own figures, read at most once per <see cref="CoachObservabilityOptions.ReadingMaxAge"/>.
/// </summary>
internal sealed class ProcessMonitor
{
    private readonly Cached<ProcessReading> _reading;
    private readonly string _proc;
    private readonly TimeProvider _time;
    private readonly long _createdAt;
    private readonly TimeSpan _uptimeAtCreation;

    public ProcessMonitor(IOptions<CoachObservabilityOptions> options, TimeProvider time)
    {
        _time = time;
        _proc = Path.Combine(options.Value.FileSystemRoot, "proc/self");
        _createdAt = time.GetTimestamp();
        using var process = Process.GetCurrentProcess();
        DateTimeOffset started = new(process.StartTime.ToUniversalTime());
        TimeSpan uptime = time.GetUtcNow() - started;
        _uptimeAtCreation = uptime > TimeSpan.Zero ? uptime : TimeSpan.Zero;
        StartedAtUnixSeconds = started.ToUnixTimeMilliseconds() / 1000.0;
        _reading = new Cached<ProcessReading>(Take, options.Value.ReadingMaxAge, time);
    }

    public double StartedAtUnixSeconds { get; }

    /// <summary>
    /// How long the process has run, by the monotonic clock: a wall clock set back does not shorten it.
    /// </summary>
    public TimeSpan Uptime => _uptimeAtCreation + _time.GetElapsedTime(_createdAt);

    public ProcessReading Read() => _reading.Get();

    private ProcessReading Take() => new(
        Environment.WorkingSet,
        OperatingSystem.IsIOS() || OperatingSystem.IsTvOS() || OperatingSystem.IsBrowser()
            ? null
            : Environment.CpuUsage.TotalTime.TotalSeconds,
        OpenFiles(),
        MaxFiles());

    private long? OpenFiles()
    {
        try
        {
            string folder = Path.Combine(_proc, "fd");
            return OperatingSystem.IsLinux() && Directory.Exists(folder)
                ? Directory.EnumerateFileSystemEntries(folder).LongCount()
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // Max open files            1048576              1048576              files
    private long? MaxFiles()
    {
        Span<byte> buffer = stackalloc byte[4096];
        if (!OperatingSystem.IsLinux() || !KernelFile.TryRead(Path.Combine(_proc, "limits"), buffer, out int length))
        {
            return null;
        }

        return KernelFile.Field(buffer[..length], "Max open files"u8);
    }
}

/// <summary>One reading of the process's figures.</summary>
internal sealed record ProcessReading(long ResidentBytes, double? CpuSeconds, long? OpenFiles, long? MaxFiles);
