namespace Coach.Payments;

/// <summary>Reading, waiting, closing.</summary>
internal sealed partial class PaymentLinkService
{
    public async Task<PaymentLink?> FindAsync(string id, CancellationToken cancellationToken = default)
    {
        PaymentRecord? record = await ReadAsync(id, cancellationToken).ConfigureAwait(false);
        return record?.ToLink(isReplay: true);
    }

    public async Task<PaymentLink> GetStatusAsync(string id, CancellationToken cancellationToken = default)
    {
        PaymentRecord record = await ReadAsync(id, cancellationToken).ConfigureAwait(false) ?? throw PaymentException.NotFound();
        (PaymentRecord now, GatewayFailure? failure) = await PollAsync(record, StepRepeat.Always, cancellationToken).ConfigureAwait(false);
        return failure is null ? now.ToLink(isReplay: true) : throw Unanswered(failure);
    }

    public async Task<PaymentLink> WaitAsync(string id, CancellationToken cancellationToken = default)
    {
        PaymentRecord record = await ReadAsync(id, cancellationToken).ConfigureAwait(false) ?? throw PaymentException.NotFound();
        long deadline = parts.Steps.DeadlineIn(parts.Options.WaitTimeout);
        bool isAnswered = false;
        GatewayFailure? failure = null;
        for (int poll = 1; ; poll++)
        {
            (record, failure) = await PollAsync(record, StepRepeat.Never, cancellationToken, deadline).ConfigureAwait(false);
            isAnswered |= failure is null;
            if (failure is { IsOutage: false, IsRetryable: false })
            {
                throw Unanswered(failure);
            }

            if (record.ToLink(isReplay: true).IsFinal || poll >= parts.Options.MaxPolls || parts.Steps.Remaining(deadline) <= parts.Options.PollInterval)
            {
                return isAnswered ? record.ToLink(isReplay: true) : throw Unanswered(failure!);
            }

            await Task.Delay(parts.Options.PollInterval, parts.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task<PaymentLink> DeactivateAsync(string id, CancellationToken cancellationToken = default)
    {
        PaymentRecord record = await ReadAsync(id, cancellationToken).ConfigureAwait(false) ?? throw PaymentException.NotFound();
        IPaymentGateway gateway = GatewayOf(record);
        if (!parts.MayAsk(record))
        {
            throw PaymentException.Rejected(new GatewayFailure(GatewayFailureKind.NotSupported,
                "The link is a real one, and this host only simulates payments. Close it from a host in real mode, or in the provider's dashboard."));
        }

        if (!gateway.Capabilities.CanDeactivate)
        {
            throw PaymentException.Rejected(new GatewayFailure(GatewayFailureKind.NotSupported,
                $"The gateway '{gateway.Name}' cannot close a link. Close it in the provider's dashboard."));
        }

        long deadline = parts.Steps.DeadlineIn(parts.Options.TotalTimeout);
        GatewayResult<GatewayLink> closed = await parts.Steps.RunAsync(PaymentSteps.Deactivate, deadline, StepRepeat.Always,
            token => gateway.DeactivateLinkAsync(id, token), cancellationToken).ConfigureAwait(false);
        if (closed.Failure is { } failure)
        {
            throw Unanswered(failure);
        }

        IReadOnlyList<GatewaySession> sessions = await EndSessionsAsync(gateway, record, deadline, cancellationToken).ConfigureAwait(false);
        return (await WriteAsync(record, current =>
        {
            PaymentRecord changed = StatusRules.Apply(current, sessions) ?? current;

            // A payment on its way is not called off by closing the link.
            changed = changed.Status == PaymentStatus.Processing ? changed : StatusRules.Move(changed, PaymentStatus.Expired);
            return ReferenceEquals(changed, current) ? null : changed;
        }, cancellationToken).ConfigureAwait(false)).ToLink(isReplay: true);
    }

    private async Task<IReadOnlyList<GatewaySession>> EndSessionsAsync(
        IPaymentGateway gateway, PaymentRecord record, long deadline, CancellationToken cancellationToken)
    {
        if (!gateway.Capabilities.CanListSessions || record.IsSimulated)
        {
            return [];
        }

        IReadOnlyList<GatewaySession> sessions = await ListAsync(gateway, record, deadline, cancellationToken).ConfigureAwait(false);
        bool anyOpen = false;
        foreach (GatewaySession session in sessions.Where(session => session.State == GatewaySessionState.Open))
        {
            anyOpen = true;

            // "Rejected" means that it is no longer open: paid meanwhile, or expired. The list that follows tells which.
            GatewayResult<GatewaySession> ended = await parts.Steps.RunAsync(PaymentSteps.Expire, deadline, StepRepeat.Always,
                token => gateway.ExpireSessionAsync(session.Id, token), cancellationToken).ConfigureAwait(false);
            if (ended.Failure is { IsProofOfNoEffect: false } failure)
            {
                throw Unanswered(failure);
            }
        }

        return anyOpen ? await ListAsync(gateway, record, deadline, cancellationToken).ConfigureAwait(false) : sessions;
    }

    private async Task<IReadOnlyList<GatewaySession>> ListAsync(
        IPaymentGateway gateway, PaymentRecord record, long deadline, CancellationToken cancellationToken)
    {
        GatewayResult<IReadOnlyList<GatewaySession>> listed = await parts.Steps.RunAsync(PaymentSteps.Sessions, deadline, StepRepeat.Always,
            token => gateway.ListSessionsAsync(QueryOf(record), token), cancellationToken).ConfigureAwait(false);
        return listed.TryGet(out IReadOnlyList<GatewaySession>? sessions, out GatewayFailure? failure) ? sessions : throw Unanswered(failure);
    }

    private async Task<(PaymentRecord Record, GatewayFailure? Failure)> PollAsync(
        PaymentRecord record, StepRepeat repeat, CancellationToken cancellationToken, long? latest = null)
    {
        IPaymentGateway gateway = GatewayOf(record);
        bool isSettled = record.Status == PaymentStatus.Succeeded || (record.IsSimulated && record.Status != PaymentStatus.Pending);
        if (isSettled || !parts.MayAsk(record) || !gateway.Capabilities.CanListSessions)
        {
            // Webhooks may have moved it on.
            return (await ReadAsync(record.LinkId!, cancellationToken).ConfigureAwait(false) ?? record, null);
        }

        long deadline = Math.Min(parts.Steps.DeadlineIn(parts.Options.PollTimeout), latest ?? long.MaxValue);
        GatewayResult<IReadOnlyList<GatewaySession>> listed = await parts.Steps.RunAsync(PaymentSteps.Sessions, deadline, repeat,
            token => gateway.ListSessionsAsync(QueryOf(record), token), cancellationToken).ConfigureAwait(false);
        return listed.TryGet(out IReadOnlyList<GatewaySession>? sessions, out GatewayFailure? failure)
            ? (await WriteAsync(record, current => StatusRules.Apply(current, sessions), cancellationToken).ConfigureAwait(false), null)
            : (record, failure);
    }

    private async Task<PaymentRecord> WriteAsync(PaymentRecord record, Func<PaymentRecord, PaymentRecord?> change, CancellationToken cancellationToken)
    {
        PaymentRecord stored;
        try
        {
            stored = await parts.ChangeAsync(record, change, null, cancellationToken).ConfigureAwait(false) ?? throw PaymentException.NotFound();
        }
        catch (Exception exception) when (exception is not (PaymentException or OperationCanceledException))
        {
            throw PaymentException.StoreFailed(exception);
        }

        if (stored.HasAmountMismatch && !record.HasAmountMismatch)
        {
            parts.Logger.AmountMismatch(stored.LinkId!);
        }

        return stored;
    }

    private async Task<PaymentRecord?> ReadAsync(string id, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        try
        {
            PaymentRecord? record = await parts.Store.FindByLinkAsync(id, cancellationToken).ConfigureAwait(false);
            return record is { Url: not null } ? record : null;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw PaymentException.StoreFailed(exception);
        }
    }

    private IPaymentGateway GatewayOf(PaymentRecord record) => record.IsSimulated ? parts.Simulated : parts.Gateway;

    private static GatewaySessionQuery QueryOf(PaymentRecord record) => new(record.LinkId!, record.Request.Amount, record.CreatedAt);

    private static PaymentException Unanswered(GatewayFailure failure) => failure.Kind is GatewayFailureKind.Unauthorized or GatewayFailureKind.Forbidden
        or GatewayFailureKind.Rejected or GatewayFailureKind.NotFound
        ? PaymentException.Rejected(failure)
        : PaymentException.Unavailable($"{failure.Message} The status is as it was; ask again later.", failure.RetryAfter);
}
