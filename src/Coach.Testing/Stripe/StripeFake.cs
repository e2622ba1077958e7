using Coach.Payments;
using Coach.Testing.Stripe;

namespace Coach.Testing;

/// <summary>
/// A Stripe that behaves like the real one where it matters: products, prices with lookup keys, payment links and
/// Checkout Sessions with state; form bodies only; unknown parameters refused; true idempotency (24 hours by the clock,
/// other parameters 400, in use 409, stored failures replayed, other endpoints refused); rate limits; faults on demand;
/// signed webhooks. Every request is recorded.
/// </summary>
/// <remarks>Use it over a loopback socket (<see cref="StartAsync"/>) or without one (<see cref="CreateHandler"/>). Safe
/// for concurrent use.</remarks>
public sealed class StripeFake : IAsyncDisposable
{
    private readonly StripeFakeOptions _options = new();
    private readonly FakeStripeServer _core;
    private readonly List<Script> _scripts = [];
    private FakeStripeSocket? _server;
    private Func<StripeRequest, StripeFault?>? _policy;

    /// <summary>Creates a fake without a socket.</summary>
    /// <param name="configure">Changes how it behaves.</param>
    public StripeFake(Action<StripeFakeOptions>? configure = null)
    {
        configure?.Invoke(_options);
        _core = new FakeStripeServer(_options) { NextFault = TakeFault };
    }

    /// <summary>The address it listens on.</summary>
    /// <exception cref="InvalidOperationException">It was not started with <see cref="StartAsync"/>.</exception>
    public Uri Url =>
        _server?.Url
            ?? throw new InvalidOperationException("This fake has no socket; create it with StripeFake.StartAsync.");

    /// <summary>The secret its webhooks are signed with.</summary>
    public string WebhookSecret => _options.WebhookSecret;

    /// <summary>Every request so far, in order of arrival.</summary>
    public IReadOnlyList<StripeRequest> Requests
    {
        get
        {
            lock (_core.Gate)
            {
                return [.. _core.Requests];
            }
        }
    }

    /// <summary>Every price, oldest first.</summary>
    public IReadOnlyList<StripeFakePrice> Prices
    {
        get
        {
            lock (_core.Gate)
            {
                return [.. _core.States.SelectMany(static state => state.Prices)];
            }
        }
    }

    /// <summary>Every link, oldest first.</summary>
    public IReadOnlyList<StripeFakeLink> Links
    {
        get
        {
            lock (_core.Gate)
            {
                return [.. _core.States.SelectMany(static state => state.Links)];
            }
        }
    }

    /// <summary>Every Checkout Session, oldest first.</summary>
    public IReadOnlyList<StripeFakeSession> Sessions
    {
        get
        {
            lock (_core.Gate)
            {
                return [.. _core.States.SelectMany(static state => state.Sessions)];
            }
        }
    }

    /// <summary>Decides about a fault for each request that no script of <see cref="Inject"/> matches; null for
    /// none.</summary>
    public Func<StripeRequest, StripeFault?>? FaultPolicy
    {
        get => _policy;
        set => _policy = value;
    }

    /// <summary>Starts a fake on a free loopback port.</summary>
    /// <param name="configure">Changes how it behaves.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <returns>The running fake; dispose of it to stop.</returns>
    public static async Task<StripeFake> StartAsync(
        Action<StripeFakeOptions>? configure = null, CancellationToken cancellationToken = default)
    {
        var fake = new StripeFake(configure);
        fake._server = await FakeStripeSocket.StartAsync(fake._core, cancellationToken).ConfigureAwait(false);
        return fake;
    }

    /// <summary>A handler that answers an <see cref="HttpClient"/> without a socket, whatever host it calls.</summary>
    /// <returns>A new handler over the same state.</returns>
    public HttpMessageHandler CreateHandler() => new FakeStripeHandler(_core, _options.Time);

    /// <summary>Scripts a fault for the next requests that match. Scripts are used in the order they were
    /// given.</summary>
    /// <param name="fault">What goes wrong.</param>
    /// <param name="method">The HTTP method it applies to; null for any.</param>
    /// <param name="pathPrefix">What the path begins with; null for any.</param>
    /// <param name="times">How often.</param>
    public void Inject(StripeFault fault, string? method = null, string? pathPrefix = null, int times = 1)
    {
        ArgumentNullException.ThrowIfNull(fault);
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 1);
        lock (_core.Gate)
        {
            _scripts.Add(new Script(fault, method, pathPrefix) { Left = times });
        }
    }

    /// <summary>Forgets scripted faults that were not used.</summary>
    public void ClearFaults()
    {
        lock (_core.Gate)
        {
            _scripts.Clear();
        }
    }

    /// <summary>Forgets every object, key and recorded request; scripts and policy stay.</summary>
    public void Forget()
    {
        lock (_core.Gate)
        {
            _core.Forget();
        }
    }

    /// <summary>A payer opens a link.</summary>
    /// <param name="linkId">The link.</param>
    /// <returns>The open session, or null when the link cannot be paid (closed, or paid as often as it may
    /// be).</returns>
    public StripeFakeSession? OpenSession(string linkId)
    {
        lock (_core.Gate)
        {
            FakeStripeStore state = _core.OfLink(linkId);
            StripeFakeLink link = state.Links[state.LinkIndex(linkId, 404)];
            if (!link.IsPayable)
            {
                return null;
            }

            var session = new StripeFakeSession
            {
                Id = state.NewId("cs"),
                LinkId = link.Id,
                Status = "open",
                PaymentStatus = "unpaid",
                AmountTotal = link.AmountTotal,
                Currency = link.Currency,
                Metadata = link.Metadata,
                IsLive = link.IsLive,
                Account = link.Account,
                CreatedAt = _options.Time.GetUtcNow(),
            };
            state.Sessions.Add(session);
            return session;
        }
    }

    /// <summary>A payer finishes a session.</summary>
    /// <param name="sessionId">The session.</param>
    /// <param name="isPaid">Whether the money is there at once; false for a delayed payment method.</param>
    /// <param name="amount">The amount, where it is to differ from what was asked; null for what was asked.</param>
    /// <param name="currency">The currency, where it is to differ; null for what was asked.</param>
    /// <returns>The session, or null when it was not open or its link has been paid as often as it may be.</returns>
    public StripeFakeSession? Complete(
        string sessionId, bool isPaid = true, long? amount = null, string? currency = null) =>
        Complete(sessionId, session => session with
        {
            PaymentStatus = isPaid ? "paid" : "unpaid",
            AmountTotal = amount ?? session.AmountTotal,
            Currency = currency ?? session.Currency,
        });

    /// <summary>A payer finishes a session in another way: with a discount, in a currency of his own.</summary>
    /// <param name="sessionId">The session.</param>
    /// <param name="change">What the session looks like afterwards; it is complete and paid unless changed.</param>
    /// <returns>The session, or null when it was not open or its link has been paid as often as it may be.</returns>
    public StripeFakeSession? Complete(string sessionId, Func<StripeFakeSession, StripeFakeSession> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        lock (_core.Gate)
        {
            FakeStripeStore state = _core.OfSession(sessionId);
            int index = state.SessionIndex(sessionId);
            StripeFakeSession session = state.Sessions[index];
            int linkIndex = state.LinkIndex(session.LinkId, 404);
            StripeFakeLink link = state.Links[linkIndex];
            if (session.Status != "open" || link.CompletedCount >= link.CompletedLimit)
            {
                return null;
            }

            state.Links[linkIndex] = link with { CompletedCount = link.CompletedCount + 1 };
            session = change(session with
            {
                Status = "complete",
                PaymentStatus = "paid",
                PaymentIntentId = state.NewId("pi"),
                Method = "card",
            });
            return state.Sessions[index] = session.PaymentStatus == "paid"
                ? session with { ChargeId = state.NewId("ch") }
                : session with { Method = "sepa_debit" };
        }
    }

    /// <summary>The money of a delayed payment arrives.</summary>
    /// <param name="sessionId">The session.</param>
    /// <returns>The session.</returns>
    public StripeFakeSession Settle(string sessionId)
    {
        lock (_core.Gate)
        {
            FakeStripeStore state = _core.OfSession(sessionId);
            int index = state.SessionIndex(sessionId);
            StripeFakeSession session = state.Sessions[index];
            return state.Sessions[index] = session with
            {
                PaymentStatus = "paid",
                PaymentIntentId = session.PaymentIntentId ?? state.NewId("pi"),
                ChargeId = session.ChargeId ?? state.NewId("ch"),
            };
        }
    }

    /// <summary>A session runs out.</summary>
    /// <param name="sessionId">The session; it must be open.</param>
    /// <returns>The session.</returns>
    public StripeFakeSession Expire(string sessionId)
    {
        lock (_core.Gate)
        {
            return _core.OfSession(sessionId).ExpireSession(sessionId);
        }
    }

    /// <summary>A payer opens a link and pays it.</summary>
    /// <param name="linkId">The link.</param>
    /// <param name="isPaid">Whether the money is there at once.</param>
    /// <returns>The completed session, or null when the link cannot be paid.</returns>
    public StripeFakeSession? Pay(string linkId, bool isPaid = true) =>
        OpenSession(linkId) is { } session ? Complete(session.Id, isPaid) : null;

    /// <summary>Builds the webhook of a session, signed with <see cref="WebhookSecret"/> at the fake's time.</summary>
    /// <param name="type">The event's type, such as <c>checkout.session.completed</c>.</param>
    /// <param name="sessionId">The session it tells about, as it is now.</param>
    /// <param name="eventId">The event's id; a new one when null.</param>
    /// <returns>The webhook.</returns>
    public StripeWebhook BuildWebhook(string type, string sessionId, string? eventId = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(type);
        lock (_core.Gate)
        {
            (FakeStripeStore state, StripeFakeSession session) = SessionOf(sessionId);
            return Sign(state, eventId, type, json => FakeStripeJson.Session(json, session));
        }
    }

    /// <summary>Gives back of a session's payment, as somebody does in the dashboard.</summary>
    /// <param name="sessionId">The session; it must be paid.</param>
    /// <param name="amount">How much; null for all that is left.</param>
    /// <returns>The refund.</returns>
    public StripeFakeRefund Refund(string sessionId, long? amount = null)
    {
        lock (_core.Gate)
        {
            (FakeStripeStore state, StripeFakeSession session) = SessionOf(sessionId);
            var given = new List<KeyValuePair<string, string>>
            {
                new("payment_intent", session.PaymentIntentId ?? ""),
            };
            if (amount is { } part)
            {
                given.Add(new("amount", part.ToString(System.Globalization.CultureInfo.InvariantCulture)));
            }

            return state.CreateRefund(FakeStripeForm.Read("POST /v1/refunds", given));
        }
    }

    /// <summary>A refund that was made does not go through: the money is back on the account.</summary>
    /// <param name="refundId">The refund.</param>
    /// <returns>The refund.</returns>
    public StripeFakeRefund FailRefund(string refundId)
    {
        lock (_core.Gate)
        {
            FakeStripeStore state = _core.States.First(state => state.Refunds.Exists(refund => refund.Id == refundId));
            int index = state.Refunds.FindIndex(refund => refund.Id == refundId);
            StripeFakeRefund refund = state.Refunds[index];
            int paid = state.Sessions.FindIndex(session => session.PaymentIntentId == refund.PaymentIntentId);
            state.Sessions[paid] = state.Sessions[paid] with
            {
                AmountRefunded = state.Sessions[paid].AmountRefunded - refund.Amount,
            };
            return state.Refunds[index] = refund with { Status = "failed" };
        }
    }

    /// <summary>Every refund, oldest first.</summary>
    public IReadOnlyList<StripeFakeRefund> Refunds
    {
        get
        {
            lock (_core.Gate)
            {
                return [.. _core.States.SelectMany(static state => state.Refunds)];
            }
        }
    }

    /// <summary>Builds the webhook of a session's charge.</summary>
    /// <param name="type">The event's type, such as <c>charge.refunded</c>.</param>
    /// <param name="sessionId">The session whose charge it tells about, as it is now.</param>
    /// <param name="eventId">The event's id; a new one when null.</param>
    /// <returns>The webhook.</returns>
    public StripeWebhook BuildChargeWebhook(string type, string sessionId, string? eventId = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(type);
        lock (_core.Gate)
        {
            (FakeStripeStore state, StripeFakeSession session) = SessionOf(sessionId);
            StripeFakeLink link = state.Links[state.LinkIndex(session.LinkId, 404)];
            return Sign(state, eventId, type, json =>
                FakeStripeJson.Charge(json, session, link.PaymentMetadata, isWhole: false));
        }
    }

    /// <summary>Builds the webhook of a refund.</summary>
    /// <param name="type">The event's type, such as <c>refund.created</c>.</param>
    /// <param name="refundId">The refund it tells about, as it is now.</param>
    /// <param name="eventId">The event's id; a new one when null.</param>
    /// <returns>The webhook.</returns>
    public StripeWebhook BuildRefundWebhook(string type, string refundId, string? eventId = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(type);
        lock (_core.Gate)
        {
            FakeStripeStore state = _core.States.First(state => state.Refunds.Exists(refund => refund.Id == refundId));
            StripeFakeRefund refund = state.Refunds.Find(refund => refund.Id == refundId)!;
            return Sign(state, eventId, type, json => FakeStripeJson.Refund(json, refund));
        }
    }

    /// <summary>Builds the webhook of a dispute.</summary>
    /// <param name="type">The event's type, such as <c>charge.dispute.created</c>.</param>
    /// <param name="sessionId">The session whose payment is disputed.</param>
    /// <param name="disputeId">The dispute.</param>
    /// <param name="status">Its status: <c>needs_response</c>, <c>won</c>, <c>lost</c> …</param>
    /// <param name="amount">The disputed amount; null for the whole payment.</param>
    /// <param name="eventId">The event's id; a new one when null.</param>
    /// <returns>The webhook.</returns>
    public StripeWebhook BuildDisputeWebhook(
        string type, string sessionId, string disputeId, string status, long? amount = null, string? eventId = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(type);
        lock (_core.Gate)
        {
            (FakeStripeStore state, StripeFakeSession session) = SessionOf(sessionId);
            return Sign(state, eventId, type, json =>
                FakeStripeJson.Dispute(json, session, disputeId, status, amount ?? session.AmountTotal));
        }
    }

    /// <summary>Stops listening.</summary>
    /// <returns>A task that ends when the socket is closed.</returns>
    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;

    private (FakeStripeStore State, StripeFakeSession Session) SessionOf(string sessionId)
    {
        FakeStripeStore state = _core.OfSession(sessionId);
        return (state, state.Sessions[state.SessionIndex(sessionId)]);
    }

    private StripeWebhook Sign(
        FakeStripeStore state, string? eventId, string type, Action<System.Text.Json.Utf8JsonWriter> write)
    {
        DateTimeOffset now = _options.Time.GetUtcNow();
        byte[] body = FakeStripeJson.Event(
            eventId ?? state.NewId("evt"), type, now, null, write, state.IsLive, state.Account);
        return StripeWebhook.Sign(body, WebhookSecret, now);
    }

    private StripeFault? TakeFault(StripeRequest request)
    {
        Script? script = _scripts.Find(candidate => candidate.Matches(request));
        if (script is null)
        {
            return _policy?.Invoke(request);
        }

        if (--script.Left == 0)
        {
            _scripts.Remove(script);
        }

        return script.Fault;
    }

    private sealed class Script(StripeFault fault, string? method, string? pathPrefix)
    {
        public StripeFault Fault { get; } = fault;

        public int Left { get; set; }

        public bool Matches(StripeRequest request) =>
            (method is null || string.Equals(method, request.Method, StringComparison.OrdinalIgnoreCase))
            && (pathPrefix is null || request.Path.StartsWith(pathPrefix, StringComparison.Ordinal));
    }
}
