using Coach.Usage.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Usage;

/// <summary>
/// Prices what calls used, keeps it in the ledger and counts it in the metrics. Safe for concurrent use.
/// </summary>
/// <remarks>Chat clients are recorded by <c>UseUsage</c>; call it for what is no chat, such as embeddings.</remarks>
public sealed class UsageRecorder
{
    private const string OtherModel = "other";

    private readonly IUsageLedger _ledger;
    private readonly IPriceSource _prices;
    private readonly CoachUsageOptions _options;
    private readonly UsageMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly HashSet<string> _unpriced = new(StringComparer.Ordinal);

    internal UsageRecorder(
        IUsageLedger ledger, IPriceSource prices, IOptions<CoachUsageOptions> options, UsageMetrics metrics,
        TimeProvider time, ILogger logger)
    {
        _options = options.Value;
        (_ledger, _prices, _metrics, _time, _logger) = (ledger, prices, metrics, time, logger);
    }

    internal ILogger Logger => _logger;

    /// <summary>The currency of all costs.</summary>
    public string Currency => _prices.Current is { Prices.Count: > 0 } table
        ? table.Currency
        : _options.Currency.ToLowerInvariant();

    /// <summary>What a call would cost.</summary>
    /// <param name="provider">The provider.</param>
    /// <param name="model">The model; empty if it is not known.</param>
    /// <param name="counts">What it would use.</param>
    /// <returns>The cost; not known if there is no price, unless the host chose a ceiling.</returns>
    public UsageCost Price(string provider, string model, UsageCounts counts)
    {
        ArgumentNullException.ThrowIfNull(provider);
        ArgumentNullException.ThrowIfNull(model);
        PriceTable table = _prices.Current;
        ModelPrice? price = table.Find(provider, model, _time.GetUtcNow(), counts.TotalInput)
            ?? (_options.UnknownPrice == UnknownPricePolicy.Ceiling ? table.Ceiling : null);
        return price is null
            ? new UsageCost(0, Currency, IsKnown: false, counts, IsEstimated: false)
            : new UsageCost(price.CostOf(counts).Micros, price.Currency, IsKnown: true, counts, IsEstimated: false);
    }

    /// <summary>Prices and keeps what an attempt used.</summary>
    /// <param name="record">The attempt.</param>
    /// <param name="cancellationToken">Ends the wait; it may have been kept.</param>
    /// <returns>What it cost.</returns>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    /// <exception cref="CoachException">The ledger is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    public async ValueTask<UsageCost> RecordAsync(UsageRecord record, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        UsageCost cost = Price(record.Provider, record.Model, record.Counts) with { IsEstimated = record.IsEstimated };
        if (!cost.IsKnown)
        {
            ReportUnpriced(record.Provider);
        }

        LedgerAppend kept = await _ledger.AppendAsync(
            new LedgerTransaction
            {
                Key = record.Key,
                Kind = LedgerEntryKind.Usage,
                Account = LedgerAccount.Usage(record.Caller),
                Contra = LedgerAccount.AppUsage,
                Amount = new MicroAmount(-cost.Micros, cost.Currency),
                IsPriced = cost.IsKnown,
                IsEstimated = record.IsEstimated,
                Provider = record.Provider,
                Model = record.Model.Length > 200 ? record.Model[..200] : record.Model,
                Counts = record.Counts,
                Outcome = record.Outcome,
                Reference = record.Reference,
            },
            cancellationToken).ConfigureAwait(false);
        if (kept.IsNew)
        {
            bool isNamed = _prices.Current.Find(record.Provider, record.Model, _time.GetUtcNow()) is not null;
            _metrics.Recorded(record, isNamed ? record.Model : OtherModel, cost.Micros, cost.IsKnown);
        }

        return cost;
    }

    // Once a provider: a missing price is one fault, not one a call.
    private void ReportUnpriced(string provider)
    {
        bool isNews;
        lock (_unpriced)
        {
            isNews = _unpriced.Count < 100 && _unpriced.Add(provider);
        }

        if (isNews)
        {
            _logger.PriceUnknown(provider);
        }
    }
}
