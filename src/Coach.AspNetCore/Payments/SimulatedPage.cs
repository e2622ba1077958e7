using System.Globalization;
using System.Text.Encodings.Web;
using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Sessions;
using Coach.Payments;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Coach.AspNetCore.Payments;

/// <summary>The page behind a simulated link: what it is for, and buttons that play payer and seller. No script, so
/// that the strictest content policy shows it.</summary>
internal sealed class SimulatedPage(
    IPaymentLinks links, ISimulatedPayments payments, ICallerResolver callers)
{
    public static void Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        endpoints
            .MapGet(
                pattern + "/{id}",
                (string id, HttpContext context, [FromServices] SimulatedPage page) => page.ShowAsync(id, context))
            .ExcludeFromDescription();
        endpoints
            .MapPost(
                pattern + "/{id}/{action}",
                (string id, string action, HttpContext context, [FromServices] SimulatedPage page) =>
                    page.ActAsync(id, action, context))
            .DisableAntiforgery()
            .WithMetadata(new AuditAction("payment.simulate"))
            .ExcludeFromDescription();
    }

    public async Task<IResult> ShowAsync(string id, HttpContext context)
    {
        if (await FindAsync(id, context).ConfigureAwait(false) is not { } link)
        {
            return NotFound();
        }

        // Under no-referrer, browsers send a form with "Origin: null", which is refused as another page's (Fetch
        // standard, "append a request Origin header").
        context.Response.Headers["Referrer-Policy"] = "same-origin";
        return Results.Content(Html(link), "text/html; charset=utf-8");
    }

    public async Task<IResult> ActAsync(string id, string action, HttpContext context)
    {
        if (await FindAsync(id, context).ConfigureAwait(false) is null)
        {
            return NotFound();
        }

        CancellationToken cancellationToken = context.RequestAborted;
        switch (action)
        {
            case "pay":
                await payments.PayAsync(id, cancellationToken).ConfigureAwait(false);
                break;
            case "expire":
                await links.DeactivateAsync(id, cancellationToken).ConfigureAwait(false);
                break;
            case "refund":
                var refund = new PaymentRefundRequest { LinkId = id, RefundKey = "simulated-page" };
                await links.RefundAsync(refund, cancellationToken).ConfigureAwait(false);
                break;
            default:
                return NotFound();
        }

        // Post, redirect, get: loading the page again plays nothing twice.
        return Results.LocalRedirect(
            context.Request.PathBase + context.Request.Path.Value![..^(action.Length + 1)], permanent: false,
            preserveMethod: false);
    }

    private async Task<PaymentLink?> FindAsync(string id, HttpContext context)
    {
        CallerContext caller = await callers.ResolveAsync(context).ConfigureAwait(false);
        PaymentLink? link = await links.FindAsync(id, context.RequestAborted).ConfigureAwait(false);
        return link is { IsSimulated: true } && caller.Owns(link) ? link : null;
    }

    private static CoachProblem NotFound() => CoachProblem.Invalid(
        "This session has no simulated payment link with this id.", StatusCodes.Status404NotFound);

    private static string Html(PaymentLink link)
    {
        HtmlEncoder encoder = HtmlEncoder.Default;
        string amount = encoder.Encode(link.Amount.ToString());
        string state = (link.Status, link.RefundedMinorUnits) switch
        {
            (PaymentStatus.Succeeded, > 0) => "Refunded",
            (PaymentStatus.Succeeded, _) => "Paid",
            (PaymentStatus.Expired, _) => "Expired",
            _ => "Nothing to pay here: this link is simulated, and no money can move.",
        };
        string buttons = (link.Status, link.RefundedMinorUnits) switch
        {
            (PaymentStatus.Pending or PaymentStatus.Processing, _) =>
                Button(link.Id, "pay", "Mark as paid") + Button(link.Id, "expire", "Let it expire"),
            (PaymentStatus.Succeeded, 0) => Button(link.Id, "refund", "Refund"),
            _ => "",
        };
        return string.Create(CultureInfo.InvariantCulture, $"""
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Simulated payment</title></head>
            <body>
            <main>
            <h1>{encoder.Encode(link.Description)}</h1>
            <p><strong>{amount}</strong></p>
            <p role="status">{encoder.Encode(state)}</p>
            {buttons}
            </main>
            </body>
            </html>
            """);
    }

    private static string Button(string id, string action, string text) =>
        $"<form method=\"post\" action=\"{Uri.EscapeDataString(id)}/{action}\"><button>{text}</button></form>";
}

/// <summary>Where the pages of simulated links are, on the endpoints that hand out links.</summary>
internal sealed record SimulatedPagePath(string Pattern)
{
    public string Of(HttpRequest request, string linkId) =>
        $"{request.Scheme}://{request.Host}{request.PathBase}{Pattern}/{Uri.EscapeDataString(linkId)}";
}
