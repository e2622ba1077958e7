using Coach.Abstractions;
using Coach.Payments.Gateways;
using Coach.Payments.Links;
using Coach.Payments.Telemetry;

namespace Coach.Payments.Webhooks;

/// <summary>The service behind <see cref="IPaymentWebhooks"/>: verify, deduplicate, apply with the facts that follow,
/// remember. Nothing of the host's runs in here.</summary>
internal sealed class PaymentWebhooks(
    PaymentRecordRepository records, PaymentScope scope, ISecretSource secrets, CoachPaymentsOptions options,
    TimeProvider time, PaymentTelemetry telemetry) : IPaymentWebhooks
{
    public async Task<WebhookOutcome> HandleAsync(
        ReadOnlyMemory<byte> rawBody, string? signatureHeader, CancellationToken cancellationToken = default)
    {
        (WebhookEvent Event, string? Account) received;
        try
        {
            received = Verify(rawBody, signatureHeader);
        }
        catch (PaymentException)
        {
            telemetry.Metrics.Webhook("refused");
            throw;
        }

        WebhookOutcome outcome =
            await ApplyAsync(received.Event, received.Account, cancellationToken).ConfigureAwait(false);
        string effect = PaymentMetrics.NameOf(outcome.Effect);
        telemetry.Metrics.Webhook(effect);
        telemetry.Logger.WebhookHandled(
            outcome.Effect == WebhookEffect.Ignored ? "other" : outcome.EventType, effect);
        return outcome;
    }

    private (WebhookEvent Event, string? Account) Verify(ReadOnlyMemory<byte> rawBody, string? signatureHeader)
    {
        if (rawBody.Length > options.MaxWebhookBytes)
        {
            throw PaymentException.WebhookInvalid($"The webhook's body is longer than {options.MaxWebhookBytes} "
                + "bytes.");
        }

        string name = options.Stripe.WebhookSecretName;
        var worst = WebhookVerdict.Malformed;
        bool anySecret = false;
        foreach ((string candidate, string? account) in Secrets())
        {
            if (!secrets.TryGet(candidate, out Secret? secret))
            {
                continue;
            }

            anySecret = true;
            WebhookVerdict verdict = WebhookSignature.Verify(
                rawBody.Span, signatureHeader, secret, time.GetUtcNow(), options.WebhookTolerance);
            if (verdict == WebhookVerdict.Authentic)
            {
                WebhookEvent received = WebhookEvent.Parse(rawBody)
                    ?? throw PaymentException.WebhookInvalid("The webhook's body is no JSON object.");
                return (received, account);
            }

            // Of several secrets the one that came closest explains the refusal.
            worst = verdict > worst ? verdict : worst;
        }

        if (!anySecret)
        {
            throw PaymentException.WebhookInvalid($"There is no {name}, so no webhook can be verified. "
                + "Copy it from the endpoint's page in the Stripe dashboard.");
        }

        throw worst switch
        {
            WebhookVerdict.Expired => PaymentException.WebhookInvalid(
                $"The webhook's time is more than {options.WebhookTolerance.TotalSeconds:0} s from now. "
                + "Check this machine's clock."),
            WebhookVerdict.BadSignature => PaymentException.WebhookInvalid(
                $"The webhook's signature is not right. Verify the raw bytes, and check that {name} is this "
                + "endpoint's."),
            _ => PaymentException.WebhookInvalid("The Stripe-Signature header is missing or malformed."),
        };
    }

    private IEnumerable<(string Name, string? Account)> Secrets()
    {
        yield return (options.Stripe.WebhookSecretName, null);
        foreach (StripeWebhookSecret secret in options.Stripe.MoreWebhookSecrets)
        {
            yield return (secret.Name, secret.Account);
        }
    }

    private async Task<WebhookOutcome> ApplyAsync(
        WebhookEvent received, string? secretAccount, CancellationToken cancellationToken)
    {
        if (received.Id.Length == 0 || received.Type.Length == 0)
        {
            return new WebhookOutcome(WebhookEffect.Ignored, received.Id, received.Type);
        }

        bool isOfMoney = received.Session is not null || received.PaymentIntentId is not null
            || received.ChargeId is not null;
        if (isOfMoney && !IsOfThisHost(received, secretAccount))
        {
            telemetry.Logger.OtherModeRefused(received.Type);
            return new WebhookOutcome(WebhookEffect.OtherMode, received.Id, received.Type);
        }

        DateTimeOffset at = received.CreatedAt ?? time.GetUtcNow();
        bool isKnown = await records.HasEventAsync(received.Id, cancellationToken).ConfigureAwait(false);
        var effect = WebhookEffect.Ignored;
        PaymentRecord? stored = null;
        if (received.Session is { } session && received.LinkId is { } linkId)
        {
            (effect, stored) = await OfSessionAsync(received, linkId, session, isKnown, at, cancellationToken)
                .ConfigureAwait(false);
        }
        else if (received.PaymentIntentId is not null || received.ChargeId is not null)
        {
            (effect, stored) = await OfPaymentAsync(received, isKnown, at, cancellationToken).ConfigureAwait(false);
        }

        // Last: should the process end before this, the event comes again, and recording it twice changes nothing.
        bool isNew = !isKnown
            && await records.TryAddEventAsync(received.Id, cancellationToken).ConfigureAwait(false);
        return new WebhookOutcome(
            isNew || effect == WebhookEffect.OtherMode ? effect : WebhookEffect.Duplicate, received.Id, received.Type,
            stored is { Url: not null } ? stored.ToLink(isReplay: true) : null)
        {
            Facts = stored is null || effect == WebhookEffect.OtherMode ? [] : PaymentFacts.Pending(stored),
        };
    }

    // A live endpoint of Connect gets test events too, and a secret may stand in the wrong environment.
    private bool IsOfThisHost(WebhookEvent received, string? secretAccount)
    {
        bool isOfMode = received.IsLive is null || scope.IsLive is null || received.IsLive == scope.IsLive;
        string? account = received.Account ?? secretAccount;
        bool isOfAccount = account is null || account == options.Stripe.Account
            || (received.Account is null && options.Stripe.Account is null);
        bool isOfSecret = secretAccount is null || received.Account is null || received.Account == secretAccount;
        return isOfMode && isOfAccount && isOfSecret;
    }

    private bool IsOfRecord(PaymentRecord record, WebhookEvent received) =>
        PaymentScope.Fits(record, received.IsLive ?? scope.IsLive, record.Account is null
            ? null : options.Stripe.Account);

    // ---- checkout.session.*: the link leads to the record

    private async ValueTask<(WebhookEffect Effect, PaymentRecord? Stored)> OfSessionAsync(
        WebhookEvent received, string linkId, GatewaySession session, bool isKnown, DateTimeOffset at,
        CancellationToken cancellationToken)
    {
        PaymentRecord? record = await FindAsync(linkId, received, cancellationToken).ConfigureAwait(false);
        if (record is not null && !IsOfRecord(record, received))
        {
            telemetry.Logger.OtherModeRefused(received.Type);
            return (WebhookEffect.OtherMode, record);
        }

        if (isKnown)
        {
            return (WebhookEffect.Duplicate, record);
        }

        if (record is null)
        {
            telemetry.Logger.UnmatchedPayment(linkId);
            PaymentRecord parked = await records.ParkAsync(
                PaymentScope.ParkedLinkTag(linkId), Unmatched(received, linkId, session),
                current => PaymentLedger.ObserveUnmatched(current, session, at), cancellationToken)
                .ConfigureAwait(false);
            telemetry.Metrics.Told(parked, null);
            return (WebhookEffect.Unmatched, parked);
        }

        PaymentRecord? stored = await records.ObserveAsync(
            record, current => PaymentLinkStateMachine.Receive(current, linkId, session, at), cancellationToken)
            .ConfigureAwait(false);
        Report(record, stored);
        return (stored is null ? WebhookEffect.Unmatched : WebhookEffect.Applied, stored);
    }

    private async ValueTask<PaymentRecord?> FindAsync(
        string linkId, WebhookEvent received, CancellationToken cancellationToken)
    {
        if (await records.FindByLinkAsync(linkId, cancellationToken).ConfigureAwait(false)
            is { State: not PaymentRecordState.Unmatched } record)
        {
            return record;
        }

        // The payer may be faster than the answer that showed the link: the tag on the payment leads to the operation.
        foreach (string tag in received.Tag is null ? [] : scope.StoreTags(received.Tag, received.IsLive))
        {
            PaymentRecord? tagged = await records.FindAsync(tag, cancellationToken).ConfigureAwait(false);
            if (tagged is { LinkId: null, IsSimulated: false })
            {
                return tagged;
            }
        }

        return null;
    }

    private PaymentRecord Unmatched(WebhookEvent received, string linkId, GatewaySession session)
    {
        bool isAmount = Money.TryCreate(session.AmountTotal ?? 0, session.Currency, out Money amount);
        return new PaymentRecord
        {
            Tag = PaymentScope.ParkedLinkTag(linkId),
            RequestHash = default,
            Request = new PaymentLinkRequest
            {
                OperationKey = received.OperationKey ?? "",
                Amount = isAmount ? amount : Money.Create(0, "usd"),
                Description = "A payment of a link that is not known here.",
                Metadata = received.Tag is null
                    ? System.Collections.ObjectModel.ReadOnlyDictionary<string, string>.Empty
                    : new Dictionary<string, string> { [PaymentMetadata.Tag] = received.Tag },
            },
            LinkId = linkId,
            Gateway = "stripe",
            IsLive = received.IsLive,
            Account = received.Account,
        };
    }

    // ---- charge.*, refund.*, charge.dispute.*: the payment leads to the record

    private async ValueTask<(WebhookEffect Effect, PaymentRecord? Stored)> OfPaymentAsync(
        WebhookEvent received, bool isKnown, DateTimeOffset at, CancellationToken cancellationToken)
    {
        PaymentRecord? record = await FindByPaymentAsync(received, cancellationToken).ConfigureAwait(false);
        if (record is not null && record.State != PaymentRecordState.Unmatched && !IsOfRecord(record, received))
        {
            telemetry.Logger.OtherModeRefused(received.Type);
            return (WebhookEffect.OtherMode, record);
        }

        if (isKnown)
        {
            return (WebhookEffect.Duplicate, record);
        }

        if (record is not null && PaymentLedger.Find(record, received.PaymentIntentId, received.ChargeId) is not null)
        {
            PaymentRecord? stored = await records.ObserveAsync(
                record, current => Changed(current, Apply(current, received, at)), cancellationToken)
                .ConfigureAwait(false);
            Report(record, stored);
            bool isParked = record.State == PaymentRecordState.Unmatched;
            return (isParked ? WebhookEffect.Unmatched : WebhookEffect.Applied, stored);
        }

        // Events of refunds and disputes may overtake the one of their payment, and most charges of an account that
        // sells by other ways too have no link at all: only what changes money later is kept.
        string? id = received.PaymentIntentId ?? received.ChargeId;
        bool isNews = received.Charge is null || received.Charge.RefundedAmount > 0;
        if (id is null || !isNews)
        {
            return (WebhookEffect.Ignored, null);
        }

        PaymentRecord parked = await records.ParkAsync(
            PaymentScope.ParkedPaymentTag(id), Parked(received, id), current => Apply(current, received, at),
            cancellationToken).ConfigureAwait(false);
        return (WebhookEffect.Unmatched, parked);
    }

    private async ValueTask<PaymentRecord?> FindByPaymentAsync(
        WebhookEvent received, CancellationToken cancellationToken)
    {
        PaymentRecord? record = null;
        if (received.PaymentIntentId is { } payment)
        {
            record = await records.FindByPaymentAsync(payment, cancellationToken).ConfigureAwait(false);
        }

        return record is null && received.ChargeId is { } charge
            ? await records.FindByPaymentAsync(charge, cancellationToken).ConfigureAwait(false)
            : record;
    }

    private static PaymentRecord Parked(WebhookEvent received, string id) => new()
    {
        Tag = PaymentScope.ParkedPaymentTag(id),
        RequestHash = default,
        Request = new PaymentLinkRequest
        {
            OperationKey = "",
            Amount = Money.Create(0, "usd"),
            Description = "A refund or dispute of a payment that is not known here.",
        },
        Gateway = "stripe",
        IsLive = received.IsLive,
        Account = received.Account,
        Payments =
        [
            new LinkPayment
            {
                SessionId = "",
                PaymentIntentId = received.PaymentIntentId,
                ChargeId = received.ChargeId,
            },
        ],
    };

    private static PaymentRecord Apply(PaymentRecord record, WebhookEvent received, DateTimeOffset at)
    {
        if (received.Charge is { } charge)
        {
            record = PaymentLedger.Observe(record, charge, at);
        }

        if (received.Refund is { } refund)
        {
            record = PaymentLedger.Observe(record, refund, at);
        }

        return received.Dispute is { } dispute
            ? PaymentLedger.Observe(record, dispute.At(at), dispute.PaymentIntentId, dispute.ChargeId)
            : record;
    }

    private static PaymentRecord? Changed(PaymentRecord before, PaymentRecord after) =>
        ReferenceEquals(before, after) ? null : after;

    private void Report(PaymentRecord before, PaymentRecord? after)
    {
        if (after is { HasAmountMismatch: true } && !before.HasAmountMismatch)
        {
            telemetry.Logger.AmountMismatch(after.LinkId!);
        }

        telemetry.Metrics.Told(after, before);
    }
}
