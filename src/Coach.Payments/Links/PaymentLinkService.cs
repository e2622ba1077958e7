namespace Coach.Payments;

/// <summary>The service behind <see cref="IPaymentLinks"/>.</summary>
internal sealed class PaymentLinkService(PaymentParts parts) : IPaymentLinks
{
    private static readonly TimeSpan ClaimPollInterval = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<string, Flight> _flights = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    public async Task<PaymentLink> CreateAsync(PaymentLinkRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        PaymentRequestValidator.Check(request);
        cancellationToken.ThrowIfCancellationRequested();
        string tag = RequestHash.Tag(parts.Options.Namespace, request.Owner, request.OperationKey);
        PaymentRecord? known;
        try
        {
            known = await parts.Store.FindAsync(tag, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            parts.Metrics.Link("failed");
            throw PaymentException.StoreFailed(exception);
        }

        if (known is { State: PaymentRecordState.Completed } && RequestHash.IsPlainlySame(known.Request, request))
        {
            parts.Metrics.Link("replayed");
            return known.ToLink(isReplay: true);
        }

        RequestHash hash = RequestHash.Of(request);
        if (known is not null)
        {
            if (known.RequestHash != hash)
            {
                parts.Metrics.Link("failed");
                throw PaymentException.Conflict();
            }

            if (known.State == PaymentRecordState.Completed)
            {
                parts.Metrics.Link("replayed");
                return known.ToLink(isReplay: true);
            }
        }

        return await JoinAsync(tag, hash, request, cancellationToken).ConfigureAwait(false);
    }

    private async Task<PaymentLink> JoinAsync(string tag, RequestHash hash, PaymentLinkRequest request, CancellationToken cancellationToken)
    {
        bool isFirst = false;
        Flight? flight;
        Task<PaymentLink> outcome;
        lock (_gate)
        {
            if (!_flights.TryGetValue(tag, out flight))
            {
                isFirst = true;
                flight = new Flight(hash);
                _flights.Add(tag, flight);
            }
            else if (flight.Hash != hash)
            {
                throw PaymentException.Conflict();
            }

            outcome = isFirst ? flight.Result : flight.Join();
            flight.Waiters++;
        }

        if (isFirst)
        {
            _ = RunAsync(tag, request, flight);
        }

        try
        {
            PaymentLink link = await outcome.WaitAsync(cancellationToken).ConfigureAwait(false);
            if (isFirst || link.IsReplay)
            {
                return link;
            }

            parts.Metrics.Link("replayed");
            return link with { IsReplay = true };
        }
        finally
        {
            Leave(tag, flight);
        }
    }

    private void Leave(string tag, Flight flight)
    {
        lock (_gate)
        {
            if (--flight.Waiters > 0)
            {
                return;
            }

            // Whoever asks next starts anew, and waits for this one's claim to be given back.
            if (_flights.TryGetValue(tag, out Flight? current) && ReferenceEquals(current, flight))
            {
                _flights.Remove(tag);
            }
        }

        if (!flight.Result.IsCompleted)
        {
            flight.Abandon();
        }
    }

    private async Task RunAsync(string tag, PaymentLinkRequest request, Flight flight)
    {
        try
        {
            PaymentLink link = await ClaimAndCreateAsync(tag, flight.Hash, request, flight.Abandoned).ConfigureAwait(false);
            parts.Metrics.Link(link.IsReplay ? "replayed" : link.IsSimulated ? "simulated" : "created");
            Land(tag, flight);
            flight.Succeed(link);
        }
#pragma warning disable CA1031 // handed to everybody who waits
        catch (Exception exception)
#pragma warning restore CA1031
        {
            parts.Metrics.Link("failed");
            Land(tag, flight);
            flight.Fail(exception);
        }
    }

    private void Land(string tag, Flight flight)
    {
        lock (_gate)
        {
            if (_flights.TryGetValue(tag, out Flight? current) && ReferenceEquals(current, flight))
            {
                _flights.Remove(tag);
            }
        }
    }

    private async Task<PaymentLink> ClaimAndCreateAsync(string tag, RequestHash hash, PaymentLinkRequest request, CancellationToken cancellationToken)
    {
        long deadline = parts.Steps.DeadlineIn(parts.Options.TotalTimeout);
        var proposed = new PaymentRecord { Tag = tag, RequestHash = hash, Request = Copy(request) };
        IdempotencyClaim claim = await ClaimAsync(proposed, cancellationToken).ConfigureAwait(false);
        return claim.Outcome == ClaimOutcome.Completed
            ? claim.Record.ToLink(isReplay: true)
            : await CreateClaimedAsync(claim.Record, deadline, cancellationToken).ConfigureAwait(false);
    }

    private async Task<PaymentLink> CreateClaimedAsync(PaymentRecord record, long deadline, CancellationToken cancellationToken)
    {
        var creation = new PaymentLinkCreator(parts, record, deadline, cancellationToken);
        bool isDone = false;
        try
        {
            PaymentLink link = await creation.ExecuteAsync().ConfigureAwait(false);
            isDone = true;
            return link;
        }
        finally
        {
            if (!isDone)
            {
                await creation.AbandonAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task<IdempotencyClaim> ClaimAsync(PaymentRecord proposed, CancellationToken cancellationToken)
    {
        long until = parts.Steps.DeadlineIn(parts.Options.JoinTimeout);
        while (true)
        {
            IdempotencyClaim claim;
            try
            {
                claim = await parts.Store.ClaimAsync(proposed, parts.Options.LeaseDuration, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                throw PaymentException.StoreFailed(exception);
            }

            switch (claim.Outcome)
            {
                case ClaimOutcome.Conflict:
                    throw PaymentException.Conflict();
                case ClaimOutcome.InProgress when parts.Steps.Remaining(until) <= ClaimPollInterval:
                    throw PaymentException.InProgress(claim.RetryAfter);
                case ClaimOutcome.InProgress:
                    await Task.Delay(ClaimPollInterval, parts.Time, cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    return claim;
            }
        }
    }

    // The caller's lists may change after the call; the record's must not.
    private static PaymentLinkRequest Copy(PaymentLinkRequest request) => request.Items.Count == 0 && request.Metadata.Count == 0
        ? request
        : request with { Items = [.. request.Items], Metadata = new Dictionary<string, string>(request.Metadata, StringComparer.Ordinal) };

    public async Task<PaymentLink?> FindAsync(string id, CancellationToken cancellationToken = default)
    {
        PaymentRecord? record = await ReadAsync(id, cancellationToken).ConfigureAwait(false);
        return record?.ToLink(isReplay: true);
    }

    public async Task<PaymentLink> GetStatusAsync(string id, CancellationToken cancellationToken = default)
    {
        PaymentRecord record = await ReadAsync(id, cancellationToken).ConfigureAwait(false) ?? throw PaymentException.NotFound();
        (PaymentRecord now, GatewayFailure? failure) = await PollAsync(record, RetryPolicy.Always, cancellationToken).ConfigureAwait(false);
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
            (record, failure) = await PollAsync(record, RetryPolicy.Never, cancellationToken, deadline).ConfigureAwait(false);
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
        GatewayResult<GatewayLink> closed = await parts.Steps.RunAsync(PaymentSteps.Deactivate, deadline, RetryPolicy.Always,
            token => gateway.DeactivateLinkAsync(id, token), cancellationToken).ConfigureAwait(false);
        if (closed.Failure is { } failure)
        {
            throw Unanswered(failure);
        }

        IReadOnlyList<GatewaySession> sessions = await EndSessionsAsync(gateway, record, deadline, cancellationToken).ConfigureAwait(false);
        return (await WriteAsync(record, current =>
        {
            PaymentRecord changed = PaymentStatusTransitions.Apply(current, sessions) ?? current;

            // A payment on its way is not called off by closing the link.
            changed = changed.Status == PaymentStatus.Processing ? changed : PaymentStatusTransitions.Move(changed, PaymentStatus.Expired);
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
            GatewayResult<GatewaySession> ended = await parts.Steps.RunAsync(PaymentSteps.Expire, deadline, RetryPolicy.Always,
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
        GatewayResult<IReadOnlyList<GatewaySession>> listed = await parts.Steps.RunAsync(PaymentSteps.Sessions, deadline, RetryPolicy.Always,
            token => gateway.ListSessionsAsync(QueryOf(record), token), cancellationToken).ConfigureAwait(false);
        return listed.TryGet(out IReadOnlyList<GatewaySession>? sessions, out GatewayFailure? failure) ? sessions : throw Unanswered(failure);
    }

    private async Task<(PaymentRecord Record, GatewayFailure? Failure)> PollAsync(
        PaymentRecord record, RetryPolicy repeat, CancellationToken cancellationToken, long? latest = null)
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
            ? (await WriteAsync(record, current => PaymentStatusTransitions.Apply(current, sessions), cancellationToken).ConfigureAwait(false), null)
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

    public async Task<ReconciliationReport> ReconcileAsync(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<PaymentRecord> open;
        try
        {
            open = await parts.Store.ListUnsettledAsync(parts.Options.ReconcileBatch, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw PaymentException.StoreFailed(exception);
        }

        int settled = 0;
        foreach (PaymentRecord record in open)
        {
            if (await SettleAsync(record, cancellationToken).ConfigureAwait(false))
            {
                settled++;
                parts.Logger.Reconciled(record.Tag);
            }
        }

        await parts.CountPendingAsync().ConfigureAwait(false);
        if (settled < open.Count)
        {
            parts.Logger.ReconciliationIncomplete(open.Count - settled, open.Count);
        }

        return new ReconciliationReport(open.Count, settled, open.Count - settled);
    }

    private async Task<bool> SettleAsync(PaymentRecord record, CancellationToken cancellationToken)
    {
        try
        {
            IdempotencyClaim claim = await parts.Store.ClaimAsync(record, parts.Options.LeaseDuration, cancellationToken).ConfigureAwait(false);
            switch (claim.Outcome)
            {
                case ClaimOutcome.Completed:
                    return true;
                case ClaimOutcome.Claimed:
                    await CreateClaimedAsync(claim.Record, parts.Steps.DeadlineIn(parts.Options.TotalTimeout), cancellationToken).ConfigureAwait(false);
                    return true;
                default:
                    return false;
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // A refusal settles it too: it proves that there is no link.
            return exception is PaymentException && await IsSettledAsync(record.Tag, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<bool> IsSettledAsync(string tag, CancellationToken cancellationToken)
    {
        try
        {
            return await parts.Store.FindAsync(tag, cancellationToken).ConfigureAwait(false) is not { State: PaymentRecordState.LinkSent };
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return false;
        }
    }
}
