using System.Globalization;
using System.Text.Json;
using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.Payments;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Payments;

/// <summary>Receives Stripe's webhooks: the signature is over the bytes, so they are read as they came.</summary>
internal sealed class WebhookEndpoint(IPaymentWebhooks webhooks, IOptions<CoachPaymentsOptions> options)
{
    public static void Map(IEndpointRouteBuilder endpoints, string pattern) => endpoints
        .MapPost(
            pattern,
            (
                [FromHeader(Name = "Stripe-Signature")] string? signature,
                HttpContext context,
                [FromServices] WebhookEndpoint handler) =>
                handler.ReceiveAsync(signature, context))
        .WithTags("Payments")
        .WithSummary("Receives an event of the payment provider; the same one again has no second effect")
        .WithMetadata(new AuditAction("payment_event.receive"))
        .WithMetadata(new JsonBody(typeof(JsonElement)))
        .CanFail(
        [
            .. Failures.OfEveryCall,
            .. Failures.Of("the event is not genuine", ErrorCodes.WebhookInvalid),
            .. Failures.Of("the event is too large", ErrorCodes.TooLarge),
        ]);

    public async Task<Results<Ok, CoachProblem>> ReceiveAsync(string? signature, HttpContext context)
    {
        int limit = options.Value.MaxWebhookBytes;
        byte[]? body = await JsonRequest.ReadBytesAsync(context, limit).ConfigureAwait(false);
        if (body is null)
        {
            return CoachProblem.Invalid(
                string.Create(CultureInfo.InvariantCulture, $"The event is over {limit / 1024} KiB."),
                StatusCodes.Status413PayloadTooLarge);
        }

        await webhooks.HandleAsync(body, signature ?? "", context.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok();
    }
}
