using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Payments;
using Coach.AspNetCore.Sessions;
using Coach.AspNetCore.Usage;
using Coach.Payments;
using Coach.Usage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Coach.AspNetCore.Credits;

/// <summary>The balance, what is on sale, and a payment link for a pack.</summary>
internal sealed class CreditEndpoints(
    ICredits credits, PaymentEndpoints payments, ICallerResolver callers, CreditSettings settings)
{
    public static void Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        endpoints
            .MapGet(
                pattern, (HttpContext context, [FromServices] CreditEndpoints handler) => handler.ShowAsync(context))
            .WithTags("Usage")
            .WithSummary("Shows the balance, the price of an answer and the packs on sale")
            .CanFail(
            [
                .. Failures.OfASession,
                .. Failures.Of("the ledger is away", ErrorCodes.StoreUnavailable),
            ]);
        endpoints
            .MapPost(
                pattern + "/links",
                (HttpContext context, [FromServices] CreditEndpoints handler) => handler.BuyAsync(context))
            .WithTags("Usage")
            .WithSummary("Makes a payment link for a pack of credits, once for its Idempotency-Key")
            .WithMetadata(new JsonBody(typeof(BuyCreditsRequest)), new AuditAction("credits.buy"))
            .CanFail(
            [
                .. Failures.OfASession,
                .. Failures.OfABody,
                .. Failures.Of("payments are away", ErrorCodes.PaymentsUnavailable, ErrorCodes.PaymentUncertain),
                .. Failures.Of("the idempotency key", ErrorCodes.IdempotencyConflict, ErrorCodes.IdempotencyInProgress),
                new Failure(
                    StatusCodes.Status403Forbidden, "nobody is signed in whose balance it would be",
                    ErrorCodes.RequestInvalid),
            ]);
    }

    public async Task<Ok<CreditsResponse>> ShowAsync(HttpContext context)
    {
        CallerContext caller = await CallerAsync(context).ConfigureAwait(false);
        CreditBalance balance = await credits
            .GetBalanceAsync(LedgerAccount.Credits(caller), context.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(new CreditsResponse
        {
            Balance = UsageBalance.Of(balance),
            PricePerTurnMicro = settings.Credits.PricePerTurnMicros,
            Packs =
            [
                .. settings.Packs.Packs.Select(pack => new CreditPackResponse
                {
                    Id = pack.Id,
                    Title = pack.Title,
                    Amount = pack.PriceMinorUnits,
                    Currency = balance.Balance.Currency,
                    CreditMicro = pack.CreditMicros,
                }),
            ],
        });
    }

    public async Task<Results<Created<LinkResponse>, Ok<LinkResponse>, CoachProblem>> BuyAsync(HttpContext context)
    {
        (BuyCreditsRequest? body, CoachProblem? problem) = await JsonRequest
            .ReadAsync<BuyCreditsRequest>(context, static _ => null).ConfigureAwait(false);
        if (problem is not null)
        {
            return problem;
        }

        CreditPack? pack = settings.Packs.Packs.FirstOrDefault(pack => pack.Id == body!.Pack);
        if (pack is null)
        {
            return CoachProblem.Invalid("There is no such pack. Send {\"pack\":\"ID\"} with an id of GET /api/credits.");
        }

        CallerContext caller = await CallerAsync(context).ConfigureAwait(false);
        if (caller.UserId is null && payments.IsLive && !settings.Packs.AllowAnonymousPurchases)
        {
            return CoachProblem.Invalid(
                "Credits belong to a user: sign in to buy them. A session's would be lost with its cookie.",
                StatusCodes.Status403Forbidden);
        }

        if (new CreditPurchase(pack.Id, pack.CreditMicros, caller.Key).Write() is not { } reference)
        {
            return CoachProblem.Invalid("The ids of user and tenant are too long together for a payment's reference.");
        }

        return await payments.SellAsync(
            context,
            key => PaymentOwner.BegunBefore(caller, new PaymentLinkRequest
            {
                OperationKey = "credits-" + key,
                Amount = Money.Create(pack.PriceMinorUnits, settings.Credits.Currency),
                Description = pack.Title,
                Owner = PaymentOwner.Of(caller),
                Reference = reference,
            })).ConfigureAwait(false);
    }

    private ValueTask<CallerContext> CallerAsync(HttpContext context) =>
        callers.ResolveAsync(context);
}
