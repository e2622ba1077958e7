using System.Globalization;
using Coach.Payments.Gateways;
using Coach.Payments.Resilience;
using Coach.Payments.Telemetry;

namespace Coach.Payments.Links;

/// <summary>
/// Takes one operation from its claim to its link, through the states of <see cref="PaymentLinkStateMachine"/>. Each
/// change is recorded before the request it announces and after the answer it rests on.
/// </summary>
internal sealed class PaymentLinkCreator(
    GatewaySelector gateways, PaymentRecordRepository records, GatewayStepExecutor steps, CoachPaymentsOptions options,
    TimeProvider time, PaymentTelemetry telemetry, PaymentScope scope, bool isNoting)
{
    private const int MaxRounds = 3;

    private static readonly TimeSpan ClaimPollInterval = TimeSpan.FromMilliseconds(250);

    // Stripe keeps idempotency keys for at least 24 hours (https://docs.stripe.com/api/idempotent_requests, 2026-07);
    // an hour of margin.
    private static readonly TimeSpan KeyLifetime = TimeSpan.FromHours(23);

    private GatewaySelector Gateways => gateways;

    private PaymentRecordRepository Records => records;

    private GatewayStepExecutor Steps => steps;

    private CoachPaymentsOptions Options => options;

    private TimeProvider Time => time;

    private PaymentTelemetry Telemetry => telemetry;

    private PaymentScope Scope => scope;

    private bool IsNoting => isNoting;

    /// <summary>Claims an operation and makes its link, or returns the one it already has.</summary>
    /// <exception cref="PaymentException">See <see cref="IPaymentLinks.CreateAsync"/>.</exception>
    public async Task<PaymentLink> ClaimAndCreateAsync(PaymentRecord proposed, CancellationToken cancellationToken)
    {
        // Before the claim and before the clock starts: a queue of a thousand holds no claim and fails no deadline.
        using RequestTurn? turn = gateways.IsSimulating()
            ? null
            : await steps.WaitForTurnAsync(cancellationToken).ConfigureAwait(false);
        using Deadline deadline = steps.StartDeadline(options.TotalTimeout);
        IdempotencyClaim claim = await WaitForClaimAsync(proposed, cancellationToken).ConfigureAwait(false);
        return claim.Outcome == ClaimOutcome.Completed
            ? claim.Record.ToLink(isReplay: true)
            : await CreateAsync(claim.Record, deadline, turn, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes the link of an operation that the caller has claimed; gives the claim back unless it
    /// succeeds.</summary>
    /// <exception cref="PaymentException">See <see cref="IPaymentLinks.CreateAsync"/>.</exception>
    public async Task<PaymentLink> CreateAsync(PaymentRecord claimed, CancellationToken cancellationToken)
    {
        using Deadline deadline = steps.StartDeadline(options.TotalTimeout);
        return await CreateAsync(claimed, deadline, null, cancellationToken).ConfigureAwait(false);
    }

    private async Task<PaymentLink> CreateAsync(
        PaymentRecord claimed, Deadline deadline, RequestTurn? turn, CancellationToken cancellationToken)
    {
        var operation = new Operation(this, claimed, deadline, turn, cancellationToken);
        bool isDone = false;
        try
        {
            PaymentLink link = await operation.RunAsync().ConfigureAwait(false);
            isDone = true;
            return link;
        }
        finally
        {
            if (!isDone)
            {
                await operation.ReleaseAsync().ConfigureAwait(false);
            }
        }
    }

    // Polling, because a store need not be able to notify: another replica's claim ends within seconds or by its lease.
    private async Task<IdempotencyClaim> WaitForClaimAsync(PaymentRecord proposed, CancellationToken cancellationToken)
    {
        using Deadline patience = steps.StartDeadline(options.JoinTimeout);
        while (true)
        {
            IdempotencyClaim claim =
                await records.ClaimAsync(proposed, options.LeaseDuration, cancellationToken).ConfigureAwait(false);
            switch (claim.Outcome)
            {
                case ClaimOutcome.Conflict:
                    throw PaymentException.Conflict();
                case ClaimOutcome.InProgress when patience.Remaining <= ClaimPollInterval:
                    throw PaymentException.InProgress(claim.RetryAfter);
                case ClaimOutcome.InProgress:
                    await Task.Delay(ClaimPollInterval, time, cancellationToken).ConfigureAwait(false);
                    break;
                default:
                    return claim;
            }
        }
    }

    private sealed class Operation(
        PaymentLinkCreator creator, PaymentRecord claimed, Deadline deadline, RequestTurn? turn,
        CancellationToken cancellationToken)
    {
        private readonly GatewaySelector _gateways = creator.Gateways;
        private readonly IPaymentGateway _gateway = creator.Gateways.Provider;
        // The fencing token: once somebody else has claimed the operation, nothing more is written under this one.
        private readonly long _token = claimed.LeaseToken;
        private PaymentRecord _record = claimed;

        // Read at each use: an MCP gateway knows what its server can do once it has connected.
        private GatewayCapabilities Capabilities => _gateway.Capabilities;

        private PaymentLinkRequest Request => _record.Request;

        private bool WasSent => _record.State == PaymentRecordState.LinkSent;

        // Repeating a key is harmless only on the gateway that carried it.
        private bool HasKeys => Capabilities.HasIdempotencyKeys && (!WasSent || _record.Gateway == _gateway.Name);

        private string ProviderTag => PaymentScope.ProviderTagOf(_record.Tag);

        private string LookupKey => $"coach_{ProviderTag}";

        private IReadOnlyList<PaymentLineItem> Lines => Capabilities.HasLineItems ? Request.Items : [];

        public async Task<PaymentLink> RunAsync()
        {
            if (_gateways.IsSimulating())
            {
                const string reason = "An earlier attempt reached the provider, and it cannot be asked now.";
                return WasSent
                    ? throw await OutcomeUnknownAsync(reason, "not_supported", null).ConfigureAwait(false)
                    : await SimulateAsync().ConfigureAwait(false);
            }

            // A refused key is for the step itself to report: that is no outage.
            GatewayFailure? down = await creator.Steps.CheckAvailabilityAsync(cancellationToken).ConfigureAwait(false);
            if (down is { IsOutage: true })
            {
                return await FallBackAsync(down).ConfigureAwait(false);
            }

            if (_record.LinkId is { } known)
            {
                // A webhook told of it before the answer that showed it was recorded.
                GatewayResult<GatewayLink?> found = await FindLinkAsync(known).ConfigureAwait(false);
                return found.Value is { } link
                    ? await CompleteAsync(link, isNoted: true, isReplay: true).ConfigureAwait(false)
                    : throw await OutcomeUnknownAsync("The link could not be read.", found.Failure)
                        .ConfigureAwait(false);
            }

            if (Capabilities is { HasSellingOptions: false } && UsesSellingOptions(Request))
            {
                throw PaymentException.Rejected(new GatewayFailure(GatewayFailureKind.NotSupported,
                    $"The gateway '{_gateway.Name}' takes no options, existing prices, products or quantities the payer "
                    + "may change. Leave them out, or use Stripe's REST API."));
            }

            GatewayResult<GatewayPrice> price = await FindOrMakePriceAsync().ConfigureAwait(false);
            return price.TryGet(out GatewayPrice? anchor, out GatewayFailure? failure)
                ? await FindOrMakeLinkAsync(anchor).ConfigureAwait(false)
                : await FallBackAsync(failure).ConfigureAwait(false);
        }

        /// <summary>Gives the claim back after anything but success. What may have been sent is marked for
        /// reconciliation.</summary>
        public async Task ReleaseAsync()
        {
            try
            {
                PaymentRecord? stored = await creator.Records.ChangeAsync(
                    _record, PaymentLinkStateMachine.Release, _token, CancellationToken.None).ConfigureAwait(false);
                if (stored is { NeedsReconciliation: true })
                {
                    await creator.Records.CountPendingAsync().ConfigureAwait(false);
                }
            }
            catch (Exception exception) // the exception that is on its way matters more; the claim runs out by itself
            {
                creator.Telemetry.Logger.ReleaseFailed(_record.Tag, exception);
            }
        }

        private static bool UsesSellingOptions(PaymentLinkRequest request) => request.Options is not null
            || request.Items.Any(static item => item.PriceId is not null || item.ProductId is not null
                || item.TaxCode is not null || item.MinQuantity is not null || item.MaxQuantity is not null);

        // ---- Started: the price, which anchors the link by its lookup key

        private async Task<GatewayResult<GatewayPrice>> FindOrMakePriceAsync()
        {
            // A price of the catalogue is sold as it is. It anchors no link: its own key and, past that, the search
            // find the link again.
            if (Lines is [{ PriceId: { } catalogued }, ..])
            {
                return new GatewayPrice { Id = catalogued, CreatedAt = _record.LinkSentAt, IsNew = !WasSent };
            }

            bool look = _record.PriceId is not null;
            GatewayFailure? last = null;
            for (int round = 0; round < MaxRounds; round++)
            {
                if (look && Capabilities.HasLookupKeys)
                {
                    GatewayResult<GatewayPrice?> found = await FindPriceAsync().ConfigureAwait(false);
                    if (!found.TryGet(out GatewayPrice? existing, out GatewayFailure? problem))
                    {
                        return problem;
                    }

                    if (existing is not null)
                    {
                        await CheckRequestAsync(existing).ConfigureAwait(false);
                        return existing with { IsNew = false };
                    }
                }

                if (_record.PriceId is { } known)
                {
                    return new GatewayPrice { Id = known };
                }

                GatewayResult<GatewayPrice> made = await MakePriceAsync().ConfigureAwait(false);
                if (made.TryGet(out GatewayPrice? price, out last))
                {
                    return price with { IsNew = price.IsNew && !WasSent && Capabilities.HasLookupKeys };
                }

                look = true;
                switch (last.Kind)
                {
                    case GatewayFailureKind.ReplayedError or GatewayFailureKind.KeyConflict:
                        await SaveAsync(PaymentLinkStateMachine.RetryPrice).ConfigureAwait(false);
                        break;
                    case GatewayFailureKind.AlreadyExists:
                        break;
                    default:
                        return last;
                }
            }

            return last! with { Kind = GatewayFailureKind.Rejected };
        }

        // The records may be lost, but the price remembers what it was made for.
        private async Task CheckRequestAsync(GatewayPrice price)
        {
            if (price.RequestHash is not { } text || text == _record.RequestHash.ToString())
            {
                return;
            }

            // The record was just made for the wrong request; as it stands it would refuse the right one from now on.
            if (RequestHash.TryParse(text, out RequestHash hash))
            {
                await SaveAsync(record => record with { RequestHash = hash }).ConfigureAwait(false);
            }

            throw PaymentException.Conflict();
        }

        // ---- Started or LinkSent: is there a link already?

        private async Task<PaymentLink> FindOrMakeLinkAsync(GatewayPrice price)
        {
            if (price.LinkId is { } noted)
            {
                GatewayResult<GatewayLink?> found = await FindLinkAsync(noted).ConfigureAwait(false);
                if (found.Value is { } link)
                {
                    return await CompleteAsync(link, isNoted: true, isReplay: true).ConfigureAwait(false);
                }

                if (found.Failure is { } failure)
                {
                    throw await OutcomeUnknownAsync("The link could not be read.", failure).ConfigureAwait(false);
                }
            }

            // A price that was there before our records knew of it: they may be lost, and a link with them.
            bool mayExist = WasSent || (Capabilities.HasLookupKeys && !price.IsNew && _record.PriceId is null);
            if (NeedsSearch(price))
            {
                GatewayLink? found = await SearchAsync().ConfigureAwait(false);
                if (found is not null)
                {
                    return await CompleteAsync(found, isNoted: false, isReplay: true).ConfigureAwait(false);
                }

                await DisproveAsync(isKeyUsedUp: true).ConfigureAwait(false);
                mayExist = false;
            }

            return await SendAsync(price, mayExist).ConfigureAwait(false);
        }

        // Whether a link may exist that repeating the key would not give back. Ages are told by the provider's clock
        // alone: ours may have been set back. A key that was sent lately may still be at work there, where no search
        // sees it: it is repeated, however old the price is.
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

            bool wasSentSince = WasSent && _record.LinkSentAt > price.CreatedAt;
            DateTimeOffset? since = wasSentSince ? _record.LinkSentAt : price.CreatedAt;
            return price.ServerTime - since is { } age ? age >= KeyLifetime : WasSent;
        }

        /// <summary>Looks through the provider's links. Null proves that there is none.</summary>
        private async Task<GatewayLink?> SearchAsync()
        {
            if (!Capabilities.CanFindLinks)
            {
                string reason = $"The gateway '{_gateway.Name}' cannot look for the link. Look for it by hand.";
                throw await OutcomeUnknownAsync(reason, "not_supported", null).ConfigureAwait(false);
            }

            GatewayResult<GatewayLink?> found = await FindLinkAsync(null).ConfigureAwait(false);
            if (!found.TryGet(out GatewayLink? link, out GatewayFailure? failure))
            {
                throw await OutcomeUnknownAsync("The provider's links could not be searched.", failure)
                    .ConfigureAwait(false);
            }

            if (link is null && !HasKeys && WasSent && _record.LinkSentAt is { } sent)
            {
                TimeSpan wait = sent + creator.Options.SettleDelay - creator.Time.GetUtcNow();
                if (wait > TimeSpan.Zero && wait <= creator.Options.SettleDelay)
                {
                    const string reason = "An earlier request may still be on its way.";
                    throw await OutcomeUnknownAsync(reason, "settling", wait).ConfigureAwait(false);
                }
            }

            return link;
        }

        // ---- LinkSent: the request that makes the link

        private async Task<PaymentLink> SendAsync(GatewayPrice price, bool mayExist)
        {
            for (int round = 0; round < MaxRounds; round++)
            {
                DateTimeOffset? serverTime = Capabilities.HasIdempotencyKeys ? price.ServerTime : null;
                DateTimeOffset sentAt = serverTime ?? creator.Time.GetUtcNow();
                string gateway = _gateway.Name;
                await SaveAsync(record => PaymentLinkStateMachine.Send(record, price.Id, gateway, sentAt))
                    .ConfigureAwait(false);

                GatewayResult<GatewayLink> made = await MakeLinkAsync(price).ConfigureAwait(false);
                if (made.TryGet(out GatewayLink? link, out GatewayFailure? failure))
                {
                    bool isEarlier = link.IsReplay && !price.IsNew;
                    link = isEarlier ? await RefreshAsync(link).ConfigureAwait(false) : link;
                    return await CompleteAsync(link, isNoted: false, isEarlier).ConfigureAwait(false);
                }

                if (failure.Kind is not (GatewayFailureKind.ReplayedError or GatewayFailureKind.KeyConflict))
                {
                    return await ConcludeAsync(failure, mayExist).ConfigureAwait(false);
                }

                // That key's execution is over: what it left behind can be looked up, and if nothing, a new key is
                // safe.
                if (await SearchAsync().ConfigureAwait(false) is { } found)
                {
                    return await CompleteAsync(found, isNoted: false, isReplay: true).ConfigureAwait(false);
                }

                await DisproveAsync(isKeyUsedUp: true).ConfigureAwait(false);
                mayExist = false;
            }

            const string reason = "The provider keeps replaying failures.";
            throw await OutcomeUnknownAsync(reason, "replayed_error", null).ConfigureAwait(false);
        }

        // A replayed answer shows the link as it was.
        private async Task<GatewayLink> RefreshAsync(GatewayLink link) =>
            Capabilities.CanFindLinks && (await FindLinkAsync(link.Id).ConfigureAwait(false)).Value is { } current
                ? current
                : link;

        private async Task<PaymentLink> ConcludeAsync(GatewayFailure failure, bool mayExist)
        {
            if (failure.IsOutcomeUnknown || (mayExist && !failure.IsProofOfNoEffect))
            {
                throw await OutcomeUnknownAsync(failure.Message, failure).ConfigureAwait(false);
            }

            await DisproveAsync(isKeyUsedUp: failure.IsProofOfNoEffect).ConfigureAwait(false);
            return await FallBackAsync(failure).ConfigureAwait(false);
        }

        /// <summary>No link was made. A simulated one stands in only for an outage, only with a test key, only if none
        /// can exist.</summary>
        private async Task<PaymentLink> FallBackAsync(GatewayFailure failure)
        {
            if (WasSent)
            {
                throw await OutcomeUnknownAsync(failure.Message, failure).ConfigureAwait(false);
            }

            bool isOutage = failure.IsOutage || failure.Kind == GatewayFailureKind.ApprovalNeeded;
            if (isOutage && _gateway.Mode == GatewayMode.Test && creator.Options.FallBackToSimulated)
            {
                creator.Telemetry.Logger.FellBack(_record.Tag, PaymentMetrics.NameOf(failure.Kind));
                return await SimulateAsync().ConfigureAwait(false);
            }

            throw IsRefusal(failure.Kind)
                ? PaymentException.Rejected(failure)
                : PaymentException.Unavailable(
                    $"{failure.Message} No link was made; ask again with the same key.", failure.RetryAfter);
        }

        private static bool IsRefusal(GatewayFailureKind kind) => kind
            is GatewayFailureKind.Rejected or GatewayFailureKind.NotFound or GatewayFailureKind.AlreadyExists
            or GatewayFailureKind.Unauthorized or GatewayFailureKind.Forbidden
            or GatewayFailureKind.ReplayedError or GatewayFailureKind.KeyConflict;

        // ---- Completed

        private async Task<PaymentLink> CompleteAsync(GatewayLink link, bool isNoted, bool isReplay)
        {
            bool isReusable = Request.IsReusable || !Capabilities.HasSingleUse;
            string gateway = _gateway.Name;
            IReadOnlyList<GatewaySession> sessions = link.IsActive
                ? []
                : await ListSessionsAsync(link.Id).ConfigureAwait(false);
            PaymentRecord before = _record;
            PaymentRecord done = Complete(_record);
            PaymentRecord? stored;
            try
            {
                // The link exists: a caller who leaves now must not keep it from being recorded.
                stored = await creator.Records
                    .ChangeAsync(_record, Complete, _token, CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception exception) // the link exists and must reach the caller, whatever the store does
            {
                creator.Telemetry.Logger.SaveFailed(_record.Tag, exception);
                return done.ToLink(isReplay) with { NeedsReconciliation = true };
            }

            if (stored is null)
            {
                return await AdoptCompetingResultAsync(link).ConfigureAwait(false);
            }

            // What was learnt of a link's payments while its record was lost. A link that was just made has none.
            _record = isReplay
                ? await creator.Records.AdoptAsync(stored, null, CancellationToken.None).ConfigureAwait(false)
                : stored;
            creator.Telemetry.Metrics.Told(_record, before);
            creator.Telemetry.Logger.LinkCreated(_record.Tag, link.Id, gateway);
            bool mayNote = creator.IsNoting && !creator.Steps.HasQueue && Capabilities.HasLookupKeys;
            if (!isNoted && mayNote && _record.PriceId is { } price)
            {
                await NoteAsync(price, link.Id).ConfigureAwait(false);
            }

            return _record.ToLink(isReplay);

            PaymentRecord Complete(PaymentRecord record) =>
                PaymentLinkStateMachine.Complete(
                    record, link, gateway, isReusable, sessions, creator.Time.GetUtcNow());
        }

        // Our claim ran out and somebody else took over. Both used the same keys, so both have the same link.
        private async Task<PaymentLink> AdoptCompetingResultAsync(GatewayLink link)
        {
            PaymentRecord? theirs =
                await creator.Records.FindAsync(_record.Tag, CancellationToken.None).ConfigureAwait(false);
            if (theirs is not { State: PaymentRecordState.Completed })
            {
                throw PaymentException.InProgress(null);
            }

            if (theirs.LinkId != link.Id)
            {
                creator.Telemetry.Logger.TwoLinks(_record.Tag, theirs.LinkId!, link.Id);
            }

            return theirs.ToLink(isReplay: true);
        }

        private async Task<PaymentLink> SimulateAsync()
        {
            GatewayLinkRequest request = LinkRequest(new GatewayPrice { Id = "" });
            GatewayResult<GatewayLink> made =
                await _gateways.Simulated.CreateLinkAsync(request, cancellationToken).ConfigureAwait(false);
            string gateway = _gateways.Simulated.Name;
            await SaveAsync(record => PaymentLinkStateMachine.Simulate(record, made.Value!, gateway))
                .ConfigureAwait(false);
            return _record.ToLink(isReplay: false);
        }

        // ---- the other transitions

        private Task DisproveAsync(bool isKeyUsedUp) =>
            SaveAsync(record => PaymentLinkStateMachine.Disprove(record, isKeyUsedUp));

        private Task<PaymentException> OutcomeUnknownAsync(string reason, GatewayFailure? failure)
        {
            GatewayFailureKind kind = failure?.Kind ?? GatewayFailureKind.NotFound;
            return OutcomeUnknownAsync(reason, PaymentMetrics.NameOf(kind), failure?.RetryAfter);
        }

        private async Task<PaymentException> OutcomeUnknownAsync(string reason, string kind, TimeSpan? retryAfter)
        {
            creator.Telemetry.Logger.OutcomeUnknown(_record.Tag, kind);
            DateTimeOffset? sentAt = Capabilities.HasIdempotencyKeys ? null : creator.Time.GetUtcNow();
            await SaveAsync(record => PaymentLinkStateMachine.MarkUnknown(record, kind, sentAt)).ConfigureAwait(false);
            return PaymentException.Uncertain(reason, retryAfter);
        }

        private async Task SaveAsync(Func<PaymentRecord, PaymentRecord> change)
        {
            PaymentRecord? stored =
                await creator.Records.ChangeAsync(_record, change, _token, cancellationToken).ConfigureAwait(false);
            _record = stored ?? throw PaymentException.InProgress(null);
        }

        // ---- steps at the gateway

        private Task<GatewayResult<GatewayPrice?>> FindPriceAsync() =>
            RunAsync(GatewaySteps.FindPrice, RetryPolicy.Always,
            token => _gateway.FindPriceAsync(LookupKey, token));

        private Task<GatewayResult<GatewayPrice>> MakePriceAsync()
        {
            bool isRepeatable = Capabilities.HasIdempotencyKeys || Capabilities.HasLookupKeys;
            return RunAsync(GatewaySteps.Price, isRepeatable ? RetryPolicy.Always : RetryPolicy.OnlyIfNotExecuted,
                token => _gateway.CreatePriceAsync(PriceRequest(), token));
        }

        private Task<GatewayResult<GatewayLink?>> FindLinkAsync(string? linkId) =>
            RunAsync(GatewaySteps.FindLink, RetryPolicy.Always,
                token => _gateway.FindLinkAsync(new GatewayLinkQuery(ProviderTag, linkId), token));

        private Task<GatewayResult<GatewayLink>> MakeLinkAsync(GatewayPrice price) =>
            RunAsync(
                GatewaySteps.Link, Capabilities.HasIdempotencyKeys ? RetryPolicy.Always : RetryPolicy.OnlyIfNotExecuted,
                token => _gateway.CreateLinkAsync(LinkRequest(price), token));

        private async Task<IReadOnlyList<GatewaySession>> ListSessionsAsync(string linkId)
        {
            if (!Capabilities.CanListSessions)
            {
                return [];
            }

            var query = new GatewaySessionQuery(linkId, Request.Amount, _record.CreatedAt);
            GatewayResult<IReadOnlyList<GatewaySession>> listed =
                await RunAsync(GatewaySteps.Sessions, RetryPolicy.Always,
                token => _gateway.ListSessionsAsync(query, token)).ConfigureAwait(false);
            return listed.Value ?? [];
        }

        private async Task NoteAsync(string priceId, string linkId)
        {
            try
            {
                GatewayResult<bool> noted = await RunAsync(GatewaySteps.Note, RetryPolicy.Never,
                    token => _gateway.NoteLinkAsync(priceId, linkId, token)).ConfigureAwait(false);
                if (noted.Failure is { } failure)
                {
                    creator.Telemetry.Logger.NoteFailed(_record.Tag, PaymentMetrics.NameOf(failure.Kind));
                }
            }
            catch (OperationCanceledException)
            {
                // The link is recorded; the note only makes a later search shorter.
                creator.Telemetry.Logger.NoteFailed(_record.Tag, "cancelled");
            }
        }

        private Task<GatewayResult<T>> RunAsync<T>(
            string step, RetryPolicy retries, Func<CancellationToken, Task<GatewayResult<T>>> attempt) =>
            creator.Steps.RunAsync(step, deadline, retries, attempt, cancellationToken, turn);

        private GatewayPriceRequest PriceRequest()
        {
            PaymentLineItem? first = Lines is [var line, ..] ? line : null;
            return new GatewayPriceRequest
            {
                IdempotencyKey = IdempotencyKey(GatewaySteps.Price, _record.PriceAttempt),
                LookupKey = LookupKey,
                Amount = first?.UnitPrice ?? Request.Amount,
                ProductName = first?.Description ?? Request.Description,
                ProductId = first?.ProductId,
                TaxCode = first?.TaxCode,
                TaxBehavior = Request.Options?.TaxBehavior,
                Metadata = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    [PaymentMetadata.Tag] = ProviderTag,
                    [PaymentMetadata.RequestHash] = _record.RequestHash.ToString(),
                },
            };
        }

        private GatewayLinkRequest LinkRequest(GatewayPrice price) => new()
        {
            IdempotencyKey = IdempotencyKey(GatewaySteps.Link, _record.LinkAttempt),
            PriceId = price.Id,
            Quantity = Lines is [var first, ..] ? first.Quantity : 1,
            MinQuantity = Lines is [var least, ..] ? least.MinQuantity : null,
            MaxQuantity = Lines is [var most, ..] ? most.MaxQuantity : null,
            Options = Request.Options,
            MoreItems = Lines.Count > 1 ? [.. Lines.Skip(1)] : [],
            Metadata = new Dictionary<string, string>(Request.Metadata, StringComparer.Ordinal)
            {
                [PaymentMetadata.Tag] = ProviderTag,
                [PaymentMetadata.OperationKey] = Request.OperationKey,
            },
            IsSingleUse = !Request.IsReusable,
            RedirectUrl = Request.RedirectUrl,
        };

        private string IdempotencyKey(string step, int attempt) =>
            string.Create(CultureInfo.InvariantCulture, $"coach:{ProviderTag}:{step}:{attempt}");
    }
}
