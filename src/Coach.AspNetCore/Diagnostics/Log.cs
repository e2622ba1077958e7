using Microsoft.Extensions.Logging;

namespace Coach.AspNetCore.Diagnostics;

internal static partial class Log
{
    [LoggerMessage(6001, LogLevel.Error, "Request {RequestId} failed with {ExceptionType}")]
    public static partial void RequestFailed(this ILogger logger, string requestId, string exceptionType);

    [LoggerMessage(6002, LogLevel.Debug, "Chat of request {RequestId} ended after its first byte with {Code}")]
    public static partial void ChatCutShort(this ILogger logger, string requestId, string code);

    [LoggerMessage(6004, LogLevel.Critical, "The application could not start: {Reason}")]
    public static partial void StartFailed(this ILogger logger, string reason);

    [LoggerMessage(6005, LogLevel.Error, "The chat client of request {RequestId} failed with {ExceptionType}")]
    public static partial void ChatClientFailed(this ILogger logger, string requestId, string exceptionType);

    [LoggerMessage(6003, LogLevel.Warning, "Clean-up of an ended session failed at {Step} with {ExceptionType}")]
    public static partial void SessionCleanupFailed(this ILogger logger, string step, string exceptionType);

    [LoggerMessage(6006, LogLevel.Error, "The speech client of request {RequestId} failed with {ExceptionType}")]
    public static partial void SpeechFailed(this ILogger logger, string requestId, string exceptionType);

    [LoggerMessage(
        6020,
        LogLevel.Information,
        "{Method} {Route} answered {Status} in {Milliseconds} ms; request {Request}, session {Session}")]
    public static partial void RequestAnswered(
        this ILogger logger,
        string method,
        string route,
        int status,
        double milliseconds,
        string request,
        string session);

    [LoggerMessage(
        6021,
        LogLevel.Debug,
        "{Method} {Route} answered {Status} in {Milliseconds} ms; request {Request}")]
    public static partial void ProbeAnswered(
        this ILogger logger, string method, string route, int status, double milliseconds, string request);

    [LoggerMessage(
        6022,
        LogLevel.Information,
        "Audit: {Action} {Outcome} with {Status}; request {Request}, session {Session}")]
    public static partial void Audited(
        this ILogger logger, string action, string outcome, int status, string request, string session);

    [LoggerMessage(
        6023, LogLevel.Error, "An event of a key is missing in the audit log, which cannot be written: {Code}")]
    public static partial void AuditLogAway(this ILogger logger, string code);
}
