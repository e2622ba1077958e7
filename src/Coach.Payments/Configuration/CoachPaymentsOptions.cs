namespace Coach.Payments;

/// <summary>Payments: the section <c>Coach:Payments</c>. The keys are secrets and come from elsewhere:
/// <c>STRIPE_API_KEY</c> and <c>STRIPE_WEBHOOK_SECRET</c>.</summary>
public sealed class CoachPaymentsOptions
{
    /// <summary>Stripe's REST API.</summary>
    public StripeOptions Stripe { get; set; } = new();

    /// <summary>Simulated links.</summary>
    public SimulatedOptions Simulated { get; set; } = new();

    /// <summary>Whether live keys are refused, so that no real money can move.</summary>
    /// <value>False unless set.</value>
    public bool TestModeOnly { get; set; }

    /// <summary>Whether a simulated link stands in when the provider is down and the key is a test key, or when a host
    /// in automatic mode has no key. With live keys nothing is ever simulated; in mock mode everything is.</summary>
    /// <value>True unless set.</value>
    public bool FallBackToSimulated { get; set; } = true;

    /// <summary>Whether the host counts as unhealthy, not merely degraded, while the provider cannot be
    /// reached.</summary>
    /// <value>False unless set.</value>
    public bool Required { get; set; }

    /// <summary>Keeps the operations of several apps on one account apart. Changing it makes every operation a new
    /// one.</summary>
    /// <value>1 to 64 characters; <c>coach</c> unless set.</value>
    public string Namespace { get; set; } = "coach";

    /// <summary>How often a step is repeated after its first attempt.</summary>
    /// <value>0 to 10; 3 unless set.</value>
    public int MaxRetries { get; set; } = 3;

    /// <summary>The wait before the first repetition; it doubles each time, less up to a quarter of jitter. A longer
    /// <c>Retry-After</c> wins.</summary>
    /// <value>1 ms to 1 minute; 1 second unless set (1, 2, 4 s).</value>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest that one attempt may take.</summary>
    /// <value>100 ms to 2 minutes; 8 seconds unless set.</value>
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(8);

    /// <summary>The longest that creating or closing a link may take in all, with every attempt and wait, including the
    /// one in flight. A wait that would end later is not begun.</summary>
    /// <value>100 ms to 10 minutes; 15 seconds unless set.</value>
    public TimeSpan TotalTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a claim on an operation lasts when its holder dies.</summary>
    /// <value>1 second to 1 day, and longer than <see cref="TotalTimeout"/>; 1 minute unless set.</value>
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a caller waits for the same operation running in another replica before
    /// <c>ERR_IDEMPOTENCY_IN_PROGRESS</c>.</summary>
    /// <value>Zero to 10 minutes; 5 seconds unless set.</value>
    public TimeSpan JoinTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest that asking whether the provider is there may take.</summary>
    /// <value>100 ms to 1 minute; 5 seconds unless set.</value>
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long "the provider is there" is believed. A failed step ends the belief at once.</summary>
    /// <value>Zero to 1 hour; 30 seconds unless set.</value>
    public TimeSpan ProbeCacheDuration { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long "the provider is not there" is believed.</summary>
    /// <value>Zero to 1 hour; 5 seconds unless set.</value>
    public TimeSpan ProbeFailureCacheDuration { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The wait between two polls of <see cref="IPaymentLinks.WaitAsync"/>.</summary>
    /// <value>10 ms to 10 minutes; 2 seconds unless set.</value>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The longest that one question for a status may take, with its retries.</summary>
    /// <value>100 ms to 2 minutes; 5 seconds unless set.</value>
    public TimeSpan PollTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest that <see cref="IPaymentLinks.WaitAsync"/> waits.</summary>
    /// <value>100 ms to 1 day; 30 seconds unless set.</value>
    public TimeSpan WaitTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The most polls of one <see cref="IPaymentLinks.WaitAsync"/>.</summary>
    /// <value>1 to 10,000; 15 unless set.</value>
    public int MaxPolls { get; set; } = 15;

    /// <summary>How far a webhook's time may be from now, either way.</summary>
    /// <value>1 second to 1 day; 5 minutes unless set.</value>
    public TimeSpan WebhookTolerance { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>The longest webhook body, in bytes.</summary>
    /// <value>1,024 to 16,777,216; 524,288 (512 KiB) unless set.</value>
    public int MaxWebhookBytes { get; set; } = 512 * 1024;

    /// <summary>The most operations, and the most webhook events, that the memory and file stores keep in memory. The
    /// file store archives settled operations and does not count them.</summary>
    /// <value>1 to 10,000,000; 100,000 unless set.</value>
    public int MaxRecords { get; set; } = 100_000;

    /// <summary>How long completed operations and webhook events are kept untouched.</summary>
    /// <value>1 to 3,650 days; 400 days unless set. An operation key used again later makes a new link only if the
    /// provider has forgotten it too.</value>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(400);

    /// <summary>How often the background reconciliation looks for operations of unknown outcome.</summary>
    /// <value>1 second to 1 day; 1 minute unless set.</value>
    public TimeSpan ReconcileInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The most operations that one pass of reconciliation looks at.</summary>
    /// <value>1 to 100,000; 100 unless set.</value>
    public int ReconcileBatch { get; set; } = 100;

    /// <summary>With a gateway that has no idempotency keys: how long after a write of unknown outcome a search that
    /// finds nothing is taken to prove that nothing exists.</summary>
    /// <value>Zero to 1 day; 10 minutes unless set.</value>
    public TimeSpan SettleDelay { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Where the records are kept on this machine: a file, made with its folder when it is missing. A place
    /// that cannot be written, or a file that another process has open, is an error of the host's start.</summary>
    /// <value>A path. Null (the default): with a live key, or one whose kind is not known, <c>payments.journal</c>
    /// beside the host's data (the folder of <c>Coach:Rag:IndexFile</c>, else <c>coach/APPLICATION</c> in the user's
    /// local application data); otherwise the records are in memory. The builder's <c>UseStore</c>,
    /// <c>UseFileStore</c> and <c>UseMemoryStore</c> win over it.</value>
    public string? StorePath { get; set; }

    /// <summary>How long a second process waits for the records' file until the first has let it go.</summary>
    /// <value>Zero to 5 minutes; 30 seconds unless set.</value>
    public TimeSpan StoreLockTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a fact is handed to the host's handler before it is a dead letter.</summary>
    /// <value>1 to 1,000; 10 unless set (about 17 minutes).</value>
    public int MaxDeliveryAttempts { get; set; } = 10;

    /// <summary>How long a handler may take for one fact; after it the fact is handed out again.</summary>
    /// <value>1 second to 1 hour; 1 minute unless set.</value>
    public TimeSpan DeliveryLease { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How often the background delivery looks at the outbox without being told of a new fact.</summary>
    /// <value>100 ms to 1 hour; 5 seconds unless set.</value>
    public TimeSpan DeliveryInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How many links' facts are handed out at once.</summary>
    /// <value>1 to 256; 8 unless set.</value>
    public int DeliveryConcurrency { get; set; } = 8;

    /// <summary>How many operations of unknown outcome are settled at once.</summary>
    /// <value>1 to 256; 16 unless set.</value>
    public int ReconcileConcurrency { get; set; } = 16;

    /// <summary>The most requests a second to the provider, of this process; less once the provider says that it is too
    /// much, until that is over.</summary>
    /// <value>0 to 10,000, 0 for as many as come. Null (the default): at Stripe's own address 20 with a test key and 80
    /// with a live one, under Stripe's limits of 25 and 100; elsewhere as many as come.</value>
    public double? RequestsPerSecond { get; set; }

    /// <summary>The longest that a request may wait for its turn under <see cref="RequestsPerSecond"/>, outside
    /// <see cref="TotalTimeout"/>.</summary>
    /// <value>Zero to 1 hour; 2 minutes unless set. Then <c>ERR_PAYMENTS_UNAVAILABLE</c> with
    /// <see cref="PaymentException.RetryAfter"/>.</value>
    public TimeSpan MaxQueueTime { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Live keys: whether a browser may name an amount (Coach.AspNetCore). With test keys and simulated links
    /// it may.</summary>
    /// <value>False unless set: only the host's own code and tabs do.</value>
    public bool AllowClientAmounts { get; set; }
}
