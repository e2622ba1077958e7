using System.Globalization;

namespace Coach.Usage;

/// <summary>
/// A call that may not be made, or an entry that cannot be kept. Its code is <c>ERR_BUDGET_EXCEEDED</c>,
/// <c>ERR_IDEMPOTENCY_CONFLICT</c> or <c>ERR_STORE_UNAVAILABLE</c>.
/// </summary>
public sealed class UsageException : CoachException
{
    private readonly TimeSpan? _retryAfter;

    private UsageException(UsageError error, string code, string message, TimeSpan? retryAfter = null)
        : base(code, message)
    {
        Error = error;
        _retryAfter = retryAfter;
    }

    /// <summary>Which of the reasons.</summary>
    public UsageError Error { get; }

    /// <summary>The limit's name, from the closed set of the configured ones; null unless one was reached.</summary>
    public string? Limit { get; private init; }

    /// <summary>What the limit or the balance allows, in its unit; null if there is none.</summary>
    public long? Allowed { get; private init; }

    /// <summary>What was used and is reserved, in the same unit; null if there is no limit.</summary>
    public long? Used { get; private init; }

    /// <summary>When the limit begins anew; null where waiting does not help.</summary>
    public DateTimeOffset? ResetsAt { get; private init; }

    /// <inheritdoc />
    public override bool IsTransient => _retryAfter is not null;

    /// <inheritdoc />
    public override TimeSpan? RetryAfter => _retryAfter;

    internal static UsageException LimitReached(BudgetLimit limit, long used, DateTimeOffset? resetsAt, TimeSpan? wait)
    {
        string reset = resetsAt is { } at
            ? string.Create(CultureInfo.InvariantCulture, $"It begins anew at {at:yyyy-MM-dd HH:mm:ss} UTC.")
            : "It does not begin anew: ask for less, or have the limit raised.";
        string message = $"The budget '{limit.Name}' allows {limit.Text(limit.Max)}; {limit.Text(used)} is used or "
            + $"reserved. {reset}";
        return new UsageException(UsageError.LimitReached, ErrorCodes.BudgetExceeded, message, wait)
        {
            Limit = limit.Name,
            Allowed = limit.Max,
            Used = used,
            ResetsAt = resetsAt,
        };
    }

    internal static UsageException BalanceTooLow(MicroAmount balance, MicroAmount reserved, MicroAmount asked) => new(
        UsageError.BalanceTooLow, ErrorCodes.BudgetExceeded,
        $"The balance is {balance} with {reserved} reserved for calls that run; this call needs {asked}. Buy more.")
    {
        Limit = "balance",
        Allowed = balance.Micros,
        Used = reserved.Micros,
    };

    internal static UsageException PriceUnknown(string provider) => new(
        UsageError.PriceUnknown, ErrorCodes.BudgetExceeded,
        $"There is no price for the model that was asked of '{provider}', and Coach:Usage:UnknownPrice is Refuse. Add the price, or choose CountTokens or Ceiling.");

    /// <summary>A key that stands for another entry, for those who write a store.</summary>
    /// <returns>The exception.</returns>
    public static UsageException KeyConflict() => new(
        UsageError.KeyConflict, ErrorCodes.IdempotencyConflict,
        "This key of the ledger stands for another entry. A key names one thing that happened: give each its own.");

    internal static UsageException StoreFull(int limit) => new(
        UsageError.StoreFull, ErrorCodes.StoreUnavailable,
        $"The ledger in memory keeps {limit} accounts with credits. Keep money in a store that lasts, such as Coach.Sqlite.");
}
