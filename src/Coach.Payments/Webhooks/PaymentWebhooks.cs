using Coach.Abstractions;
using Coach.Payments.Gateways;
using Coach.Payments.Links;
using Coach.Payments.Telemetry;

namespace Coach.Payments.Webhooks;

/// <summary>The service behind <see cref="IPaymentWebhooks"/>: verify, deduplicate, apply, remember.</summary>
internal sealed class PaymentWebhooks(
    PaymentRecordRepository records, ISecretSource secrets, CoachPaymentsOptions options, TimeProvider time,
    PaymentTelemetry telemetry) : IPaymentWebhooks
{
    public async Task<WebhookOutcome> HandleAsync(
        ReadOnlyMemory<byte> rawBody, string? signatureHeader, CancellationToken cancellationToken = default)
    {
        WebhookEvent received;
        try
        {
            received = Verify(rawBody, signatureHeader);
        }
        catch (PaymentException)
        {
            telemetry.Metrics.Webhook("refused");
            throw;
        }

        WebhookOutcome outcome = await ApplyAsync(received, cancellationToken).ConfigureAwait(false);
        string effect = outcome.Effect.ToString().ToLowerInvariant();
        telemetry.Metrics.Webhook(effect);
        telemetry.Logger.WebhookHandled(
            outcome.Effect == WebhookEffect.Ignored ? "other" : outcome.EventType, effect);
        return outcome;
    }

    private WebhookEvent Verify(ReadOnlyMemory<byte> rawBody, string? signatureHeader)
    {
        if (rawBody.Length > options.MaxWebhookBytes)
        {
            throw PaymentException.WebhookInvalid($"The webhook's body is longer than {options.MaxWebhookBytes} "
                + "bytes.");
        }

        string name = options.Stripe.WebhookSecretName;
        if (!secrets.TryGet(name, out Secret? secret))
        {
            throw PaymentException.WebhookInvalid($"There is no {name}, so no webhook can be verified. "
                + "Copy it from the endpoint's page in the Stripe dashboard.");
        }

        WebhookVerdict verdict = WebhookSignature.Verify(
            rawBody.Span, signatureHeader, secret, time.GetUtcNow(), options.WebhookTolerance);
        return verdict switch
        {
            WebhookVerdict.Authentic => WebhookEvent.Parse(rawBody)
                ?? throw PaymentException.WebhookInvalid("The webhook's body is no JSON object."),
            WebhookVerdict.Expired => throw PaymentException.WebhookInvalid(
                $"The webhook's time is more than {options.WebhookTolerance.TotalSeconds:0} s from now. "
                + "Check this machine's clock."),
            WebhookVerdict.BadSignature => throw PaymentException.WebhookInvalid(
                $"The webhook's signature is not right. Verify the raw bytes, and check that {name} is this "
                + "endpoint's."),
            _ => throw PaymentException.WebhookInvalid("The Stripe-Signature header is missing or malformed."),
        };
    }

    private async Task<WebhookOutcome> ApplyAsync(WebhookEvent received, CancellationToken cancellationToken)
    {
        if (received.Id.Length == 0 || received.Type.Length == 0)
        {
            return new WebhookOutcome(WebhookEffect.Ignored, received.Id, received.Type);
        }

        if (await records.HasEventAsync(received.Id, cancellationToken).ConfigureAwait(false))
        {
            return new WebhookOutcome(WebhookEffect.Duplicate, received.Id, received.Type);
        }

        var effect = WebhookEffect.Ignored;
        PaymentRecord? stored = null;
        if (received.Session is { } session && received.LinkId is { } linkId)
        {
            stored = await RecordAsync(linkId, received.Tag, session, cancellationToken).ConfigureAwait(false);
            effect = stored is null ? WebhookEffect.Unmatched : WebhookEffect.Applied;
        }

        // Last: should the process end before this, the event comes again, and recording it twice changes nothing.
        bool isNew = await records.TryAddEventAsync(received.Id, cancellationToken).ConfigureAwait(false);
        PaymentLink? link = stored is { Url: not null } ? stored.ToLink(isReplay: true) : null;
        return new WebhookOutcome(isNew ? effect : WebhookEffect.Duplicate, received.Id, received.Type, link);
    }

    private async ValueTask<PaymentRecord?> RecordAsync(
        string linkId, string? tag, GatewaySession session, CancellationToken cancellationToken)
    {
        PaymentRecord? record = await FindAsync(linkId, tag, cancellationToken).ConfigureAwait(false);
        PaymentRecord? stored = record is null ? null : await records.ChangeAsync(
            record, current => PaymentLinkStateMachine.Receive(current, linkId, session), null, cancellationToken)
            .ConfigureAwait(false);
        if (stored is null)
        {
            telemetry.Logger.UnmatchedPayment(linkId);
        }
        else if (stored.HasAmountMismatch && !record!.HasAmountMismatch)
        {
            telemetry.Logger.AmountMismatch(linkId);
        }

        return stored;
    }

    private async ValueTask<PaymentRecord?> FindAsync(string linkId, string? tag, CancellationToken cancellationToken)
    {
        if (await records.FindByLinkAsync(linkId, cancellationToken).ConfigureAwait(false) is { } record)
        {
            return record;
        }

        // The payer may be faster than the answer that showed the link: the tag on the payment leads to the operation.
        PaymentRecord? tagged = tag is null
            ? null
            : await records.FindAsync(tag, cancellationToken).ConfigureAwait(false);
        return tagged is { LinkId: null, IsSimulated: false } ? tagged : null;
    }
}
