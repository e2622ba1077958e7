using System.Globalization;

namespace Coach.Payments;

/// <summary>
/// Takes one claimed operation to its link. Progress is recorded before and after the step that makes the link, so that whoever comes
/// next (the same caller, another replica, reconciliation) knows whether one may exist.
/// </summary>
internal sealed class PaymentLinkCreator(PaymentParts parts, PaymentRecord claimed, long deadline, CancellationToken cancellationToken)
{
    private const int MaxRounds = 3;

    // Stripe keeps idempotency keys for at least 24 hours (facts: stripe.md §3); an hour of margin.
    private static readonly TimeSpan KeyLifetime = TimeSpan.FromHours(23);

    private readonly long _token = claimed.LeaseToken;
    // Read at each use: an MCP gateway knows what its server can do once it has connected.
    private GatewayCapabilities Capabilities => parts.Gateway.Capabilities;

    public PaymentRecord Record { get; private set; } = claimed;

    private PaymentLinkRequest Request => Record.Request;

    private bool WasSent => Record.State == PaymentRecordState.LinkSent;

    // Repeating a key is harmless only on the gateway that carried it.
    private bool HasKeys => Capabilities.HasIdempotencyKeys && (!WasSent || Record.Gateway == parts.Gateway.Name);

    private string LookupKey => $"coach_{Record.Tag}";

    /// <summary>Runs the operation.</summary>
    /// <exception cref="PaymentException">See <see cref="IPaymentLinks.CreateAsync"/>.</exception>
    public async Task<PaymentLink> ExecuteAsync()
    {
        if (parts.IsSimulating())
        {
            return WasSent
                ? throw await OutcomeUnknownAsync("An earlier attempt reached the provider, and it cannot be asked now.", "not_supported", null).ConfigureAwait(false)
                : await SimulateAsync().ConfigureAwait(false);
        }

        if (await AvailableAsync().ConfigureAwait(false) is { } down)
        {
            return await FallBackAsync(down).ConfigureAwait(false);
        }

        if (Record.LinkId is { } known)
        {
            // A webhook told of it before the answer that showed it was recorded.
            GatewayResult<GatewayLink?> found = await FindLinkAsync(known).ConfigureAwait(false);
            if (found.Value is { } link)
            {
                return await CompleteAsync(link, noted: true, isReplay: true).ConfigureAwait(false);
            }

            throw await OutcomeUnknownAsync("The link could not be read.", found.Failure).ConfigureAwait(false);
        }

        (GatewayPrice? price, GatewayFailure? failure) = await GetPriceAsync().ConfigureAwait(false);
        return price is null ? await FallBackAsync(failure!).ConfigureAwait(false) : await GetLinkAsync(price).ConfigureAwait(false);
    }

    private async Task<GatewayFailure?> AvailableAsync()
    {
        GatewayFailure? failure = await parts.Availability.CheckAsync(cancellationToken).ConfigureAwait(false);

        // A refused key is for the step itself to report: that is no outage.
        return failure is { IsOutage: true } ? failure : null;
    }

    private async Task<(GatewayPrice? Price, GatewayFailure? Failure)> GetPriceAsync()
    {
        bool look = Record.PriceId is not null;
        GatewayFailure? last = null;
        for (int round = 0; round < MaxRounds; round++)
        {
            if (look && Capabilities.HasLookupKeys)
            {
                GatewayResult<GatewayPrice?> found = await parts.Steps.RunAsync(PaymentSteps.FindPrice, deadline, RetryPolicy.Always,
                    token => parts.Gateway.FindPriceAsync(LookupKey, token), cancellationToken).ConfigureAwait(false);
                if (!found.TryGet(out GatewayPrice? existing, out GatewayFailure? problem))
                {
                    return (null, problem);
                }

                if (existing is not null)
                {
                    // The records may be lost, but the price remembers what it was made for.
                    if (existing.RequestHash is { } hash && hash != Record.RequestHash.ToString())
                    {
                        await RestoreHashAsync(hash).ConfigureAwait(false);
                        throw PaymentException.Conflict();
                    }

                    return (existing with { IsNew = false }, null);
                }
            }

            if (Record.PriceId is { } known)
            {
                return (new GatewayPrice { Id = known }, null);
            }

            GatewayResult<GatewayPrice> made = await parts.Steps.RunAsync(PaymentSteps.Price, deadline,
                Capabilities.HasIdempotencyKeys || Capabilities.HasLookupKeys ? RetryPolicy.Always : RetryPolicy.OnlyIfNotExecuted,
                token => parts.Gateway.CreatePriceAsync(PriceRequest(), token), cancellationToken).ConfigureAwait(false);
            if (made.TryGet(out GatewayPrice? price, out last))
            {
                return (price with { IsNew = price.IsNew && !WasSent && Capabilities.HasLookupKeys }, null);
            }

            look = true;
            switch (last.Kind)
            {
                case GatewayFailureKind.ReplayedError or GatewayFailureKind.KeyConflict:
                    await SaveAsync(record => record with { PriceAttempt = record.PriceAttempt + 1 }).ConfigureAwait(false);
                    break;
                case GatewayFailureKind.AlreadyExists:
                    break;
                default:
                    return (null, last);
            }
        }

        return (null, last! with { Kind = GatewayFailureKind.Rejected });
    }

    // The record was just made for the wrong request; as it stands it would refuse the right one from now on.
    private Task RestoreHashAsync(string text) =>
        RequestHash.TryParse(text, out RequestHash hash) ? SaveAsync(record => record with { RequestHash = hash }) : Task.CompletedTask;

    private async Task<PaymentLink> GetLinkAsync(GatewayPrice price)
    {
        if (price.LinkId is { } noted)
        {
            GatewayResult<GatewayLink?> found = await FindLinkAsync(noted).ConfigureAwait(false);
            if (found.Value is { } link)
            {
                return await CompleteAsync(link, noted: true, isReplay: true).ConfigureAwait(false);
            }

            if (found.Failure is { } failure)
            {
                throw await OutcomeUnknownAsync("The link could not be read.", failure).ConfigureAwait(false);
            }
        }

        // A price that was there before our records knew of it: they may be lost, and a link with them.
        bool mayExist = WasSent || (Capabilities.HasLookupKeys && !price.IsNew && Record.PriceId is null);
        if (NeedsSearch(price))
        {
            GatewayLink? found = await SearchAsync().ConfigureAwait(false);
            if (found is not null)
            {
                return await CompleteAsync(found, noted: false, isReplay: true).ConfigureAwait(false);
            }

            await ForgetSentAsync(newKey: true).ConfigureAwait(false);
            mayExist = false;
        }

        return await MakeLinkAsync(price, mayExist).ConfigureAwait(false);
    }

    // Whether a link may exist that repeating the key would not give back. Ages are told by the provider's clock alone: ours may have been
    // set back. A key that was sent lately may still be at work there, where no search sees it: it is repeated, however old the price is.
    private bool NeedsSearch(GatewayPrice price)
    {
        if (price.IsNew)
        {
            return false;
        }

        if (!HasKeys)
        {
            return WasSent || Capabilities.HasLookupKeys;
        }

        DateTimeOffset? since = WasSent && Record.LinkSentAt > price.CreatedAt ? Record.LinkSentAt : price.CreatedAt;
        return price.ServerTime - since is { } age ? age >= KeyLifetime : WasSent;
    }

    /// <summary>Looks through the provider's links. Null proves that there is none.</summary>
    private async Task<GatewayLink?> SearchAsync()
    {
        if (!Capabilities.CanFindLinks)
        {
            throw await OutcomeUnknownAsync($"The gateway '{parts.Gateway.Name}' cannot look for the link. Look for it by hand.", "not_supported", null).ConfigureAwait(false);
        }

        GatewayResult<GatewayLink?> found = await FindLinkAsync(null).ConfigureAwait(false);
        if (!found.TryGet(out GatewayLink? link, out GatewayFailure? failure))
        {
            throw await OutcomeUnknownAsync("The provider's links could not be searched.", failure).ConfigureAwait(false);
        }

        if (link is null && !HasKeys && WasSent && Record.LinkSentAt is { } sent)
        {
            TimeSpan wait = sent + parts.Options.SettleDelay - parts.Time.GetUtcNow();
            if (wait > TimeSpan.Zero && wait <= parts.Options.SettleDelay)
            {
                throw await OutcomeUnknownAsync("An earlier request may still be on its way.", "settling", wait).ConfigureAwait(false);
            }
        }

        return link;
    }

    private async Task<PaymentLink> MakeLinkAsync(GatewayPrice price, bool mayExist)
    {
        for (int round = 0; round < MaxRounds; round++)
        {
            string gateway = parts.Gateway.Name;
            await SaveAsync(record => record with
            {
                State = PaymentRecordState.LinkSent,
                NeedsReconciliation = false,
                ReconciliationReason = null,
                PriceId = price.Id,
                Gateway = gateway,
                LinkSentAt = record.LinkSentAt ?? (Capabilities.HasIdempotencyKeys ? price.ServerTime : null) ?? parts.Time.GetUtcNow(),
            }).ConfigureAwait(false);

            GatewayResult<GatewayLink> made = await parts.Steps.RunAsync(PaymentSteps.Link, deadline,
                Capabilities.HasIdempotencyKeys ? RetryPolicy.Always : RetryPolicy.OnlyIfNotExecuted,
                token => parts.Gateway.CreateLinkAsync(LinkRequest(price), token), cancellationToken).ConfigureAwait(false);
            if (made.TryGet(out GatewayLink? link, out GatewayFailure? failure))
            {
                bool isEarlier = link.IsReplay && !price.IsNew;
                if (isEarlier && Capabilities.CanFindLinks && (await FindLinkAsync(link.Id).ConfigureAwait(false)).Value is { } current)
                {
                    link = current; // a replayed answer shows the link as it was
                }

                return await CompleteAsync(link, noted: false, isEarlier).ConfigureAwait(false);
            }

            if (failure.Kind is GatewayFailureKind.ReplayedError or GatewayFailureKind.KeyConflict)
            {
                // That key's execution is over: what it left behind can be looked up, and if nothing, a new key is safe.
                if (await SearchAsync().ConfigureAwait(false) is { } found)
                {
                    return await CompleteAsync(found, noted: false, isReplay: true).ConfigureAwait(false);
                }

                await ForgetSentAsync(newKey: true).ConfigureAwait(false);
                mayExist = false;
                continue;
            }

            if (failure.IsOutcomeUnknown || (mayExist && !failure.IsProofOfNoEffect))
            {
                throw await OutcomeUnknownAsync(failure.Message, failure).ConfigureAwait(false);
            }

            // The key itself was not used up, unless a refusal was stored under it.
            await ForgetSentAsync(newKey: failure.IsProofOfNoEffect).ConfigureAwait(false);
            return await FallBackAsync(failure).ConfigureAwait(false);
        }

        throw await OutcomeUnknownAsync("The provider keeps replaying failures.", "replayed_error", null).ConfigureAwait(false);
    }

    /// <summary>It is proven that no link exists.</summary>
    private Task ForgetSentAsync(bool newKey) => SaveAsync(record => record with
    {
        State = PaymentRecordState.Started,
        LinkAttempt = record.LinkAttempt + (newKey ? 1 : 0),
        LinkSentAt = null,
        NeedsReconciliation = false,
        ReconciliationReason = null,
    });

    private Task<GatewayResult<GatewayLink?>> FindLinkAsync(string? linkId) => parts.Steps.RunAsync(PaymentSteps.FindLink, deadline, RetryPolicy.Always,
        token => parts.Gateway.FindLinkAsync(new GatewayLinkQuery(Record.Tag, linkId), token), cancellationToken);

    private GatewayPriceRequest PriceRequest()
    {
        PaymentLineItem? first = Lines is [var line, ..] ? line : null;
        return new GatewayPriceRequest
        {
            IdempotencyKey = string.Create(CultureInfo.InvariantCulture, $"coach:{Record.Tag}:price:{Record.PriceAttempt}"),
            LookupKey = LookupKey,
            Amount = first?.UnitPrice ?? Request.Amount,
            ProductName = first?.Description ?? Request.Description,
            Metadata = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                [PaymentMetadata.Tag] = Record.Tag,
                [PaymentMetadata.RequestHash] = Record.RequestHash.ToString(),
            },
        };
    }

    private GatewayLinkRequest LinkRequest(GatewayPrice price)
    {
        var metadata = new Dictionary<string, string>(Request.Metadata, StringComparer.Ordinal)
        {
            [PaymentMetadata.Tag] = Record.Tag,
            [PaymentMetadata.OperationKey] = Request.OperationKey,
        };
        return new GatewayLinkRequest
        {
            IdempotencyKey = string.Create(CultureInfo.InvariantCulture, $"coach:{Record.Tag}:link:{Record.LinkAttempt}"),
            PriceId = price.Id,
            Quantity = Lines is [var first, ..] ? first.Quantity : 1,
            MoreItems = Lines.Count > 1 ? [.. Lines.Skip(1)] : [],
            Metadata = metadata,
            IsSingleUse = !Request.IsReusable,
            RedirectUrl = Request.RedirectUrl,
        };
    }

    private IReadOnlyList<PaymentLineItem> Lines => Capabilities.HasLineItems ? Request.Items : [];

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
            return await AdoptCompetingResultAsync(link).ConfigureAwait(false);
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
        PaymentRecord known = PaymentStatusTransitions.Apply(record, payments) ?? record;
        return link.IsActive || known.Status == PaymentStatus.Processing ? known : PaymentStatusTransitions.Move(known, PaymentStatus.Expired);
    }

    private async Task<IReadOnlyList<GatewaySession>> PaymentsOfAsync(string linkId)
    {
        if (!Capabilities.CanListSessions)
        {
            return [];
        }

        GatewayResult<IReadOnlyList<GatewaySession>> listed = await parts.Steps.RunAsync(PaymentSteps.Sessions, deadline, RetryPolicy.Always,
            token => parts.Gateway.ListSessionsAsync(new GatewaySessionQuery(linkId, Request.Amount, Record.CreatedAt), token), cancellationToken).ConfigureAwait(false);
        return listed.Value ?? [];
    }

    // Our claim ran out and somebody else took over. Both used the same keys, so both have the same link.
    private async Task<PaymentLink> AdoptCompetingResultAsync(GatewayLink link)
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
            GatewayResult<bool> noted = await parts.Steps.RunAsync(PaymentSteps.Note, deadline, RetryPolicy.Never,
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
            throw await OutcomeUnknownAsync(failure.Message, failure).ConfigureAwait(false);
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

    private Task<PaymentException> OutcomeUnknownAsync(string reason, GatewayFailure? failure) =>
        OutcomeUnknownAsync(reason, PaymentMetrics.NameOf(failure?.Kind ?? GatewayFailureKind.NotFound), failure?.RetryAfter);

    private async Task<PaymentException> OutcomeUnknownAsync(string reason, string kind, TimeSpan? retryAfter)
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
