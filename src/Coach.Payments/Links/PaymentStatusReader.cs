using Coach.Payments.Gateways;
using Coach.Payments.Resilience;
using Coach.Payments.Telemetry;

namespace Coach.Payments.Links;

/// <summary>Follows the payment of a link: reads the provider's sessions, waits by polling, and closes links.</summary>
internal sealed class PaymentStatusReader(
    GatewaySelector gateways, PaymentRecordRepository records, GatewayStepExecutor steps, CoachPaymentsOptions options,
    TimeProvider time, PaymentTelemetry telemetry)
{
    /// <summary>Reads the record of a link whose address is known.</summary>
    public async ValueTask<PaymentRecord?> FindAsync(string id, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        PaymentRecord? record = await records.FindByLinkAsync(id, cancellationToken).ConfigureAwait(false);
        return record is { Url: not null } ? record : null;
    }

    public async Task<PaymentLink> GetAsync(string id, CancellationToken cancellationToken)
    {
        PaymentRecord record = await FindRequiredAsync(id, cancellationToken).ConfigureAwait(false);
        (PaymentRecord now, GatewayFailure? failure) =
            await PollAsync(record, options.PollTimeout, RetryPolicy.Always, cancellationToken).ConfigureAwait(false);
        return failure is null ? now.ToLink(isReplay: true) : throw Unanswered(failure);
    }

    public async Task<PaymentLink> WaitAsync(string id, CancellationToken cancellationToken)
    {
        PaymentRecord record = await FindRequiredAsync(id, cancellationToken).ConfigureAwait(false);
        using Deadline deadline = steps.StartDeadline(options.WaitTimeout);
        bool isAnswered = false;
        for (int poll = 1; ; poll++)
        {
            // No retries within a poll: the next poll is one.
            TimeSpan left = deadline.Remaining < options.PollTimeout ? deadline.Remaining : options.PollTimeout;
            (record, GatewayFailure? failure) =
                await PollAsync(record, left, RetryPolicy.Never, cancellationToken).ConfigureAwait(false);
            isAnswered |= failure is null;
            if (failure is { IsOutage: false, IsRetryable: false })
            {
                throw Unanswered(failure);
            }

            PaymentLink link = record.ToLink(isReplay: true);
            if (link.IsFinal || poll >= options.MaxPolls || deadline.Remaining <= options.PollInterval)
            {
                return isAnswered ? link : throw Unanswered(failure!);
            }

            await Task.Delay(options.PollInterval, time, cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task<PaymentLink> DeactivateAsync(string id, CancellationToken cancellationToken)
    {
        PaymentRecord record = await FindRequiredAsync(id, cancellationToken).ConfigureAwait(false);
        IPaymentGateway gateway = gateways.Of(record);
        CheckCanDeactivate(record, gateway);
        using Deadline deadline = steps.StartDeadline(options.TotalTimeout);
        GatewayResult<GatewayLink> closed = await steps.RunAsync(GatewaySteps.Deactivate, deadline, RetryPolicy.Always,
            token => gateway.DeactivateLinkAsync(id, token), cancellationToken).ConfigureAwait(false);
        if (closed.Failure is { } failure)
        {
            throw Unanswered(failure);
        }

        IReadOnlyList<GatewaySession> sessions =
            await EndSessionsAsync(gateway, record, deadline, cancellationToken).ConfigureAwait(false);
        record = await ChangeAsync(
            record, current =>
                PaymentLinkStateMachine.Close(current, sessions, time.GetUtcNow()), cancellationToken)
            .ConfigureAwait(false);
        return record.ToLink(isReplay: true);
    }

    /// <summary>Asks for the payments of a link even where nothing more is expected of it.</summary>
    public async ValueTask<PaymentRecord> RefreshAsync(PaymentRecord record, CancellationToken cancellationToken)
    {
        IPaymentGateway gateway = gateways.Of(record);
        if (!gateways.MayAsk(record) || !gateway.Capabilities.CanListSessions)
        {
            return record;
        }

        using Deadline deadline = steps.StartDeadline(options.PollTimeout);
        GatewayResult<IReadOnlyList<GatewaySession>> listed = await ListSessionsAsync(
            gateway, record, deadline, RetryPolicy.Always, cancellationToken, withCharges: true).ConfigureAwait(false);
        return listed.TryGet(out IReadOnlyList<GatewaySession>? sessions, out GatewayFailure? failure)
            ? await ChangeAsync(record, current =>
                PaymentLinkStateMachine.Observe(current, sessions, time.GetUtcNow()), cancellationToken)
                .ConfigureAwait(false)
            : throw Unanswered(failure);
    }

    private void CheckCanDeactivate(PaymentRecord record, IPaymentGateway gateway)
    {
        if (!gateways.MayAsk(record))
        {
            throw PaymentException.Rejected(new GatewayFailure(GatewayFailureKind.NotSupported,
                "The link is a real one, and this host only simulates payments. "
                + "Close it from a host in real mode, or in the provider's dashboard."));
        }

        if (!gateway.Capabilities.CanDeactivate)
        {
            throw PaymentException.Rejected(new GatewayFailure(GatewayFailureKind.NotSupported,
                $"The gateway '{gateway.Name}' cannot close a link. Close it in the provider's dashboard."));
        }
    }

    private async Task<IReadOnlyList<GatewaySession>> EndSessionsAsync(
        IPaymentGateway gateway, PaymentRecord record, Deadline deadline, CancellationToken cancellationToken)
    {
        if (!gateway.Capabilities.CanListSessions || record.IsSimulated)
        {
            return [];
        }

        IReadOnlyList<GatewaySession> sessions = await ListAsync().ConfigureAwait(false);
        bool anyOpen = false;
        foreach (GatewaySession session in sessions.Where(session => session.State == GatewaySessionState.Open))
        {
            anyOpen = true;

            // "Rejected" means that it is no longer open: paid meanwhile, or expired. The list that follows tells
            // which.
            GatewayResult<GatewaySession> ended =
                await steps.RunAsync(GatewaySteps.Expire, deadline, RetryPolicy.Always,
                token => gateway.ExpireSessionAsync(session.Id, token), cancellationToken).ConfigureAwait(false);
            if (ended.Failure is { IsProofOfNoEffect: false } failure)
            {
                throw Unanswered(failure);
            }
        }

        return anyOpen ? await ListAsync().ConfigureAwait(false) : sessions;

        async Task<IReadOnlyList<GatewaySession>> ListAsync()
        {
            GatewayResult<IReadOnlyList<GatewaySession>> listed =
                await ListSessionsAsync(gateway, record, deadline, RetryPolicy.Always, cancellationToken)
                    .ConfigureAwait(false);
            return listed.TryGet(out IReadOnlyList<GatewaySession>? all, out GatewayFailure? failure)
                ? all
                : throw Unanswered(failure);
        }
    }

    private async Task<(PaymentRecord Record, GatewayFailure? Failure)> PollAsync(
        PaymentRecord record, TimeSpan budget, RetryPolicy retries, CancellationToken cancellationToken)
    {
        IPaymentGateway gateway = gateways.Of(record);
        bool isSettled = IsPaidForGood(record)
            || (record.IsSimulated && record.Status != PaymentStatus.Pending);
        if (isSettled || !gateways.MayAsk(record) || !gateway.Capabilities.CanListSessions)
        {
            // Webhooks may have moved it on.
            return (await FindAsync(record.LinkId!, cancellationToken).ConfigureAwait(false) ?? record, null);
        }

        using Deadline deadline = steps.StartDeadline(budget);
        GatewayResult<IReadOnlyList<GatewaySession>> listed =
            await ListSessionsAsync(gateway, record, deadline, retries, cancellationToken).ConfigureAwait(false);
        if (!listed.TryGet(out IReadOnlyList<GatewaySession>? sessions, out GatewayFailure? failure))
        {
            return (record, failure);
        }

        return (await ChangeAsync(
            record, current =>
                PaymentLinkStateMachine.Observe(current, sessions, time.GetUtcNow()), cancellationToken)
            .ConfigureAwait(false), null);
    }

    // A link that may be paid again, or on which another payment is on its way, is asked about after the first, too.
    private static bool IsPaidForGood(PaymentRecord record) => record.Status == PaymentStatus.Succeeded
        && !record.IsReusable && !record.Payments.Any(row => row.Status == PaymentStatus.Processing);

    private Task<GatewayResult<IReadOnlyList<GatewaySession>>> ListSessionsAsync(
        IPaymentGateway gateway, PaymentRecord record, Deadline deadline, RetryPolicy retries,
        CancellationToken cancellationToken, bool withCharges = false)
    {
        var query = new GatewaySessionQuery(record.LinkId!, record.Request.Amount, record.CreatedAt)
        {
            WithCharges = withCharges,
        };
        return steps.RunAsync(
            GatewaySteps.Sessions, deadline, retries, token =>
                gateway.ListSessionsAsync(query, token), cancellationToken);
    }

    private async ValueTask<PaymentRecord> ChangeAsync(
        PaymentRecord record, Func<PaymentRecord, PaymentRecord?> change, CancellationToken cancellationToken)
    {
        PaymentRecord stored = await records.ObserveAsync(record, change, cancellationToken).ConfigureAwait(false)
            ?? throw PaymentException.NotFound();
        telemetry.Metrics.Told(stored, record);
        if (stored.HasAmountMismatch && !record.HasAmountMismatch)
        {
            telemetry.Logger.AmountMismatch(stored.LinkId!);
        }

        return stored;
    }

    private async ValueTask<PaymentRecord> FindRequiredAsync(string id, CancellationToken cancellationToken) =>
        await FindAsync(id, cancellationToken).ConfigureAwait(false) ?? throw PaymentException.NotFound();

    private static PaymentException Unanswered(GatewayFailure failure) => failure.Kind
        is GatewayFailureKind.Unauthorized or GatewayFailureKind.Forbidden
        or GatewayFailureKind.Rejected or GatewayFailureKind.NotFound
        ? PaymentException.Rejected(failure)
        : PaymentException.Unavailable($"{failure.Message} The status is as it was; ask again "
            + "later.", failure.RetryAfter);
}
