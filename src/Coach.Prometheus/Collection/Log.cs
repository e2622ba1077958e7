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

    [LoggerMessage(
        8003,
        LogLevel.Information,
        "The meters {Meters} share the name {Family} on the metrics page: from now on each of its samples says in "
        + "otel_scope_name whose it is")]
    public static partial void MetersShareAName(this ILogger logger, string meters, string family);

    [LoggerMessage(
        8004,
        LogLevel.Warning,
        "Instrument {Instrument} of meter {Meter} has more label sets than the SDK keeps: what is measured beyond them "
        + "is added up under otel_metric_overflow. Give its tags fewer values, or it a view with a higher limit.")]
    public static partial void LabelSetsOverflow(this ILogger logger, string instrument, string meter);

    [LoggerMessage(
        8005,
        LogLevel.Warning,
        "Instrument {Instrument} of meter {Meter} is not measured: there are more instruments than the SDK takes. "
        + "Raise SetMaxMetricStreams of the meter provider.")]
    public static partial void InstrumentIgnored(this ILogger logger, string instrument, string meter);
}
