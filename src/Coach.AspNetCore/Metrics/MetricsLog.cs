using Microsoft.Extensions.Logging;

namespace Coach.AspNetCore;

/// <summary>The log messages of the metrics page, health endpoints and request ids: event ids 6500 to 6999.</summary>
internal static partial class MetricsLog
{
    [LoggerMessage(
        6500,
        LogLevel.Warning,
        "Instrument {Instrument} of meter {Meter} is left out of the metrics page: the name {Family} is in use "
        + "({Reason}). Rename it, or add a view.")]
    public static partial void InstrumentRefused(
        this ILogger logger, string instrument, string meter, string family, string reason);

    [LoggerMessage(
        6501,
        LogLevel.Warning,
        "The metrics of {Family} are left out of this page: writing them threw {ExceptionType}")]
    public static partial void FamilyLeftOut(this ILogger logger, string family, string exceptionType);

    [LoggerMessage(6502, LogLevel.Warning, "A scrape failed: {Reason}")]
    public static partial void ScrapeFailed(this ILogger logger, string reason);
}
