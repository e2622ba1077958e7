using System.Globalization;
using System.Text;

namespace Coach.Testing.Stripe;

/// <summary>
/// What both transports serve: authentication, rate limit, idempotency as Stripe documents it, validation, execution,
/// scripted faults.
/// </summary>
internal sealed class FakeStripeServer(StripeFakeOptions options)
{
    // Idempotency keys as Stripe keeps them: the first answer, whatever it was, for a day.
    private readonly Dictionary<string, StoredKey> _keys = new(StringComparer.Ordinal);
    // Test and live mode and each account have objects of their own, as Stripe keeps them apart.
    private readonly Dictionary<(bool IsLive, string? Account), FakeStripeRouter> _scopes = [];
    private int _next;
    private int _requests;
    private (long Second, int Count) _rate;

    public Lock Gate { get; } = new();

    /// <summary>The objects of every mode and account, in order of their first use.</summary>
    public IEnumerable<FakeStripeStore> States => _scopes.Values.Select(static routes => routes.State);

    public List<StripeRequest> Requests { get; } = [];

    public Func<StripeRequest, StripeFault?> NextFault { get; set; } = static _ => null;

    public void Forget()
    {
        _keys.Clear();
        Requests.Clear();
        foreach (FakeStripeStore state in States)
        {
            state.Clear();
        }
    }

    public async Task<FakeStripeReply> HandleAsync(StripeRequest request)
    {
        StripeFault fault;
        FakeStripeReply? reply = null;
        StoredKey? claimed = null;
        lock (Gate)
        {
            request = request with { ReceivedAt = options.Time.GetUtcNow() };
            Requests.Add(request);
            fault = NextFault(request) ?? new StripeFault(StripeFaultKind.None);
            reply = Early(request, fault);
            if (reply is null)
            {
                (reply, claimed) = Claim(request);
                if (reply is null && fault.Kind != StripeFaultKind.Slow)
                {
                    reply = Execute(request, fault, claimed);
                }
            }
        }

        // A slow request holds its key, not the lock: others are served meanwhile.
        if (reply is null)
        {
            await Task.Delay(fault.Delay, options.Time, CancellationToken.None).ConfigureAwait(false);
            lock (Gate)
            {
                reply = Execute(request, fault, claimed);
            }
        }

        return reply;
    }

    /// <summary>The objects that a session belongs to.</summary>
    public FakeStripeStore OfSession(string id) =>
        States.FirstOrDefault(state => state.Sessions.Exists(session => session.Id == id)) ?? OfNobody;

    /// <summary>The objects that a link belongs to.</summary>
    public FakeStripeStore OfLink(string id) =>
        States.FirstOrDefault(state => state.Links.Exists(link => link.Id == id)) ?? OfNobody;

    private FakeStripeStore OfNobody => Scope(false, null).State;

    private FakeStripeRouter RoutesOf(StripeRequest request) => Scope(
        request.ApiKey?.Contains("_live_", StringComparison.Ordinal) == true,
        request.Headers.GetValueOrDefault("Stripe-Account"));

    private FakeStripeRouter Scope(bool isLive, string? account)
    {
        if (!_scopes.TryGetValue((isLive, account), out FakeStripeRouter? routes))
        {
            routes = new FakeStripeRouter(new FakeStripeStore(options.Time, isLive, account, () => ++_next));
            _scopes.Add((isLive, account), routes);
        }

        return routes;
    }

    // A key's own mode and account: the same text elsewhere is another key.
    private static string KeyOf(StripeRequest request) => string.Concat(
        request.ApiKey?.Contains("_live_", StringComparison.Ordinal) == true ? "live " : "test ",
        request.Headers.GetValueOrDefault("Stripe-Account"), " ", request.IdempotencyKey);

    /// <summary>Everything that answers before the key is looked at, and is therefore never stored.</summary>
    private FakeStripeReply? Early(StripeRequest request, StripeFault fault)
    {
        switch (fault.Kind)
        {
            case StripeFaultKind.Status:
                return FaultReply(fault);
            case StripeFaultKind.InUse:
                return Answer(InUse());
            case StripeFaultKind.Html:
                return new FakeStripeReply(
                    fault.HttpStatus == 500 ? 502 : fault.HttpStatus,
                    Encoding.UTF8.GetBytes("<html><body>502 Bad Gateway</body></html>"))
                { ContentType = "text/html" };
            case StripeFaultKind.Reset or StripeFaultKind.Refuse or StripeFaultKind.Hang:
                return new FakeStripeReply(0, []) { Delivery = fault.Kind };
        }

        if (request.ApiKey is not { } key)
        {
            return Answer(new FakeStripeError(401, "You did not provide an API key."));
        }

        bool isKnown = options.ApiKey is null
            ? key.StartsWith("sk_", StringComparison.Ordinal) || key.StartsWith("rk_", StringComparison.Ordinal)
            : key == options.ApiKey;
        if (!isKnown)
        {
            return Answer(new FakeStripeError(401, "Invalid API Key provided: "
                + $"{key[..Math.Min(8, key.Length)]}****{(key.Length > 12 ? key[^4..] : "")}"));
        }

        long second = request.ReceivedAt.ToUnixTimeSeconds();
        _rate = _rate.Second == second ? (second, _rate.Count + 1) : (second, 1);
        if (_rate.Count > options.RequestsPerSecond)
        {
            return Answer(new FakeStripeError(429, "Request rate limit exceeded.", null, "rate_limit"));
        }

        bool isForm = request.Body.Length == 0
            || (request.Headers.GetValueOrDefault("Content-Type") ?? "").StartsWith(
                "application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase);
        return isForm
            ? null
            : Answer(new FakeStripeError(400, "Invalid request (check that your POST content type is "
                + "application/x-www-form-urlencoded)."));
    }

    // The key is claimed before anything is executed, so that a second request meanwhile finds it in use.
    private (FakeStripeReply? Reply, StoredKey? Claimed) Claim(StripeRequest request)
    {
        if (request.Method != "POST" || request.IdempotencyKey is not { } key)
        {
            return (null, null);
        }

        if (key.Length is 0 or > 255)
        {
            return (Answer(new FakeStripeError(400, "Keys for idempotent requests must have 1 to 255 "
                + "characters.", type: "idempotency_error")), null);
        }

        DateTimeOffset now = options.Time.GetUtcNow();
        if (_keys.TryGetValue(KeyOf(request), out StoredKey? stored)
            && (stored.Reply is null || now - stored.Since < options.KeyLifetime))
        {
            if (stored.Path != request.Path)
            {
                return (Answer(new FakeStripeError(400,
                    "Keys for idempotent requests can only be used for the same endpoint they were first used "
                    + $"for ('{stored.Path}' vs '{request.Path}'). Try using a key other than '{key}' if you "
                    + "meant to execute a different request.",
                    type: "idempotency_error")), null);
            }

            if (stored.Body != request.Body)
            {
                return (Answer(new FakeStripeError(400,
                    "Keys for idempotent requests can only be used with the same parameters they were first "
                    + $"used with. Try using a key other than '{key}' if you meant to execute a different request.",
                    type: "idempotency_error")), null);
            }

            return stored.Reply is null ? (Answer(InUse()), null) : (Replay(stored, key), null);
        }

        var claimed = new StoredKey(request.Path, request.Body, now);
        _keys[KeyOf(request)] = claimed;
        return (null, claimed);
    }

    private FakeStripeReply Execute(StripeRequest request, StripeFault fault, StoredKey? claimed)
    {
        FakeStripeReply reply;
        bool isStored = claimed is not null;
        if (fault.Kind == StripeFaultKind.StoredError)
        {
            reply = FaultReply(fault);
        }
        else
        {
            try
            {
                reply = Stamp(RoutesOf(request).Run(request));
                reply = fault.Kind == StripeFaultKind.StoredErrorAfterEffect ? FaultReply(fault) : reply;
            }
            catch (FakeStripeError error)
            {
                reply = Answer(error);
                isStored &= !error.IsValidation;
            }
        }

        if (claimed is not null)
        {
            string key = request.IdempotencyKey!;
            reply.Headers["Idempotency-Key"] = key;
            if (isStored)
            {
                claimed.Reply = reply;
            }
            else
            {
                _keys.Remove(KeyOf(request));
            }
        }

        return fault.Kind switch
        {
            StripeFaultKind.LoseAnswer => reply with { Delivery = StripeFaultKind.Reset },
            StripeFaultKind.HangAfterEffect => reply with { Delivery = StripeFaultKind.Hang },
            StripeFaultKind.Truncate => reply with { Delivery = StripeFaultKind.Truncate },
            StripeFaultKind.EmptySuccess => Stamp(new FakeStripeReply(200, [])),
            _ => reply,
        };
    }

    // A replay has a request id of its own and names the one it repeats.
    private FakeStripeReply Replay(StoredKey stored, string key)
    {
        var reply = Stamp(new FakeStripeReply(stored.Reply!.Status, stored.Reply.Body));
        reply.Headers["Idempotency-Key"] = key;
        reply.Headers["Idempotent-Replayed"] = "true";
        reply.Headers["Original-Request"] = stored.Reply.Headers["Request-Id"];
        return reply;
    }

    private FakeStripeReply FaultReply(StripeFault fault)
    {
        FakeStripeReply reply = Stamp(
            new FakeStripeReply(
                fault.HttpStatus, FakeStripeError.Body(fault.ErrorType, fault.Message, null, fault.Code)));
        if (fault.RetryAfter is { } wait)
        {
            reply.Headers["Retry-After"] = wait;
        }

        if (fault.ShouldRetry is { } shouldRetry)
        {
            reply.Headers["Stripe-Should-Retry"] = shouldRetry ? "true" : "false";
        }

        return reply;
    }

    private FakeStripeReply Answer(FakeStripeError error) => Stamp(error.ToReply());

    private FakeStripeReply Stamp(FakeStripeReply reply)
    {
        reply.Headers["Request-Id"] = string.Create(CultureInfo.InvariantCulture, $"req_{++_requests:D14}");
        reply.Headers["Date"] = options.Time.GetUtcNow().ToString("R", CultureInfo.InvariantCulture);
        return reply;
    }

    private static FakeStripeError InUse() => new(409,
        "There is currently another in-progress request using this Idempotent Key (that probably means you "
        + "submitted twice, and the other request is still going through). Please try again later.",
        code: "idempotency_key_in_use", type: "idempotency_error");

    private sealed class StoredKey(string path, string body, DateTimeOffset since)
    {
        public string Path { get; } = path;

        public string Body { get; } = body;

        public DateTimeOffset Since { get; } = since;

        public FakeStripeReply? Reply { get; set; }
    }
}
