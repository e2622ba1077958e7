using System.Text.Json;
using Coach.Abstractions;
using Coach.Payments;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore;

/// <summary>Links of the session that asks, and Stripe's webhooks.</summary>
internal sealed class PaymentEndpoints(IPaymentLinks links, IPaymentWebhooks webhooks)
{
    private const int MaxKeyLength = 200;
    private const int MaxDescriptionLength = 250;

    public async Task CreateAsync(HttpContext context)
    {
        SessionId session = context.GetCoachSession().Id;
        if (!TryReadKey(context.Request, out string key))
        {
            await CoachProblem.Invalid(
                $"Send an Idempotency-Key header of 1 to {MaxKeyLength} visible ASCII characters: one per purchase, "
                + "repeated on every retry of it.",
                StatusCodes.Status400BadRequest).WriteAsync(context).ConfigureAwait(false);
            return;
        }

        (
            PaymentLinkRequest? request,
            CoachProblem? problem) = await ReadAsync(context, session, key).ConfigureAwait(false);
        if (request is null)
        {
            await problem!.WriteAsync(context).ConfigureAwait(false);
            return;
        }

        PaymentLink link = await links.CreateAsync(request, context.RequestAborted).ConfigureAwait(false);
        await WriteAsync(
            context,
            link,
            link.IsReplay ? StatusCodes.Status200OK : StatusCodes.Status201Created).ConfigureAwait(false);
    }

    public Task ShowAsync(HttpContext context) => OnOwnLinkAsync(context, links.GetStatusAsync);

    /// <summary>Nobody can pay the link any more. One that was paid stays paid, and the answer says so.</summary>
    public Task DeactivateAsync(HttpContext context) => OnOwnLinkAsync(context, links.DeactivateAsync);

    private async Task OnOwnLinkAsync(HttpContext context, Func<string, CancellationToken, Task<PaymentLink>> ask)
    {
        string owner = context.GetCoachSession().Id.Value;
        string id = (string?)context.Request.RouteValues["id"] ?? "";
        PaymentLink? link = await links.FindAsync(id, context.RequestAborted).ConfigureAwait(false);
        if (link is null || link.Owner != owner)
        {
            await CoachProblem.Invalid(
                "This session has no payment link with this id. Use the id that creating the link returned.",
                StatusCodes.Status404NotFound).WriteAsync(context).ConfigureAwait(false);
            return;
        }

        await WriteAsync(
            context,
            await ask(id, context.RequestAborted).ConfigureAwait(false),
            StatusCodes.Status200OK).ConfigureAwait(false);
    }

    public async Task ReceiveAsync(HttpContext context)
    {
        byte[]? body = await RequestBodies.ReadAsync(context, RequestBodies.MaxWebhookBytes).ConfigureAwait(false);
        if (body is null)
        {
            await new CoachProblem(
                StatusCodes.Status400BadRequest, ErrorCodes.WebhookInvalid, "The webhook's body is over 512 KiB.")
                .WriteAsync(context)
                .ConfigureAwait(false);
            return;
        }

        await webhooks.HandleAsync(body, context.Request.Headers["Stripe-Signature"].ToString(), context.RequestAborted)
            .ConfigureAwait(false);
        context.Response.StatusCode = StatusCodes.Status200OK;
    }

    private static bool TryReadKey(HttpRequest request, out string key)
    {
        key = request.Headers["Idempotency-Key"] is [{ } value] ? value.Trim() : "";
        return key.Length is > 0 and <= MaxKeyLength && !key.AsSpan().ContainsAnyExceptInRange('!', '~');
    }

    private static async Task<(
        PaymentLinkRequest? Request,
        CoachProblem? Problem)> ReadAsync(HttpContext context, SessionId session, string key)
    {
        (JsonDocument? body, CoachProblem? problem) = await RequestBodies.ReadObjectAsync(context)
            .ConfigureAwait(false);
        using (body)
        {
            if (problem is not null)
            {
                return (null, problem);
            }

            JsonElement root = body!.RootElement;
            if (!root.TryGetProperty("amount", out JsonElement amount)
                || amount.ValueKind != JsonValueKind.Number
                || !amount.TryGetInt64(out long minorUnits))
            {
                return (null, CoachProblem.Invalid(
                    "The amount must be a whole number of minor units: 1250 for 12.50 USD."));
            }

            if (minorUnits <= 0)
            {
                return (null, CoachProblem.Invalid("The amount must be greater than 0 minor units."));
            }

            if (!Money.TryCreate(
                minorUnits,
                root.TryGetString("currency", out string? currency) ? currency : null,
                out Money money,
                out string? wrong))
            {
                return (null, CoachProblem.Invalid(wrong));
            }

            bool hasDescription = root.TryGetString("description", out string? text);
            if (!hasDescription
                && root.TryGetProperty("description", out JsonElement given)
                && given.ValueKind != JsonValueKind.Null)
            {
                return (null, CoachProblem.Invalid("The description must be a text, or left out."));
            }

            string description = hasDescription ? text!.Trim() : "";
            return description.Length > MaxDescriptionLength
                ? (null, CoachProblem.Invalid($"The description must have at most {MaxDescriptionLength} characters."))
                : (new PaymentLinkRequest
                {
                    // Two sessions may use the same key without meeting: their owners differ.
                    OperationKey = key,
                    Amount = money,
                    Description = description.Length > 0 ? description : "Payment",
                    Owner = session.Value,
                }, null);
        }
    }

    private static Task WriteAsync(HttpContext context, PaymentLink link, int status) =>
        Json.WriteAsync(context, status, writer =>
    {
        writer.WriteString("id", link.Id);
        writer.WriteString("url", link.Url.ToString());
        writer.WriteString("status", JsonNamingPolicy.CamelCase.ConvertName(link.Status.ToString()));
        writer.WriteBoolean("isSimulated", link.IsSimulated);
        writer.WriteNumber("amount", link.Amount.MinorUnits);
        writer.WriteString("currency", link.Amount.Currency);
    });
}
