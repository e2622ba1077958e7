namespace Coach.Payments;

/// <summary>What is known of one operation: immutable; each change is a new version in the store.</summary>
public sealed record PaymentRecord
{
    /// <summary>The operation's name in the store: 40 hexadecimal digits, which are its name at the provider, and a
    /// suffix for test mode and for another account, so that nothing of one mode or account answers for the
    /// other.</summary>
    public required string Tag { get; init; }

    /// <summary>The hash of <see cref="Request"/>.</summary>
    public required RequestHash RequestHash { get; init; }

    /// <summary>What was asked for; kept so that reconciliation can finish it.</summary>
    public required PaymentLinkRequest Request { get; init; }

    /// <summary>Counts the changes of this record, from 1; set by the store.</summary>
    public long Version { get; init; }

    /// <summary>The fencing token: counts the claims of this record, from 1; set by the store.</summary>
    public long LeaseToken { get; init; }

    /// <summary>When the current claim ends, by the store's clock; set by the store, cleared by whoever gives the claim
    /// back.</summary>
    public DateTimeOffset? LeaseExpiresAt { get; init; }

    /// <summary>How far the operation got.</summary>
    public PaymentRecordState State { get; init; }

    /// <summary>Whether the outcome is unknown and somebody should settle it.</summary>
    public bool NeedsReconciliation { get; init; }

    /// <summary>Why it needs reconciliation, in closed words (<c>timed_out</c>); null when it does not.</summary>
    public string? ReconciliationReason { get; init; }

    /// <summary>The number in the price step's idempotency key, from 1.</summary>
    public int PriceAttempt { get; init; } = 1;

    /// <summary>The number in the link step's idempotency key, from 1.</summary>
    public int LinkAttempt { get; init; } = 1;

    /// <summary>When the first request for a link under the present key was about to be sent: by the provider's clock
    /// where it tells its time and takes keys, by ours elsewhere; null before.</summary>
    public DateTimeOffset? LinkSentAt { get; init; }

    /// <summary>The price's id; null before it is known.</summary>
    public string? PriceId { get; init; }

    /// <summary>The link's id; null before it is known.</summary>
    public string? LinkId { get; init; }

    /// <summary>The link's address; null before it is known.</summary>
    public Uri? Url { get; init; }

    /// <summary>The gateway that works on it or made the link.</summary>
    public string Gateway { get; init; } = "";

    /// <summary>Whether the link is a simulated one.</summary>
    public bool IsSimulated { get; init; }

    /// <summary>Whether more than one payment can complete.</summary>
    public bool IsReusable { get; init; }

    /// <summary>How far the payment got.</summary>
    public PaymentStatus Status { get; init; }

    /// <summary>What was paid, in minor units of <see cref="PaidCurrency"/>; null while nothing was.</summary>
    public long? PaidMinorUnits { get; init; }

    /// <summary>The currency of <see cref="PaidMinorUnits"/>; null while nothing was paid.</summary>
    public string? PaidCurrency { get; init; }

    /// <summary>Whether another amount or currency than asked for was paid.</summary>
    public bool HasAmountMismatch { get; init; }

    /// <summary>Whether it is of live mode, where real money moves; null when it is not known (records of 0.1,
    /// simulated links).</summary>
    public bool? IsLive { get; init; }

    /// <summary>The provider's account it belongs to; null for the key's own.</summary>
    public string? Account { get; init; }

    /// <summary>Whether a link that may be paid once was paid more than once.</summary>
    public bool IsOverpaid { get; init; }

    /// <summary>Every payment that was seen, in order of its first sight.</summary>
    public IReadOnlyList<LinkPayment> Payments { get; init => field = value ?? []; } = [];

    /// <summary>The refunds that were asked for here, noted before they were sent.</summary>
    public IReadOnlyList<PaymentRefundAttempt> RefundAttempts { get; init => field = value ?? []; } = [];

    /// <summary>The outbox: what happened, in order, and whether the host has it.</summary>
    public IReadOnlyList<PaymentFactEntry> Facts { get; init => field = value ?? []; } = [];

    /// <summary>Whether a fact waits for the host.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool HasPendingFacts => HasFacts(PaymentFactState.Pending);

    /// <summary>Whether a fact was given up.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool HasDeadFacts => HasFacts(PaymentFactState.Dead);

    /// <summary>Whether nothing more is expected of it: a paid, failed or closed link whose facts the host has. Only
    /// such records make room or are pruned.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsSettled => State is PaymentRecordState.Completed or PaymentRecordState.Unmatched
        && !HasPendingFacts && !HasDeadFacts
        && Status is PaymentStatus.Succeeded or PaymentStatus.Failed or PaymentStatus.Expired;

    /// <summary>When the operation was first asked for.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When this version was written; set by the store.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    // The link as a replay returns it, made once per version: a replay then allocates next to nothing.
    private ReplayCache _replay;

    internal PaymentLink ToLink(bool isReplay)
    {
        if (isReplay && _replay.Link is { } cached && _replay.Version == Version)
        {
            return cached;
        }

        var link = new PaymentLink
        {
            Id = LinkId!,
            Url = Url!,
            Status = Status,
            IsSimulated = IsSimulated,
            Amount = Request.Amount,
            Description = Request.Description,
            OperationKey = Request.OperationKey,
            Owner = Request.Owner,
            IsReplay = isReplay,
            NeedsReconciliation = NeedsReconciliation,
            IsReusable = IsReusable,
            HasAmountMismatch = HasAmountMismatch,
            PaidMinorUnits = PaidMinorUnits,
            PaidCurrency = PaidCurrency,
            Gateway = Gateway,
            CreatedAt = CreatedAt,
            Reference = Request.Reference,
            IsLive = IsSimulated ? false : IsLive,
            Account = Account,
            IsOverpaid = IsOverpaid,
            Payments = Payments,
            ExpiresAt = Request.ExpiresAt,
        };
        if (isReplay && Version > 0)
        {
            _replay = new ReplayCache(new Entry(Version, link));
        }

        return link;
    }

    private bool HasFacts(PaymentFactState state)
    {
        foreach (PaymentFactEntry fact in Facts)
        {
            if (fact.State == state)
            {
                return true;
            }
        }

        return false;
    }

    private sealed record Entry(long Version, PaymentLink Link);

    // Takes no part in equality, and is one reference so that a racing reader sees all of it or nothing.
    private readonly struct ReplayCache(Entry? entry) : IEquatable<ReplayCache>
    {
        public PaymentLink? Link => entry?.Link;

        public long Version => entry?.Version ?? 0;

        public bool Equals(ReplayCache other) => true;

        public override bool Equals(object? obj) => obj is ReplayCache;

        public override int GetHashCode() => 0;
    }
}
