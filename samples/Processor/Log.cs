namespace Processor;

/// <summary>What the processor writes to its log: ids and names, never inputs, answers or secrets.</summary>
internal static partial class Log
{
    [LoggerMessage(9101, LogLevel.Information, "Run {RunId} started in mode {Mode}")]
    public static partial void RunStarted(this ILogger logger, string runId, string mode);

    [LoggerMessage(9102, LogLevel.Information, "Run {RunId} ended with {Outcome} after {Milliseconds} ms")]
    public static partial void RunEnded(this ILogger logger, string runId, string outcome, long milliseconds);

    [LoggerMessage(9103, LogLevel.Warning, "Run {RunId} did not stop within {Seconds} s and was cut off")]
    public static partial void RunCut(this ILogger logger, string runId, double seconds);

    [LoggerMessage(9104, LogLevel.Error, "Run {RunId} failed: {Exception}")]
    public static partial void RunFailed(this ILogger logger, string runId, string exception);

    [LoggerMessage(9105, LogLevel.Warning, "A connection was closed with {CloseCode}: {Reason}")]
    public static partial void ConnectionRefused(this ILogger logger, int closeCode, string reason);

    [LoggerMessage(9106, LogLevel.Warning, "Old outputs could not be removed ({Exception}); the next look is in ten minutes")]
    public static partial void SweepFailed(this ILogger logger, string exception);
}
