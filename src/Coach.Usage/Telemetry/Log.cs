using Microsoft.Extensions.Logging;

namespace Coach.Usage.Telemetry;

/// <summary>The events of this package, 9000 to 9999.</summary>
internal static partial class Log
{
    [LoggerMessage(
        9001, LogLevel.Warning,
        "The budget store is away; calls go on by policy {Policy} and limits of replicas do not hold until it is back")]
    public static partial void BudgetStoreAway(this ILogger logger, StoreFailurePolicy policy);

    [LoggerMessage(
        9002, LogLevel.Error,
        "What call {CallId} used could not be kept: {Reason}. It was made; settle it by hand or let its lease end")]
    public static partial void SettleFailed(this ILogger logger, string callId, string reason);

    [LoggerMessage(
        9003, LogLevel.Warning,
        "There is no price for a model of {Provider}; its calls are counted in tokens and their cost is unknown")]
    public static partial void PriceUnknown(this ILogger logger, string provider);

    [LoggerMessage(9004, LogLevel.Information, "Prices read: {Count} of {Date}")]
    public static partial void PricesRead(this ILogger logger, int count, DateOnly? date);

    [LoggerMessage(
        9005, LogLevel.Error, "The price file cannot be read: {Problem} The prices from before stay in force")]
    public static partial void PricesUnreadable(this ILogger logger, string problem);

    [LoggerMessage(9006, LogLevel.Warning, "A balance fell to {Micros} micro-units of {Currency}, below the low mark")]
    public static partial void BalanceLow(this ILogger logger, long micros, string currency);

    [LoggerMessage(9007, LogLevel.Error, "The host's handler of low balances failed: {Type}")]
    public static partial void LowBalanceHandlerFailed(this ILogger logger, string type);

    [LoggerMessage(9008, LogLevel.Error, "An event is missing in the audit log, which cannot be written: {Code}")]
    public static partial void AuditFailed(this ILogger logger, string code);

    [LoggerMessage(9009, LogLevel.Information, "{Count} entries of the ledger before {Before} were removed")]
    public static partial void EntriesRemoved(this ILogger logger, long count, DateTimeOffset before);

    [LoggerMessage(
        9010, LogLevel.Warning, "Old entries of the ledger could not be removed: {Code}. The next pass tries again")]
    public static partial void RetentionFailed(this ILogger logger, string code);
}
