using System.Text.Json;
using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.Payments;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Coach.AspNetCore.Payments;

/// <summary>Receives Stripe's webhooks: the signature is over the bytes, so they are read as they came.</summary>
internal sealed class WebhookEndpoint(IPaymentWebhooks webhooks)
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
            .. Failures.Of("the event is not genuine, or over 512 KiB", ErrorCodes.WebhookInvalid),
        ]);

    public async Task<Results<Ok, CoachProblem>> ReceiveAsync(string? signature, HttpContext context)
    {
        byte[]? body = await JsonRequest
            .ReadBytesAsync(context, JsonRequest.MaxWebhookBytes).ConfigureAwait(false);
        if (body is null)
        {
            return new CoachProblem(
                ProblemStatus.Of(ErrorCodes.WebhookInvalid),
                ErrorCodes.WebhookInvalid,
                "The webhook's body is over 512 KiB.");
        }

        await webhooks.HandleAsync(body, signature ?? "", context.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok();
    }
}
