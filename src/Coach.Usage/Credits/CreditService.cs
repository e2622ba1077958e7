using System.Security.Cryptography;
using System.Text;
using Coach.Usage.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Usage.Credits;

/// <summary>The service behind <see cref="ICredits"/>.</summary>
/// <remarks>
/// A reservation stands on a counter of the budget store, a balance in the ledger. Reserving comes first and the
/// balance is read after it; spending is written to the ledger before its reservation ends. So a call in between counts
/// twice for a moment, and never not at all: what is refused then could have been granted a moment later, and nothing
/// is granted that is not there.
/// </remarks>
internal sealed class CreditService : ICredits
{
    private const int Rounds = 3;

    private readonly IUsageLedger _ledger;
    private readonly IBudgetStore _store;
    private readonly IAuditLog _audit;
    private readonly CoachCreditOptions _options;
    private readonly TimeSpan _lease;
    private readonly UsageMetrics _metrics;
    private readonly ILowBalanceHandler[] _handlers;
    private readonly ILogger _logger;
    private readonly string _currency;

    public CreditService(
        CreditStores stores, IOptions<CoachCreditOptions> options, IOptions<CoachUsageOptions> usage,
        UsageMetrics metrics, IEnumerable<ILowBalanceHandler> handlers, ILogger logger)
    {
        (_ledger, _store, _audit) = stores;
        (_options, _lease, _metrics, _logger) = (options.Value, usage.Value.Lease, metrics, logger);
        _handlers = [.. handlers];
        _currency = _options.Currency.ToLowerInvariant();
        metrics.WatchBalance(Sum);
    }

    public async ValueTask<CreditBalance> GetBalanceAsync(
        string account, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(account);
        await GiveAllowanceAsync(account, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<BudgetCount> counts =
            await _store.ReadAsync([Counter(account)], cancellationToken).ConfigureAwait(false);
        MicroAmount balance =
            await _ledger.GetBalanceAsync(account, _currency, cancellationToken).ConfigureAwait(false);
        return new CreditBalance(balance, new MicroAmount(counts[0].Reserved, _currency));
    }

    public ValueTask<LedgerAppend> AddAsync(
        string account, string key, MicroAmount amount, string reference = "",
        CancellationToken cancellationToken = default)
    {
        CheckPositive(amount);
        return MoveAsync(account, key, LedgerEntryKind.Credit, amount, reference, cancellationToken);
    }

    public ValueTask<LedgerAppend> TakeBackAsync(
        string account, string key, MicroAmount amount, string reference = "",
        CancellationToken cancellationToken = default)
    {
        CheckPositive(amount);
        return MoveAsync(account, key, LedgerEntryKind.Refund, -amount, reference, cancellationToken);
    }

    public async ValueTask<CreditReservation> ReserveAsync(
        string account, MicroAmount amount, string? id = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(account);
        CheckCurrency(amount);
        ArgumentOutOfRangeException.ThrowIfNegative(amount.Micros, nameof(amount));
        await GiveAllowanceAsync(account, cancellationToken).ConfigureAwait(false);
        MicroAmount balance = default;
        MicroAmount others = default;
        for (int round = 0; round < Rounds; round++)
        {
            // A name of its own a round: an id that was released is not reserved again.
            string name = id is not null && round == 0 ? id : Guid.NewGuid().ToString("N");
            BudgetDecision decision = await _store.ReserveAsync(
                "credit-" + name, [Charge(account, amount)], _lease, cancellationToken).ConfigureAwait(false);
            balance = await _ledger.GetBalanceAsync(account, _currency, cancellationToken).ConfigureAwait(false);
            var reserved = new MicroAmount(decision.Counts[0].Reserved, _currency);
            if (balance >= reserved)
            {
                await AuditAsync(AuditEventKind.SetAside, account, amount.Micros, name, cancellationToken)
                    .ConfigureAwait(false);
                return new CreditReservation(name, account, amount);
            }

            others = reserved - amount;
            await _store.ReleaseAsync("credit-" + name, cancellationToken).ConfigureAwait(false);
        }

        _metrics.Rejected("balance");
        await AuditAsync(AuditEventKind.Rejected, account, amount.Micros, "", cancellationToken).ConfigureAwait(false);
        throw UsageException.BalanceTooLow(balance, others, amount);
    }

    public async ValueTask<bool> SettleAsync(
        CreditReservation reservation, MicroAmount spent, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reservation);
        CheckCurrency(spent);
        ArgumentOutOfRangeException.ThrowIfNegative(spent.Micros, nameof(spent));
        string account = reservation.Account;
        LedgerAppend? append = spent.IsZero ? null : await MoveAsync(
            account, "spend-" + reservation.Id, LedgerEntryKind.Spend, -spent, "", cancellationToken)
            .ConfigureAwait(false);
        bool isNew = await _store.SettleAsync(
            "credit-" + reservation.Id, [Charge(account, spent)], cancellationToken).ConfigureAwait(false);
        if (append is { IsNew: true })
        {
            await TellLowAsync(account, spent, cancellationToken).ConfigureAwait(false);
        }

        return append?.IsNew ?? isNew;
    }

    public ValueTask<bool> ReleaseAsync(CreditReservation reservation, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reservation);
        return _store.ReleaseAsync("credit-" + reservation.Id, cancellationToken);
    }

    private async ValueTask<LedgerAppend> MoveAsync(
        string account, string key, LedgerEntryKind kind, MicroAmount amount, string reference,
        CancellationToken cancellationToken)
    {
        LedgerAppend append = await _ledger.AppendAsync(
            new LedgerTransaction
            {
                Key = key,
                Kind = kind,
                Account = account,
                Contra = LedgerAccount.AppCredits,
                Amount = amount,
                Reference = reference,
            },
            cancellationToken).ConfigureAwait(false);
        if (append.IsNew)
        {
            AuditEventKind audited = kind switch
            {
                LedgerEntryKind.Credit => AuditEventKind.Credited,
                LedgerEntryKind.Refund => AuditEventKind.Refunded,
                _ => AuditEventKind.Settled,
            };
            await AuditAsync(audited, account, amount.Micros, key, cancellationToken).ConfigureAwait(false);
        }

        return append;
    }

    // Its key names the account by a hash: keys stay when whose an account was is erased.
    private async ValueTask GiveAllowanceAsync(string account, CancellationToken cancellationToken)
    {
        if (_options.FreeAllowanceMicros > 0)
        {
            byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(account));
            await MoveAsync(
                account, "free-" + Convert.ToHexStringLower(hash.AsSpan(0, 16)), LedgerEntryKind.Credit,
                new MicroAmount(_options.FreeAllowanceMicros, _currency), "free", cancellationToken)
                .ConfigureAwait(false);
        }
    }

    private async ValueTask TellLowAsync(string account, MicroAmount spent, CancellationToken cancellationToken)
    {
        MicroAmount balance =
            await _ledger.GetBalanceAsync(account, _currency, cancellationToken).ConfigureAwait(false);
        long mark = _options.LowBalanceMicros;
        if (balance.Micros >= mark || balance.Micros + spent.Micros < mark)
        {
            return;
        }

        _logger.BalanceLow(balance.Micros, _currency);
        foreach (ILowBalanceHandler handler in _handlers)
        {
            try
            {
                await handler.HandleAsync(account, balance, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                _logger.LowBalanceHandlerFailed(exception.GetType().Name);
            }
        }
    }

    // What happened, happened: a log that is away is reported, and undoes nothing.
    private async ValueTask AuditAsync(
        AuditEventKind kind, string account, long micros, string reference, CancellationToken cancellationToken)
    {
        try
        {
            await _audit.AppendAsync(
                new AuditEvent
                {
                    Kind = kind,
                    Subject = account,
                    Name = "credits",
                    Micros = micros,
                    Reference = reference,
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (CoachException exception)
        {
            _logger.AuditFailed(exception.Code);
        }
    }

    private static string Counter(string account) => "credits|" + account;

    private static BudgetCharge Charge(string account, MicroAmount amount) =>
        new(Counter(account), amount.Micros, long.MaxValue, ResetsAt: null);

    private void CheckPositive(MicroAmount amount)
    {
        CheckCurrency(amount);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(amount.Micros, nameof(amount));
    }

    private void CheckCurrency(MicroAmount amount)
    {
        if (amount.Currency != _currency)
        {
            throw new ArgumentException(
                $"Credits are in {_currency}, the amount is in {amount.Currency}.", nameof(amount));
        }
    }

    // A gauge does not wait: a store that is asked over a network answers the next scrape.
    private long? Sum()
    {
        ValueTask<MicroAmount> balance = _ledger.GetBalanceAsync(LedgerAccount.AppCredits, _currency);
        return balance.IsCompletedSuccessfully ? -balance.Result.Micros : Forget(balance.AsTask());
    }

    private static long? Forget(Task task)
    {
        task.ContinueWith(
            static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted,
            TaskScheduler.Default);
        return null;
    }
}

/// <summary>Where credits are kept.</summary>
internal sealed record CreditStores(IUsageLedger Ledger, IBudgetStore Budgets, IAuditLog Audit);
