using Microsoft.Extensions.Logging;

namespace Coach.Observability.Diagnostics;

/// <summary>The log messages of Coach.Observability: event ids 5000 to 5999.</summary>
internal static partial class Log
{
    [LoggerMessage(
        5001, LogLevel.Information, "Configured resources: MEMORY_MB={MemoryMb}, MAX_CONTAINERS={MaxContainers}")]
    public static partial void ConfiguredResources(this ILogger logger, int memoryMb, int maxContainers);

    [LoggerMessage(5002, LogLevel.Information, "Container memory usage at start: {UsedMb} MB / {LimitMb} MB")]
    public static partial void MemoryAtStart(this ILogger logger, long usedMb, long limitMb);

    [LoggerMessage(
        5003, LogLevel.Information, "Container memory usage at start: {UsedMb} MB (no cgroup limit detected)")]
    public static partial void MemoryAtStartUnlimited(this ILogger logger, long usedMb);

    [LoggerMessage(
        5004,
        LogLevel.Warning,
        "Memory pressure: {Percent} % of the memory limit is in use; new sessions wait until it falls below "
        + "{LeavePercent} %")]
    public static partial void MemoryPressureEntered(this ILogger logger, int percent, int leavePercent);

    [LoggerMessage(5005, LogLevel.Information, "Memory pressure is over: {Percent} % of the memory limit is in use")]
    public static partial void MemoryPressureLeft(this ILogger logger, int percent);

    [LoggerMessage(5006, LogLevel.Warning, "Health check {Check} is {Status}: {Description}")]
    public static partial void HealthWorse(this ILogger logger, string check, string status, string description);

    [LoggerMessage(5007, LogLevel.Information, "Health check {Check} is {Status} again")]
    public static partial void HealthBetter(this ILogger logger, string check, string status);

    [LoggerMessage(5008, LogLevel.Warning, "Health check {Check} threw {ExceptionType}; it counts as failed")]
    public static partial void HealthCheckThrew(this ILogger logger, string check, string exceptionType);

    [LoggerMessage(
        5009, LogLevel.Warning, "Health check {Check} did not finish within {LimitSeconds} s; it counts as failed")]
    public static partial void HealthCheckTimedOut(this ILogger logger, string check, double limitSeconds);
}
