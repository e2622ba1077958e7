using Microsoft.Extensions.Logging;

namespace Coach.Prometheus.Collection;

/// <summary>The log messages of Coach.Prometheus: event ids 8000 to 8999.</summary>
internal static partial class Log
{
    [LoggerMessage(
        8000,
        LogLevel.Warning,
        "Instrument {Instrument} of meter {Meter} is left out of the metrics page: the name {Family} is in use "
        + "({Reason}). Rename it, or add a view.")]
    public static partial void InstrumentRefused(
        this ILogger logger, string instrument, string meter, string family, string reason);

    [LoggerMessage(
        8001,
        LogLevel.Warning,
        "The metrics of {Family} are left out of this page: writing them threw {ExceptionType}")]
    public static partial void FamilyLeftOut(this ILogger logger, string family, string exceptionType);

    [LoggerMessage(8002, LogLevel.Warning, "A scrape failed: {Reason}")]
    public static partial void ScrapeFailed(this ILogger logger, string reason);
}
