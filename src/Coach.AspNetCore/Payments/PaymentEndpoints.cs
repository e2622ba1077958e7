using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Sessions;
using Coach.Payments;
using Coach.Payments.Gateways;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Payments;

/// <summary>Links of the session that asks, or of its user.</summary>
internal sealed class PaymentEndpoints(
    IPaymentLinks links, ITabs tabs, IPaymentGateway gateway, IRateLimitStore limits,
    IOptions<CoachRateLimitOptions> rates, IOptionsMonitor<CoachPaymentsOptions> options,
    IOptions<CoachHostOptions> host, ICallerResolver callers)
{
    private const int AddressFactor = 3;
    private const int MostListed = 100;
    private const int MaxKeyLength = 200;
    private const int MaxDescriptionLength = 250;

    private static readonly Failure[] OfALink =
    [
        .. Failures.OfASession,
        .. Failures.Of("the payment provider", ErrorCodes.PaymentRejected, ErrorCodes.PaymentsUnavailable),
        .. Failures.Of("the outcome is not known yet", ErrorCodes.PaymentUncertain),
    ];

    private static readonly Failure NoSuchLink = new(
        StatusCodes.Status404NotFound, "the session has no such link", ErrorCodes.NotFound);

    /// <summary>Maps the links; the caller gives them their session.</summary>
    public static void Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        endpoints
            .MapPost(
                pattern,
                (
                    [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey,
                    HttpContext context,
                    [FromServices] PaymentEndpoints handler) =>
                    handler.CreateAsync(context))
            .WithTags("Payments")
            .WithSummary("Makes a payment link, once for each idempotency key")
            .WithMetadata(new AuditAction("payment_link.create"))
            .WithMetadata(new JsonBody(typeof(CreateLinkRequest)))
            .CanFail(
            [
                .. OfALink,
                .. Failures.OfABody,
                new(
                    StatusCodes.Status400BadRequest,
                    "the idempotency key is missing or malformed",
                    ErrorCodes.RequestInvalid),
                new(
                    StatusCodes.Status403Forbidden,
                    "with live keys only the host names an amount",
                    ErrorCodes.RequestInvalid),
                .. Failures.Of("the idempotency key", ErrorCodes.IdempotencyConflict, ErrorCodes.IdempotencyInProgress),
            ]);
        endpoints
            .MapGet(
                pattern,
                (HttpContext context, [FromServices] PaymentEndpoints handler) => handler.ListAsync(context))
            .WithTags("Payments")
            .WithSummary("Lists the session's payment links, newest first, as far as this host knows")
            .CanFail(OfALink);
        endpoints
            .MapGet(
                pattern + "/{id}/payments",
                (string id, HttpContext context, [FromServices] PaymentEndpoints handler) =>
                    handler.ShowPaymentsAsync(id, context))
            .WithTags("Payments")
            .WithSummary("Shows what was paid on a link, and what went back")
            .CanFail([.. OfALink, NoSuchLink]);
        endpoints
            .MapGet(
                pattern + "/{id}",
                (string id, HttpContext context, [FromServices] PaymentEndpoints handler) =>
                    handler.ShowAsync(id, context))
            .WithTags("Payments")
            .WithSummary("Shows a payment link and asks how far the payment got")
            .CanFail([.. OfALink, NoSuchLink]);
        endpoints
            .MapDelete(
                pattern + "/{id}",
                (string id, HttpContext context, [FromServices] PaymentEndpoints handler) =>
                    handler.DeactivateAsync(id, context))
            .WithTags("Payments")
            .WithSummary("Closes a payment link; one that was paid stays paid")
            .WithMetadata(new AuditAction("payment_link.close"))
            .CanFail([.. OfALink, NoSuchLink]);
    }

    public async Task<Results<Ok<LinksResponse>, CoachProblem>> ListAsync(HttpContext context)
    {
        CallerContext caller = await callers.ResolveAsync(context).ConfigureAwait(false);
        IReadOnlyList<PaymentLink> mine = await PaymentOwner
            .ListAsync(links, caller, MostListed, context.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(new LinksResponse { Links = [.. mine.Select(link => Respond(link, context))] });
    }

    public async Task<Results<Ok<LinkPaymentsResponse>, CoachProblem>> ShowPaymentsAsync(string id, HttpContext context)
    {
        CallerContext caller = await callers.ResolveAsync(context).ConfigureAwait(false);
        PaymentLink? link = await links.FindAsync(id, context.RequestAborted).ConfigureAwait(false);
        return caller.Owns(link)
            ? TypedResults.Ok(LinkPaymentsResponse.Of(link!))
            : NotFound();
    }

    public async Task<Results<Created<LinkResponse>, Ok<LinkResponse>, CoachProblem>> CreateAsync(HttpContext context)
    {
        if (await LimitAsync(context).ConfigureAwait(false) is { } tooMany)
        {
            return tooMany;
        }

        // The header is read here, not bound: a second value of it must not be joined to the first.
        if (!TryReadKey(context.Request, out string key))
        {
            return NoKey();
        }

        (CreateLinkRequest? body, CoachProblem? problem) = await JsonRequest
            .ReadAsync<CreateLinkRequest>(context, WrongField).ConfigureAwait(false);
        if (problem is null && body!.Tab is { } tab)
        {
            return await PayTabAsync(tab, body, context).ConfigureAwait(false);
        }

        PaymentLinkRequest? request = null;
        CallerContext caller = await callers.ResolveAsync(context).ConfigureAwait(false);
        problem ??= Check(body!, caller, key, out request) ?? CheckWhoNamesAmounts();
        if (problem is not null)
        {
            return problem;
        }

        PaymentLink link = await links.CreateAsync(
            PaymentOwner.BegunBefore(caller, request!), context.RequestAborted).ConfigureAwait(false);
        LinkResponse response = Respond(link, context);
        return link.IsReplay ? TypedResults.Ok(response) : TypedResults.Created((string?)null, response);
    }

    /// <summary>Whether a link that is made now takes real money.</summary>
    public bool IsLive => host.Value.Mode != HostMode.Mock && gateway.Mode == GatewayMode.Live;

    /// <summary>Makes a link for something that the host names and prices itself.</summary>
    /// <param name="context">The request, whose header <c>Idempotency-Key</c> names the purchase.</param>
    /// <param name="request">Makes the payment's request from that key.</param>
    public async Task<Results<Created<LinkResponse>, Ok<LinkResponse>, CoachProblem>> SellAsync(
        HttpContext context, Func<string, PaymentLinkRequest> request)
    {
        if (await LimitAsync(context).ConfigureAwait(false) is { } tooMany)
        {
            return tooMany;
        }

        if (!TryReadKey(context.Request, out string key))
        {
            return NoKey();
        }

        PaymentLink link = await links.CreateAsync(request(key), context.RequestAborted).ConfigureAwait(false);
        LinkResponse response = Respond(link, context);
        return link.IsReplay ? TypedResults.Ok(response) : TypedResults.Created((string?)null, response);
    }

    public Task<Results<Ok<LinkResponse>, CoachProblem>> ShowAsync(string id, HttpContext context) =>
        OnOwnLinkAsync(id, context, links.GetStatusAsync);

    /// <summary>Nobody can pay the link any more. One that was paid stays paid, and the answer says so.</summary>
    public Task<Results<Ok<LinkResponse>, CoachProblem>> DeactivateAsync(string id, HttpContext context) =>
        OnOwnLinkAsync(id, context, links.DeactivateAsync);

    private async Task<Results<Ok<LinkResponse>, CoachProblem>> OnOwnLinkAsync(
        string id, HttpContext context, Func<string, CancellationToken, Task<PaymentLink>> ask)
    {
        CallerContext caller = await callers.ResolveAsync(context).ConfigureAwait(false);
        PaymentLink? link = await links.FindAsync(id, context.RequestAborted).ConfigureAwait(false);
        if (!caller.Owns(link))
        {
            return NotFound();
        }

        return TypedResults.Ok(Respond(await ask(id, context.RequestAborted).ConfigureAwait(false), context));
    }

    private static CoachProblem NotFound() => CoachProblem.Invalid(
        "This session has no payment link with this id. Use the id that creating the link returned.",
        StatusCodes.Status404NotFound);

    // A link that no provider made opens a page of this host, where the whole story can be played.
    private LinkResponse Respond(PaymentLink link, HttpContext context)
    {
        bool hasPage = link.IsSimulated && link.Url.Host.EndsWith(".invalid", StringComparison.Ordinal)
            && context.GetEndpoint()?.Metadata.GetMetadata<SimulatedPagePath>() is not null;
        string? page = hasPage
            ? context.GetEndpoint()!.Metadata.GetMetadata<SimulatedPagePath>()!.Of(context.Request, link.Id)
            : null;
        return LinkResponse.Of(link, page);
    }

    private async Task<Results<Created<LinkResponse>, Ok<LinkResponse>, CoachProblem>> PayTabAsync(
        string tab, CreateLinkRequest body, HttpContext context)
    {
        if (body.Amount is not null || body.Currency is not null || body.Description is not null)
        {
            return CoachProblem.Invalid("A tab says itself what it comes to: leave amount, currency and description out.");
        }

        CallerContext caller = await callers.ResolveAsync(context).ConfigureAwait(false);
        string owner = await PaymentOwner
            .OfTabAsync(tabs, caller, tab, context.RequestAborted).ConfigureAwait(false);
        PaymentLink link = await tabs.CloseAsync(owner, tab, context.RequestAborted).ConfigureAwait(false);
        LinkResponse response = Respond(link, context);
        return link.IsReplay ? TypedResults.Ok(response) : TypedResults.Created((string?)null, response);
    }

    // A number that a browser sends is a wish. Where real money moves, the host says what something costs.
    private CoachProblem? CheckWhoNamesAmounts()
    {
        return IsLive && !options.Get("").AllowClientAmounts
            ? CoachProblem.Invalid(
                "With a live key the amount is the host's to name: pay a tab with {\"tab\":\"ID\"}, or let the host make "
                + "the link. Coach:Payments:AllowClientAmounts lets browsers name amounts.",
                StatusCodes.Status403Forbidden)
            : null;
    }

    // Each link is a product and a price at the provider: making them has a limit of its own, and whoever throws
    // cookies away to get fresh sessions still drains the address's bucket.
    private async ValueTask<CoachProblem?> LimitAsync(HttpContext context)
    {
        CoachRateLimitOptions rate = rates.Value;
        RateLimitDecision byAddress = await limits.TryAcquireAsync(
            $"links:address:{ClientNetwork.Of(context.Connection.RemoteIpAddress)}",
            new RateLimit(rate.LinksBurst * AddressFactor, rate.LinksPerMinute * AddressFactor),
            cancellationToken: context.RequestAborted).ConfigureAwait(false);
        RateLimitDecision decision = !byAddress.IsGranted ? byAddress : await limits.TryAcquireAsync(
            $"links:session:{context.GetCoachSession().Id.Value}", new RateLimit(rate.LinksBurst, rate.LinksPerMinute),
            cancellationToken: context.RequestAborted).ConfigureAwait(false);
        return decision.IsGranted
            ? null
            : new CoachProblem(
                StatusCodes.Status429TooManyRequests, ErrorCodes.RateLimited,
                "Too many payment links. Try again later, with the same idempotency key.")
            {
                RetryAfter = decision.RetryAfter,
            };
    }

    private static CoachProblem NoKey() => CoachProblem.Invalid(
        $"Send an Idempotency-Key header of 1 to {MaxKeyLength} visible ASCII characters: "
        + "one per purchase, repeated on every retry of it.",
        StatusCodes.Status400BadRequest);

    private static bool TryReadKey(HttpRequest request, out string key)
    {
        // draft-ietf-httpapi-idempotency-key-header: one value, chosen by the client, for one purchase.
        key = request.Headers["Idempotency-Key"] is [{ } value] ? value.Trim() : "";
        return key.Length is > 0 and <= MaxKeyLength && !key.AsSpan().ContainsAnyExceptInRange('!', '~');
    }

    private static CoachProblem? Check(
        CreateLinkRequest body, CallerContext caller, string key, out PaymentLinkRequest? request)
    {
        request = null;
        if (body.Amount is not { } minorUnits)
        {
            return WrongField("amount");
        }

        if (minorUnits <= 0)
        {
            return CoachProblem.Invalid("The amount must be greater than 0 minor units.");
        }

        if (!Money.TryCreate(minorUnits, body.Currency, out Money money, out string? wrong))
        {
            return CoachProblem.Invalid(wrong);
        }

        string description = body.Description?.Trim() ?? "";
        if (description.Length > MaxDescriptionLength)
        {
            return CoachProblem.Invalid($"The description must have at most {MaxDescriptionLength} characters.");
        }

        request = new PaymentLinkRequest
        {
            OperationKey = key,
            Amount = money,
            Description = description.Length > 0 ? description : "Payment",

            // Two callers may use the same key without meeting: their owners differ.
            Owner = PaymentOwner.Of(caller),
        };
        return null;
    }

    private static CoachProblem? WrongField(string field) => field switch
    {
        "amount" => CoachProblem.Invalid("The amount must be a whole number of minor units: 1250 for 12.50 USD."),
        "tab" => CoachProblem.Invalid("The tab must be a text: its name."),
        "currency" => CoachProblem.Invalid("The currency must be a text: three letters, such as usd."),
        _ when field.StartsWith("description", StringComparison.Ordinal) =>
            CoachProblem.Invalid("The description must be a text, or left out."),
        _ => null,
    };
}
