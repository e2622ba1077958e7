using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Sessions;
using Coach.Payments;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Payments;

/// <summary>The caller's tabs: lines come from the host's price list, by name; no price of a browser's
/// counts.</summary>
internal sealed class TabEndpoints(
    ITabs tabs, IOptions<CoachMenuOptions> menu, TabLimit limit, ICallerResolver callers)
{
    private const int MostAtOnce = 99;
    private const int MaxKeyLength = 64;

    private static readonly Failure NoSuchTab = new(
        StatusCodes.Status404NotFound, "the session has no such tab, or the price list no such item",
        ErrorCodes.NotFound);

    private static readonly Failure[] OfAChange =
    [
        .. Failures.OfASession,
        new(
            StatusCodes.Status422UnprocessableEntity, "the tab does not take this change", ErrorCodes.RequestInvalid),
        .. Failures.Of("the tabs cannot be written", ErrorCodes.PaymentsUnavailable),
        .. Failures.Of("the tab changes all the time", ErrorCodes.IdempotencyInProgress),
        NoSuchTab,
    ];

    /// <summary>Maps the price list and the tabs; the caller gives them their session.</summary>
    public static void Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        endpoints
            .MapGet(
                pattern + "/menu",
                (HttpContext context, [FromServices] TabEndpoints handler) => handler.ShowMenuAsync(context))
            .WithTags("Payments")
            .WithSummary("Shows what there is to order, and what is on the session's tab")
            .CanFail(
                [.. Failures.OfASession, .. Failures.Of("the tabs cannot be read", ErrorCodes.PaymentsUnavailable)]);
        endpoints
            .MapGet(
                pattern + "/tabs/{id}",
                (string id, HttpContext context, [FromServices] TabEndpoints handler) => handler.ShowAsync(id, context))
            .WithTags("Payments")
            .WithSummary("Shows what is on the session's tab")
            .CanFail(
            [
                .. Failures.OfASession,
                .. Failures.Of("the tabs cannot be read", ErrorCodes.PaymentsUnavailable),
                NoSuchTab,
            ]);
        endpoints
            .MapPost(
                pattern + "/tabs/{id}/lines",
                (
                    string id,
                    [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey,
                    HttpContext context,
                    [FromServices] TabEndpoints handler) =>
                    handler.AddAsync(id, context))
            .WithTags("Payments")
            .WithSummary("Puts an item of the price list on the tab, once for each idempotency key; the first opens it")
            .WithMetadata(new JsonBody(typeof(AddLineRequest)))
            .CanFail(
            [
                .. OfAChange,
                .. Failures.OfABody,
                .. Failures.Of("the balance cannot be read", ErrorCodes.StoreUnavailable),
                new(
                    StatusCodes.Status402PaymentRequired,
                    "the tab would come to more than the balance of credits",
                    ErrorCodes.BudgetExceeded),
                new(
                    StatusCodes.Status400BadRequest,
                    "the idempotency key is missing or malformed",
                    ErrorCodes.RequestInvalid),
            ]);
        endpoints
            .MapDelete(
                pattern + "/tabs/{id}/lines/{line}",
                (string id, string line, HttpContext context, [FromServices] TabEndpoints handler) =>
                    handler.RemoveAsync(id, line, context))
            .WithTags("Payments")
            .WithSummary("Takes a line off that is on no bill yet")
            .CanFail(OfAChange);
        endpoints
            .MapPut(
                pattern + "/tabs/{id}/tip",
                (string id, HttpContext context, [FromServices] TabEndpoints handler) =>
                    handler.SetTipAsync(id, context))
            .WithTags("Payments")
            .WithSummary("Sets the tip in percent")
            .WithMetadata(new JsonBody(typeof(TipRequest)))
            .CanFail([.. OfAChange, .. Failures.OfABody]);
    }

    public async Task<Results<Ok<MenuResponse>, CoachProblem>> ShowMenuAsync(HttpContext context)
    {
        string owner = await OwnerOfAsync(context, TabTool.TabId).ConfigureAwait(false);
        Tab? tab = await tabs.FindAsync(owner, TabTool.TabId, context.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(new MenuResponse
        {
            Currency = menu.Value.Currency,
            Items =
            [
                .. menu.Value.Items.Select(static item => new MenuItemResponse
                {
                    Id = item.Id,
                    Name = item.Name,
                    Price = item.Price,
                }),
            ],
            Tab = tab is null ? null : TabResponse.Of(tab),
        });
    }

    public async Task<Results<Ok<TabResponse>, CoachProblem>> ShowAsync(string id, HttpContext context)
    {
        string owner = await OwnerOfAsync(context, id).ConfigureAwait(false);
        Tab? tab = await tabs.FindAsync(owner, id, context.RequestAborted).ConfigureAwait(false);
        return tab is null ? NotFound() : TypedResults.Ok(TabResponse.Of(tab));
    }

    public async Task<Results<Ok<TabResponse>, CoachProblem>> AddAsync(string id, HttpContext context)
    {
        // The line's name: sent again after a lost answer, it is the same line.
        string key = context.Request.Headers["Idempotency-Key"] is [{ } value] ? value.Trim() : "";
        if (key.Length is 0 or > MaxKeyLength || key.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return CoachProblem.Invalid(
                $"Send an Idempotency-Key header of 1 to {MaxKeyLength} visible ASCII characters: one per line, repeated on "
                + "every retry of it.", StatusCodes.Status400BadRequest);
        }

        (AddLineRequest? body, CoachProblem? problem) =
            await JsonRequest.ReadAsync<AddLineRequest>(context, WrongField).ConfigureAwait(false);
        if (problem is not null)
        {
            return problem;
        }

        if (Find(menu.Value, body!.Item) is not { } item)
        {
            return CoachProblem.Invalid(
                "There is no such item on the price list. GET /api/payments/menu shows it.",
                StatusCodes.Status404NotFound);
        }

        int quantity = body.Quantity ?? 1;
        if (quantity is < 1 or > MostAtOnce)
        {
            return CoachProblem.Invalid($"The quantity must be 1 to {MostAtOnce}.");
        }

        CallerContext caller = await callers.ResolveAsync(context).ConfigureAwait(false);
        string owner = await PaymentOwner.OfTabAsync(tabs, caller, id, context.RequestAborted).ConfigureAwait(false);
        long most = await limit.OfAsync(caller, context.RequestAborted).ConfigureAwait(false);
        Tab? tab = await tabs.TryAddLineAsync(
            owner, id, LineOf(menu.Value, item, key, quantity), most, context.RequestAborted).ConfigureAwait(false);
        return tab is null
            ? new CoachProblem(StatusCodes.Status402PaymentRequired, ErrorCodes.BudgetExceeded, TabLimit.Refusal)
            : TypedResults.Ok(TabResponse.Of(tab));
    }

    public async Task<Results<Ok<TabResponse>, CoachProblem>> RemoveAsync(string id, string line, HttpContext context)
    {
        string owner = await OwnerOfAsync(context, id).ConfigureAwait(false);
        Tab tab = await tabs.RemoveLineAsync(owner, id, line, context.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(TabResponse.Of(tab));
    }

    public async Task<Results<Ok<TabResponse>, CoachProblem>> SetTipAsync(string id, HttpContext context)
    {
        (TipRequest? body, CoachProblem? problem) =
            await JsonRequest.ReadAsync<TipRequest>(context, WrongField).ConfigureAwait(false);
        if (problem is not null)
        {
            return problem;
        }

        string owner = await OwnerOfAsync(context, id).ConfigureAwait(false);
        Tab tab = await tabs.SetTipAsync(owner, id, body!.Percent, null, context.RequestAborted)
            .ConfigureAwait(false);
        return TypedResults.Ok(TabResponse.Of(tab));
    }

    /// <summary>The item of a name; null where there is none.</summary>
    public static CoachMenuItem? Find(CoachMenuOptions menu, string? id) =>
        menu.Items.FirstOrDefault(item => item.Id == id);

    /// <summary>A line at the host's price.</summary>
    public static TabLine LineOf(CoachMenuOptions menu, CoachMenuItem item, string id, int quantity) =>
        new(id, item.Name, Money.Create(item.Price, menu.Currency), quantity);

    private async ValueTask<string> OwnerOfAsync(HttpContext context, string id)
    {
        CallerContext caller = await callers.ResolveAsync(context).ConfigureAwait(false);
        return await PaymentOwner.OfTabAsync(tabs, caller, id, context.RequestAborted).ConfigureAwait(false);
    }

    private static CoachProblem NotFound() =>
        CoachProblem.Invalid("This session has no tab of this name.", StatusCodes.Status404NotFound);

    private static CoachProblem? WrongField(string field) => field switch
    {
        "item" => CoachProblem.Invalid("The item must be a text: its id on the price list."),
        "quantity" => CoachProblem.Invalid("The quantity must be a whole number."),
        "percent" => CoachProblem.Invalid("The tip must be a number of percent, such as 12.5, or null."),
        _ => null,
    };
}
