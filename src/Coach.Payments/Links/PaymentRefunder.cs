using System.Globalization;
using Coach.Payments.Gateways;
using Coach.Payments.Resilience;
using Coach.Payments.Telemetry;

namespace Coach.Payments.Links;

/// <summary>
/// Gives payments back, once a key: the attempt is recorded before it is sent, the provider's idempotency key follows
/// from it, and once the provider has forgotten that key, its refunds are looked through before anything is sent again.
/// </summary>
internal sealed class PaymentRefunder(
    GatewaySelector gateways, PaymentRecordRepository records, PaymentStatusReader statuses,
    GatewayStepExecutor steps, CoachPaymentsOptions options, TimeProvider time, PaymentTelemetry telemetry)
{
    private const int LongestKey = 100;

    // As in PaymentLinkCreator: Stripe keeps idempotency keys for at least 24 hours.
    private static readonly TimeSpan KeyLifetime = TimeSpan.FromHours(23);

    public async Task<PaymentLink> RefundAsync(PaymentRefundRequest request, CancellationToken cancellationToken)
    {
        if (request.RefundKey is not { Length: >= 1 and <= LongestKey } key
            || key.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw PaymentException.Invalid(
                $"The refund key must have 1 to {LongestKey} printable ASCII characters without spaces. Name the "
                + "refund, such as 'return-17'.");
        }

        PaymentRecord record = await statuses.FindAsync(request.LinkId, cancellationToken).ConfigureAwait(false)
            ?? throw PaymentException.NotFound();
        IPaymentGateway gateway = gateways.Of(record);
        if (!gateways.MayAsk(record) || !gateway.Capabilities.CanRefund)
        {
            throw PaymentException.Rejected(new GatewayFailure(GatewayFailureKind.NotSupported,
                "This host cannot give this payment back. Do it in the provider's dashboard; the webhook tells of it."));
        }

        // The payment's id may not be known yet: records of 0.1 keep none.
        if (RowOf(record, request) is not { PaymentIntentId: not null })
        {
            record = await statuses.RefreshAsync(record, cancellationToken).ConfigureAwait(false);
        }

        LinkPayment row = RowOf(record, request)
            ?? throw PaymentException.Invalid("Nothing that could be given back was paid on this link.");
        string payment = row.PaymentIntentId
            ?? throw PaymentException.Invalid("The provider shows no payment of this link that could be given back.");
        (record, PaymentRefundAttempt attempt) =
            await NoteAsync(record, row, request, cancellationToken).ConfigureAwait(false);
        if (attempt.RefundId is not null)
        {
            return record.ToLink(isReplay: true);
        }

        using Deadline deadline = steps.StartDeadline(options.TotalTimeout);
        GatewayRefund refund = await FindOrMakeAsync(
            gateway, record, attempt, payment, deadline, cancellationToken).ConfigureAwait(false);

        // The money is on its way back: a caller who leaves now must not keep it from being recorded.
        DateTimeOffset at = refund.CreatedAt ?? time.GetUtcNow();
        refund = refund with { PaymentIntentId = payment };
        PaymentRecord stored = await records.ObserveAsync(
            record, current => PaymentLedger.Observe(With(current, attempt with { RefundId = refund.Id }), refund, at),
            CancellationToken.None).ConfigureAwait(false) ?? throw PaymentException.NotFound();
        telemetry.Metrics.Told(stored, record);
        return stored.ToLink(isReplay: true);
    }

    private static LinkPayment? RowOf(PaymentRecord record, PaymentRefundRequest request) =>
        record.Payments.FirstOrDefault(row => row.Status == PaymentStatus.Succeeded
            && (request.SessionId is null || row.SessionId == request.SessionId));

    private async ValueTask<(PaymentRecord Record, PaymentRefundAttempt Attempt)> NoteAsync(
        PaymentRecord record, LinkPayment row, PaymentRefundRequest request, CancellationToken cancellationToken)
    {
        PaymentRefundAttempt? noted = null;
        PaymentRecord stored = await records.ChangeAsync(record, current =>
        {
            noted = current.RefundAttempts.FirstOrDefault(other => other.Key == request.RefundKey);
            if (noted is not null)
            {
                bool isSame = noted.SessionId == row.SessionId && noted.MinorUnits == request.Amount?.MinorUnits;
                return isSame ? null : throw PaymentException.Conflict();
            }

            Check(request, current.Payments.First(other => other.SessionId == row.SessionId), current.RefundAttempts);
            noted = new PaymentRefundAttempt(
                request.RefundKey, row.SessionId, request.Amount?.MinorUnits, time.GetUtcNow());
            return current with { RefundAttempts = [.. current.RefundAttempts, noted] };
        }, null, cancellationToken).ConfigureAwait(false) ?? throw PaymentException.NotFound();
        return (stored, noted!);
    }

    // Refunds on their way count, so that two at once cannot give back more than was paid.
    private static void Check(
        PaymentRefundRequest request, LinkPayment row, IReadOnlyList<PaymentRefundAttempt> attempts)
    {
        long open = attempts.Where(other => other.SessionId == row.SessionId && other.RefundId is null)
            .Sum(other => other.MinorUnits ?? 0);
        long left = (row.MinorUnits ?? 0) - row.RefundedMinorUnits - open;
        if (request.Amount is { } amount
            && (amount.IsEmpty || amount.IsZero || amount.Currency != row.Currency || amount.MinorUnits > left))
        {
            throw PaymentException.Invalid(
                $"The amount to give back must be in the payment's currency and between 1 and {left} minor units, what "
                + "is left of the payment.");
        }

        if (left <= 0)
        {
            throw PaymentException.Invalid("Nothing is left of the payment that could be given back.");
        }
    }

    private async Task<GatewayRefund> FindOrMakeAsync(
        IPaymentGateway gateway, PaymentRecord record, PaymentRefundAttempt attempt, string payment, Deadline deadline,
        CancellationToken cancellationToken)
    {
        bool isForgotten = time.GetUtcNow() - attempt.SentAt >= KeyLifetime;
        for (int round = 0; ; round++)
        {
            if (isForgotten)
            {
                GatewayResult<IReadOnlyList<GatewayRefund>> listed = await steps.RunAsync(
                    GatewaySteps.FindRefund, deadline, RetryPolicy.Always,
                    token => gateway.ListRefundsAsync(payment, token), cancellationToken).ConfigureAwait(false);
                if (!listed.TryGet(out IReadOnlyList<GatewayRefund>? all, out GatewayFailure? unknown))
                {
                    throw Failed(unknown with { Kind = GatewayFailureKind.Unknown });
                }

                if (all.FirstOrDefault(refund => refund.Key == attempt.Key) is { } found)
                {
                    return found;
                }

                attempt = await RenewAsync(record, attempt, cancellationToken).ConfigureAwait(false);
            }

            string name = PaymentScope.ProviderTagOf(record.Tag);
            var ask = new GatewayRefundRequest(
                string.Create(CultureInfo.InvariantCulture, $"coach:{name}:refund:{attempt.Key}:{attempt.Attempt}"),
                payment, attempt.MinorUnits ?? LeftOf(record, attempt),
                new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    [PaymentMetadata.Tag] = name,
                    [PaymentMetadata.Refund] = attempt.Key,
                });
            GatewayResult<GatewayRefund> made = await steps.RunAsync(
                GatewaySteps.Refund, deadline,
                gateway.Capabilities.HasIdempotencyKeys ? RetryPolicy.Always : RetryPolicy.OnlyIfNotExecuted,
                token => gateway.RefundAsync(ask, token), cancellationToken).ConfigureAwait(false);
            if (made.TryGet(out GatewayRefund? refund, out GatewayFailure? failure))
            {
                return refund;
            }

            isForgotten = failure.Kind is GatewayFailureKind.ReplayedError or GatewayFailureKind.KeyConflict;
            if (isForgotten && round < 2)
            {
                continue; // that key's execution is over: what it left behind can be looked up
            }

            if (failure.IsProofOfNoEffect && !isForgotten)
            {
                // A refusal is final: another amount may be asked for under another key, and this one is free again.
                await records.ChangeAsync(record, current => current with
                {
                    RefundAttempts = [.. current.RefundAttempts.Where(other => other.Key != attempt.Key)],
                }, null, CancellationToken.None).ConfigureAwait(false);
            }

            throw Failed(failure);
        }
    }

    // "All that is left" is said in numbers where nobody at the provider could know it.
    private static long? LeftOf(PaymentRecord record, PaymentRefundAttempt attempt) => !record.IsSimulated
        ? null
        : record.Payments.First(row => row.SessionId == attempt.SessionId) is { } row
            ? row.MinorUnits - row.RefundedMinorUnits
            : null;

    private async ValueTask<PaymentRefundAttempt> RenewAsync(
        PaymentRecord record, PaymentRefundAttempt attempt, CancellationToken cancellationToken)
    {
        PaymentRefundAttempt next = attempt with { Attempt = attempt.Attempt + 1, SentAt = time.GetUtcNow() };
        await records.ChangeAsync(record, current => With(current, next), null, cancellationToken)
            .ConfigureAwait(false);
        return next;
    }

    private static PaymentRecord With(PaymentRecord record, PaymentRefundAttempt attempt) => record with
    {
        RefundAttempts =
        [
            .. record.RefundAttempts.Select(other => other.Key == attempt.Key ? attempt : other),
        ],
    };

    private static PaymentException Failed(GatewayFailure failure) => failure switch
    {
        { IsOutcomeUnknown: true } => PaymentException.UncertainRefund(failure.Message, failure.RetryAfter),
        { IsOutage: true } or { Kind: GatewayFailureKind.RateLimited } => PaymentException.Unavailable(
            $"{failure.Message} Nothing was given back; ask again with the same key.", failure.RetryAfter),
        _ => PaymentException.Rejected(failure),
    };
}
