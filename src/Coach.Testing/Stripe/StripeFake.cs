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
                return [.. _core.State.Prices];
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
                return [.. _core.State.Links];
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
                return [.. _core.State.Sessions];
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
            StripeFakeLink link = _core.State.Links[_core.State.LinkIndex(linkId, 404)];
            if (!link.IsPayable)
            {
                return null;
            }

            var session = new StripeFakeSession
            {
                Id = _core.State.NewId("cs"),
                LinkId = link.Id,
                Status = "open",
                PaymentStatus = "unpaid",
                AmountTotal = link.AmountTotal,
                Currency = link.Currency,
                Metadata = link.Metadata,
            };
            _core.State.Sessions.Add(session);
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
        string sessionId, bool isPaid = true, long? amount = null, string? currency = null)
    {
        lock (_core.Gate)
        {
            int index = _core.State.SessionIndex(sessionId);
            StripeFakeSession session = _core.State.Sessions[index];
            int linkIndex = _core.State.LinkIndex(session.LinkId, 404);
            StripeFakeLink link = _core.State.Links[linkIndex];
            if (session.Status != "open" || link.CompletedCount >= link.CompletedLimit)
            {
                return null;
            }

            _core.State.Links[linkIndex] = link with { CompletedCount = link.CompletedCount + 1 };
            return _core.State.Sessions[index] = session with
            {
                Status = "complete",
                PaymentStatus = isPaid ? "paid" : "unpaid",
                AmountTotal = amount ?? session.AmountTotal,
                Currency = currency ?? session.Currency,
            };
        }
    }

    /// <summary>The money of a delayed payment arrives.</summary>
    /// <param name="sessionId">The session.</param>
    /// <returns>The session.</returns>
    public StripeFakeSession Settle(string sessionId)
    {
        lock (_core.Gate)
        {
            int index = _core.State.SessionIndex(sessionId);
            return _core.State.Sessions[index] = _core.State.Sessions[index] with { PaymentStatus = "paid" };
        }
    }

    /// <summary>A session runs out.</summary>
    /// <param name="sessionId">The session; it must be open.</param>
    /// <returns>The session.</returns>
    public StripeFakeSession Expire(string sessionId)
    {
        lock (_core.Gate)
        {
            return _core.State.ExpireSession(sessionId);
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
            StripeFakeSession session = _core.State.Sessions[_core.State.SessionIndex(sessionId)];
            DateTimeOffset now = _options.Time.GetUtcNow();
            byte[] body = FakeStripeJson.Event(
                eventId ?? _core.State.NewId("evt"), type, now, null, json => FakeStripeJson.Session(json, session));
            return StripeWebhook.Sign(body, WebhookSecret, now);
        }
    }

    /// <summary>Stops listening.</summary>
    /// <returns>A task that ends when the socket is closed.</returns>
    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;

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
