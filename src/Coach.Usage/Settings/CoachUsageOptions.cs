namespace Coach.Usage;

/// <summary>Prices, budgets and the ledger: the section <c>Coach:Usage</c>.</summary>
public sealed class CoachUsageOptions
{
    /// <summary>The price file; null for none. It is read at start, and again when it changes.</summary>
    public string? PriceFile { get; set; }

    /// <summary>The currency of costs and limits while no price file names one.</summary>
    /// <value>Three letters; <c>usd</c> unless set.</value>
    public string Currency { get; set; } = "usd";

    /// <summary>What happens with a call whose model has no price.</summary>
    /// <value><see cref="UnknownPricePolicy.CountTokens"/> unless set.</value>
    public UnknownPricePolicy UnknownPrice { get; set; } = UnknownPricePolicy.CountTokens;

    /// <summary>The output that is reserved for calls that name no limit of their own.</summary>
    /// <value>1 to 1,000,000 tokens; 4,096 unless set.</value>
    public int ReservedOutputTokens { get; set; } = 4_096;

    /// <summary>
    /// How long a reservation holds without a sign of its call. A stream that is read renews it; a process that died
    /// does not.
    /// </summary>
    /// <value>1 second to 1 day; 2 minutes unless set.</value>
    public TimeSpan Lease { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// How long entries of the ledger are kept. Older ones are removed once a day, and a checkpoint that is signed with
    /// the secret <c>COACH_LEDGER_KEY</c> stays in their place; balances and keys stay, too.
    /// </summary>
    /// <value>1 to 3,650 days; null unless set: all are kept.</value>
    public TimeSpan? LedgerRetention { get; set; }

    /// <summary>What happens with calls while the budget store is away.</summary>
    /// <value><see cref="StoreFailurePolicy.FailClosed"/> unless set.</value>
    public StoreFailurePolicy OnStoreFailure { get; set; } = StoreFailurePolicy.FailClosed;

    /// <summary>The limits.</summary>
    /// <value>At most 16; none unless set.</value>
    public IList<BudgetLimit> Limits { get; } = [];
}
