namespace Coach.Payments;

/// <summary>
/// Takes one claimed operation to its link. Progress is recorded before and after the step that makes the link, so that whoever comes
/// next (the same caller, another replica, reconciliation) knows whether one may exist.
/// </summary>
internal sealed partial class LinkCreation(PaymentParts parts, PaymentRecord claimed, long deadline, CancellationToken cancellationToken)
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
                ? throw await UncertainAsync("An earlier attempt reached the provider, and it cannot be asked now.", "not_supported", null).ConfigureAwait(false)
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

            throw await UncertainAsync("The link could not be read.", found.Failure).ConfigureAwait(false);
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
                GatewayResult<GatewayPrice?> found = await parts.Steps.RunAsync(PaymentSteps.FindPrice, deadline, StepRepeat.Always,
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
                Capabilities.HasIdempotencyKeys || Capabilities.HasLookupKeys ? StepRepeat.Always : StepRepeat.WhenNothingWasDone,
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
                throw await UncertainAsync("The link could not be read.", failure).ConfigureAwait(false);
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
            throw await UncertainAsync($"The gateway '{parts.Gateway.Name}' cannot look for the link. Look for it by hand.", "not_supported", null).ConfigureAwait(false);
        }

        GatewayResult<GatewayLink?> found = await FindLinkAsync(null).ConfigureAwait(false);
        if (!found.TryGet(out GatewayLink? link, out GatewayFailure? failure))
        {
            throw await UncertainAsync("The provider's links could not be searched.", failure).ConfigureAwait(false);
        }

        if (link is null && !HasKeys && WasSent && Record.LinkSentAt is { } sent)
        {
            TimeSpan wait = sent + parts.Options.SettleDelay - parts.Time.GetUtcNow();
            if (wait > TimeSpan.Zero && wait <= parts.Options.SettleDelay)
            {
                throw await UncertainAsync("An earlier request may still be on its way.", "settling", wait).ConfigureAwait(false);
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
                Capabilities.HasIdempotencyKeys ? StepRepeat.Always : StepRepeat.WhenNothingWasDone,
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
                throw await UncertainAsync(failure.Message, failure).ConfigureAwait(false);
            }

            // The key itself was not used up, unless a refusal was stored under it.
            await ForgetSentAsync(newKey: failure.IsProofOfNoEffect).ConfigureAwait(false);
            return await FallBackAsync(failure).ConfigureAwait(false);
        }

        throw await UncertainAsync("The provider keeps replaying failures.", "replayed_error", null).ConfigureAwait(false);
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

    private Task<GatewayResult<GatewayLink?>> FindLinkAsync(string? linkId) => parts.Steps.RunAsync(PaymentSteps.FindLink, deadline, StepRepeat.Always,
        token => parts.Gateway.FindLinkAsync(new GatewayLinkQuery(Record.Tag, linkId), token), cancellationToken);
}
