using Coach.Abstractions;

namespace Coach.Payments;

/// <summary>The service behind <see cref="IPaymentWebhooks"/>.</summary>
internal sealed class PaymentWebhooks(PaymentParts parts, ISecretSource secrets) : IPaymentWebhooks
{
    private string SecretName => parts.Options.Stripe.WebhookSecretName;

    public async Task<WebhookOutcome> HandleAsync(ReadOnlyMemory<byte> rawBody, string? signatureHeader, CancellationToken cancellationToken = default)
    {
        WebhookEvent received;
        try
        {
            received = Verify(rawBody, signatureHeader);
        }
        catch (PaymentException)
        {
            parts.Metrics.Webhook("refused");
            throw;
        }

        WebhookOutcome outcome;
        try
        {
            outcome = await ApplyAsync(received, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not (PaymentException or OperationCanceledException))
        {
            throw PaymentException.StoreFailed(exception);
        }

        string effect = outcome.Effect.ToString().ToLowerInvariant();
        parts.Metrics.Webhook(effect);
        parts.Logger.WebhookHandled(outcome.Effect == WebhookEffect.Ignored ? "other" : outcome.EventType, effect);
        return outcome;
    }

    private WebhookEvent Verify(ReadOnlyMemory<byte> rawBody, string? signatureHeader)
    {
        if (rawBody.Length > parts.Options.MaxWebhookBytes)
        {
            throw PaymentException.WebhookInvalid($"The webhook's body is longer than {parts.Options.MaxWebhookBytes} bytes.");
        }

        if (!secrets.TryGet(SecretName, out Secret? secret))
        {
            throw PaymentException.WebhookInvalid($"There is no {SecretName}, so no webhook can be verified. Copy it from the endpoint's page in the Stripe dashboard.");
        }

        WebhookVerdict verdict = WebhookSignature.Verify(rawBody.Span, signatureHeader, secret, parts.Time.GetUtcNow(), parts.Options.WebhookTolerance);
        return verdict switch
        {
            WebhookVerdict.Authentic => WebhookEvent.Parse(rawBody)
                ?? throw PaymentException.WebhookInvalid("The webhook's body is no JSON object."),
            WebhookVerdict.Expired => throw PaymentException.WebhookInvalid(
                $"The webhook's time is more than {parts.Options.WebhookTolerance.TotalSeconds:0} s from now. Check this machine's clock."),
            WebhookVerdict.BadSignature => throw PaymentException.WebhookInvalid(
                $"The webhook's signature is not right. Verify the raw bytes, and check that {SecretName} is this endpoint's."),
            _ => throw PaymentException.WebhookInvalid("The Stripe-Signature header is missing or malformed."),
        };
    }

    private async Task<WebhookOutcome> ApplyAsync(WebhookEvent received, CancellationToken cancellationToken)
    {
        if (received.Id.Length == 0 || received.Type.Length == 0)
        {
            return new WebhookOutcome(WebhookEffect.Ignored, received.Id, received.Type);
        }

        if (await parts.Store.HasEventAsync(received.Id, cancellationToken).ConfigureAwait(false))
        {
            return new WebhookOutcome(WebhookEffect.Duplicate, received.Id, received.Type);
        }

        var effect = WebhookEffect.Ignored;
        PaymentLink? link = null;
        if (received.Session is { } session && received.LinkId is { } linkId)
        {
            PaymentRecord? record = await FindAsync(linkId, received.Tag, cancellationToken).ConfigureAwait(false);
            PaymentRecord? stored = record is null ? null : await parts.ChangeAsync(record, current => Change(current, linkId, session), null, cancellationToken).ConfigureAwait(false);
            effect = stored is null ? WebhookEffect.Unmatched : WebhookEffect.Applied;
            link = stored is { Url: not null } ? stored.ToLink(isReplay: true) : null;
            if (stored is null)
            {
                parts.Logger.UnmatchedPayment(linkId);
            }
            else if (stored.HasAmountMismatch && !record!.HasAmountMismatch)
            {
                parts.Logger.AmountMismatch(linkId);
            }
        }

        // Last: should the process end before this, the event comes again, and recording it twice changes nothing.
        bool isNew = await parts.Store.TryAddEventAsync(received.Id, cancellationToken).ConfigureAwait(false);
        return new WebhookOutcome(isNew ? effect : WebhookEffect.Duplicate, received.Id, received.Type, link);
    }

    private async ValueTask<PaymentRecord?> FindAsync(string linkId, string? tag, CancellationToken cancellationToken)
    {
        if (await parts.Store.FindByLinkAsync(linkId, cancellationToken).ConfigureAwait(false) is { } record)
        {
            return record;
        }

        // The payer may be faster than the answer that showed the link: the tag on the payment leads to the operation.
        PaymentRecord? tagged = tag is null ? null : await parts.Store.FindAsync(tag, cancellationToken).ConfigureAwait(false);
        return tagged is { LinkId: null, IsSimulated: false } ? tagged : null;
    }

    private static PaymentRecord? Change(PaymentRecord record, string linkId, GatewaySession session)
    {
        PaymentRecord changed = PaymentStatusTransitions.Apply(record.LinkId is null ? record with { LinkId = linkId, State = PaymentRecordState.LinkSent } : record, session);
        return ReferenceEquals(changed, record) ? null : changed;
    }
}
