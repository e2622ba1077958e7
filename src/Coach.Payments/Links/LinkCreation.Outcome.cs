namespace Coach.Payments;

/// <summary>How an operation ends: recorded, simulated, refused, or uncertain.</summary>
internal sealed partial class LinkCreation
{
    /// <summary>Gives the claim back after anything but success. What may have been sent is marked for reconciliation.</summary>
    public async Task AbandonAsync()
    {
        try
        {
            PaymentRecord? stored = await parts.ChangeAsync(Record, static record => record.State == PaymentRecordState.Completed || record.LeaseExpiresAt is null ? null : record with
            {
                LeaseExpiresAt = null,
                NeedsReconciliation = record.State == PaymentRecordState.LinkSent,
                ReconciliationReason = record.State == PaymentRecordState.LinkSent ? record.ReconciliationReason ?? "abandoned" : null,
            }, _token, CancellationToken.None).ConfigureAwait(false);
            if (stored is { NeedsReconciliation: true })
            {
                await parts.CountPendingAsync().ConfigureAwait(false);
            }
        }
#pragma warning disable CA1031 // the exception that is on its way matters more; the claim runs out by itself
        catch (Exception exception)
#pragma warning restore CA1031
        {
            parts.Logger.ReleaseFailed(Record.Tag, exception);
        }
    }

    private async Task SaveAsync(Func<PaymentRecord, PaymentRecord> change)
    {
        try
        {
            Record = await parts.ChangeAsync(Record, change, _token, cancellationToken).ConfigureAwait(false)
                ?? throw PaymentException.InProgress(null);
        }
        catch (Exception exception) when (exception is not (PaymentException or OperationCanceledException))
        {
            throw PaymentException.StoreFailed(exception);
        }
    }

    private async Task<PaymentLink> CompleteAsync(GatewayLink link, bool noted, bool isReplay)
    {
        bool isReusable = Request.IsReusable || !Capabilities.HasSingleUse;
        string gateway = parts.Gateway.Name;
        IReadOnlyList<GatewaySession> payments = link.IsActive ? [] : await PaymentsOfAsync(link.Id).ConfigureAwait(false);
        PaymentRecord done = Done(Record);
        PaymentRecord? stored;
        try
        {
            // The link exists: a caller who leaves now must not keep it from being recorded.
            stored = await parts.ChangeAsync(Record, Done, _token, CancellationToken.None).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // the link exists and must reach the caller, whatever the store does
        catch (Exception exception)
#pragma warning restore CA1031
        {
            parts.Logger.SaveFailed(Record.Tag, exception);
            return done.ToLink(isReplay) with { NeedsReconciliation = true };
        }

        if (stored is null)
        {
            return await YieldAsync(link).ConfigureAwait(false);
        }

        Record = stored;
        parts.Logger.LinkCreated(Record.Tag, link.Id, gateway);
        if (!noted && Capabilities.HasLookupKeys && Record.PriceId is { } price)
        {
            await NoteAsync(price, link.Id).ConfigureAwait(false);
        }

        return Record.ToLink(isReplay);

        PaymentRecord Done(PaymentRecord record) => WithStatus(record, link, payments) with
        {
            State = PaymentRecordState.Completed,
            LinkId = link.Id,
            Url = link.Url,
            Gateway = gateway,
            IsSimulated = false,
            IsReusable = isReusable,
            NeedsReconciliation = false,
            ReconciliationReason = null,
            LeaseExpiresAt = null,
        };
    }

    // A closed link is a paid one or one that nobody can pay any more; a payment on its way is not called off.
    private static PaymentRecord WithStatus(PaymentRecord record, GatewayLink link, IReadOnlyList<GatewaySession> payments)
    {
        PaymentRecord known = StatusRules.Apply(record, payments) ?? record;
        return link.IsActive || known.Status == PaymentStatus.Processing ? known : StatusRules.Move(known, PaymentStatus.Expired);
    }

    private async Task<IReadOnlyList<GatewaySession>> PaymentsOfAsync(string linkId)
    {
        if (!Capabilities.CanListSessions)
        {
            return [];
        }

        GatewayResult<IReadOnlyList<GatewaySession>> listed = await parts.Steps.RunAsync(PaymentSteps.Sessions, deadline, StepRepeat.Always,
            token => parts.Gateway.ListSessionsAsync(new GatewaySessionQuery(linkId, Request.Amount, Record.CreatedAt), token), cancellationToken).ConfigureAwait(false);
        return listed.Value ?? [];
    }

    // Our claim ran out and somebody else took over. Both used the same keys, so both have the same link.
    private async Task<PaymentLink> YieldAsync(GatewayLink link)
    {
        PaymentRecord? theirs;
        try
        {
            theirs = await parts.Store.FindAsync(Record.Tag, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw PaymentException.StoreFailed(exception);
        }

        if (theirs is not { State: PaymentRecordState.Completed })
        {
            throw PaymentException.InProgress(null);
        }

        if (theirs.LinkId != link.Id)
        {
            parts.Logger.TwoLinks(Record.Tag, theirs.LinkId!, link.Id);
        }

        return theirs.ToLink(isReplay: true);
    }

    private async Task NoteAsync(string priceId, string linkId)
    {
        try
        {
            GatewayResult<bool> noted = await parts.Steps.RunAsync(PaymentSteps.Note, deadline, StepRepeat.Never,
                token => parts.Gateway.NoteLinkAsync(priceId, linkId, token), cancellationToken).ConfigureAwait(false);
            if (noted.Failure is { } failure)
            {
                parts.Logger.NoteFailed(Record.Tag, PaymentMetrics.NameOf(failure.Kind));
            }
        }
        catch (OperationCanceledException)
        {
            // The link is recorded; the note only makes a later search shorter.
            parts.Logger.NoteFailed(Record.Tag, "cancelled");
        }
    }

    private async Task<PaymentLink> SimulateAsync()
    {
        GatewayResult<GatewayLink> made = await parts.Simulated.CreateLinkAsync(LinkRequest(new GatewayPrice { Id = "" }), cancellationToken).ConfigureAwait(false);
        GatewayLink link = made.Value!;
        bool isReusable = Request.IsReusable;
        await SaveAsync(record => record with
        {
            State = PaymentRecordState.Completed,
            LinkId = link.Id,
            Url = link.Url,
            Gateway = parts.Simulated.Name,
            IsSimulated = true,
            IsReusable = isReusable,
            NeedsReconciliation = false,
            ReconciliationReason = null,
            LeaseExpiresAt = null,
        }).ConfigureAwait(false);
        return Record.ToLink(isReplay: false);
    }

    /// <summary>The provider made no link. A simulated one stands in only for an outage, only with a test key, only if none can exist.</summary>
    private async Task<PaymentLink> FallBackAsync(GatewayFailure failure)
    {
        if (WasSent)
        {
            throw await UncertainAsync(failure.Message, failure).ConfigureAwait(false);
        }

        if ((failure.IsOutage || failure.Kind == GatewayFailureKind.ApprovalNeeded)
            && parts.Gateway.Mode == GatewayMode.Test && parts.Options.FallBackToSimulated)
        {
            parts.Logger.FellBack(Record.Tag, PaymentMetrics.NameOf(failure.Kind));
            return await SimulateAsync().ConfigureAwait(false);
        }

        throw failure.Kind is GatewayFailureKind.Rejected or GatewayFailureKind.NotFound or GatewayFailureKind.Unauthorized
            or GatewayFailureKind.Forbidden or GatewayFailureKind.ReplayedError or GatewayFailureKind.KeyConflict or GatewayFailureKind.AlreadyExists
            ? PaymentException.Rejected(failure)
            : PaymentException.Unavailable($"{failure.Message} No link was made; ask again with the same key.", failure.RetryAfter);
    }

    private Task<PaymentException> UncertainAsync(string reason, GatewayFailure? failure) =>
        UncertainAsync(reason, PaymentMetrics.NameOf(failure?.Kind ?? GatewayFailureKind.NotFound), failure?.RetryAfter);

    private async Task<PaymentException> UncertainAsync(string reason, string kind, TimeSpan? retryAfter)
    {
        parts.Logger.OutcomeUnknown(Record.Tag, kind);
        await SaveAsync(record => record with
        {
            State = PaymentRecordState.LinkSent,
            NeedsReconciliation = true,
            ReconciliationReason = kind,
            LinkSentAt = record.LinkSentAt ?? (Capabilities.HasIdempotencyKeys ? null : parts.Time.GetUtcNow()),
            LeaseExpiresAt = null,
        }).ConfigureAwait(false);
        return PaymentException.Uncertain(reason, retryAfter);
    }
}
