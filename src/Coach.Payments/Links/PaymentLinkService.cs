using Coach.Payments.Gateways;
using Coach.Payments.Telemetry;

namespace Coach.Payments.Links;

/// <summary>
/// The service behind <see cref="IPaymentLinks"/>: replays, single flight in this process, and reconciliation. The link
/// itself is made by <see cref="PaymentLinkCreator"/>, its payment followed by <see cref="PaymentStatusReader"/>.
/// </summary>
internal sealed class PaymentLinkService(
    PaymentRecordRepository records, PaymentLinkCreator creator, PaymentStatusReader statuses,
    PaymentRefunder refunds, PaymentScope scope, CoachPaymentsOptions options, TimeProvider time,
    PaymentTelemetry telemetry) : IPaymentLinks
{
    // Fees are known once the money is on the balance: at once for cards, days later for debits.
    private static readonly TimeSpan LongestWaitForFees = TimeSpan.FromDays(7);

    // Another request under the same tag is no part of a flight: it meets the record instead, and is refused there.
    private readonly SingleFlight<(string Tag, RequestHash Hash), PaymentLink> _flights = new();

    public async Task<PaymentLink> CreateAsync(
        PaymentLinkRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        PaymentRequestValidator.Check(request);
        cancellationToken.ThrowIfCancellationRequested();
        if (request.BegunAs is { } begun)
        {
            PaymentRequestValidator.Check(begun);
            (_, PaymentRecord? before) = await FindKnownAsync(begun, cancellationToken).ConfigureAwait(false);
            request = before is null ? request : begun with { Reference = before.Request.Reference };
            return await CreateAsync(request with { BegunAs = null }, cancellationToken).ConfigureAwait(false);
        }

        (string tag, PaymentRecord? known) = await FindKnownAsync(request, cancellationToken).ConfigureAwait(false);
        // The hot path of a replay: no hash, no claim, no request.
        if (known is { State: PaymentRecordState.Completed } && RequestHash.IsPlainlySame(known.Request, request))
        {
            return Replay(known);
        }

        RequestHash hash = RequestHash.Of(request);
        if (known is not null && known.RequestHash != hash)
        {
            telemetry.Metrics.Link("failed");
            throw PaymentException.Conflict();
        }

        return known is { State: PaymentRecordState.Completed }
            ? Replay(known)
            : await JoinAsync(tag, hash, request, cancellationToken).ConfigureAwait(false);
    }

    public async Task<PaymentLink?> FindAsync(string id, CancellationToken cancellationToken = default)
    {
        PaymentRecord? record = await statuses.FindAsync(id, cancellationToken).ConfigureAwait(false);
        return record?.ToLink(isReplay: true);
    }

    public Task<PaymentLink> GetStatusAsync(string id, CancellationToken cancellationToken = default) =>
        statuses.GetAsync(id, cancellationToken);

    public Task<PaymentLink> WaitAsync(string id, CancellationToken cancellationToken = default) =>
        statuses.WaitAsync(id, cancellationToken);

    public Task<PaymentLink> DeactivateAsync(string id, CancellationToken cancellationToken = default) =>
        statuses.DeactivateAsync(id, cancellationToken);

    public async Task<ReconciliationReport> ReconcileAsync(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<PaymentRecord> open =
            await records.ListUnsettledAsync(options.ReconcileBatch, cancellationToken).ConfigureAwait(false);
        int settled = 0;
        await Parallel.ForEachAsync(
            open.Where(scope.Fits),
            new ParallelOptions
            {
                MaxDegreeOfParallelism = options.ReconcileConcurrency,
                CancellationToken = cancellationToken,
            },
            async (record, token) =>
            {
                if (await SettleAsync(record, token).ConfigureAwait(false))
                {
                    Interlocked.Increment(ref settled);
                    telemetry.Logger.Reconciled(record.Tag);
                }
            }).ConfigureAwait(false);

        await records.CountPendingAsync().ConfigureAwait(false);
        if (settled < open.Count)
        {
            telemetry.Logger.ReconciliationIncomplete(open.Count - settled, open.Count);
        }

        return new ReconciliationReport(open.Count, settled, open.Count - settled);
    }

    public Task<PaymentLink> RefundAsync(
        PaymentRefundRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return refunds.RefundAsync(request, cancellationToken);
    }

    public async Task<PaymentLink?> SettleAsync(
        PaymentSettlement settlement, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settlement);
        GatewayLink? link = LinkOf(settlement);
        PaymentRecord record = await FindOperationAsync(settlement, cancellationToken).ConfigureAwait(false)
            ?? throw PaymentException.NotFound();
        PaymentRecord? other = link is null
            ? null : await records.FindByLinkAsync(link.Id, cancellationToken).ConfigureAwait(false);
        if (other is { State: not PaymentRecordState.Unmatched } && other.Tag != record.Tag)
        {
            throw PaymentException.Invalid("This link is another operation's.");
        }

        if (record.State == PaymentRecordState.Started && link is not null)
        {
            throw PaymentException.Invalid("No request for a link was sent: ask for it with the operation's key.");
        }

        if (record.LeaseExpiresAt is { } end && end > time.GetUtcNow())
        {
            throw PaymentException.InProgress(end - time.GetUtcNow());
        }

        bool isReusable = record.Request.IsReusable || !scope.IsSingleUse;
        PaymentRecord stored = await records.ChangeAsync(record, current => current switch
        {
            { State: not PaymentRecordState.LinkSent } => null,
            { LinkId: { } known } when known != link?.Id => null,
            _ when link is null => PaymentLinkStateMachine.Disprove(current, isKeyUsedUp: true),
            _ => PaymentLinkStateMachine.Complete(current, link, current.Gateway, isReusable, [], time.GetUtcNow()),
        }, null, cancellationToken).ConfigureAwait(false) ?? throw PaymentException.NotFound();
        if (stored.LinkId != link?.Id)
        {
            throw PaymentException.Invalid($"The operation has the link {stored.LinkId}.");
        }

        if (link is null)
        {
            return null;
        }

        telemetry.Logger.Reconciled(stored.Tag);
        stored = await records.AdoptAsync(stored, null, cancellationToken).ConfigureAwait(false);
        return stored.ToLink(isReplay: true);
    }

    private static GatewayLink? LinkOf(PaymentSettlement settlement)
    {
        if (settlement is { LinkId: null, Url: null })
        {
            return null;
        }

        bool isLink = settlement.LinkId is { Length: >= 1 and <= 255 } id
            && id.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_')
            && settlement.Url is { IsAbsoluteUri: true } url && url.Scheme == Uri.UriSchemeHttps
            && url.UserInfo.Length == 0;
        return isLink
            ? new GatewayLink { Id = settlement.LinkId!, Url = settlement.Url! }
            : throw PaymentException.Invalid("A link that was found has an id such as plink_… and an https address; where none "
                + "was made, leave both out.");
    }

    private async ValueTask<PaymentRecord?> FindOperationAsync(
        PaymentSettlement settlement, CancellationToken cancellationToken)
    {
        string name = RequestHash.Tag(options.Namespace, settlement.Owner, settlement.OperationKey);
        foreach (string tag in scope.StoreTags(name, null))
        {
            if (await records.FindAsync(tag, cancellationToken).ConfigureAwait(false) is { } record
                && scope.Fits(record))
            {
                return record;
            }
        }

        return null;
    }

    public async Task<IReadOnlyList<PaymentLink>> ListOpenAsync(
        int limit = 100, string? after = null, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        PaymentRecord? last = after is null
            ? null : await records.FindByLinkAsync(after, cancellationToken).ConfigureAwait(false);
        if (after is not null && last is null)
        {
            return [];
        }

        var query = new PaymentRecordQuery(PaymentRecordFilter.Open, limit)
        {
            AfterTag = last?.Tag,
            AfterCreatedAt = last?.CreatedAt,
        };
        IReadOnlyList<PaymentRecord> open =
            await records.QueryAsync(query, cancellationToken).ConfigureAwait(false);
        return [.. open.Select(static record => record.ToLink(isReplay: true))];
    }

    public async Task<IReadOnlyList<PaymentLink>> ListByOwnerAsync(
        string owner, int limit = 100, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(owner);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        var query = new PaymentRecordQuery(PaymentRecordFilter.OfOwner, limit) { Owner = owner };
        IReadOnlyList<PaymentRecord> found = await records.QueryAsync(query, cancellationToken).ConfigureAwait(false);
        return [.. found.Where(static record => record.Url is not null)
            .Select(static record => record.ToLink(isReplay: true))];
    }

    public async Task<int> DescribePaymentsAsync(CancellationToken cancellationToken = default)
    {
        var query = new PaymentRecordQuery(PaymentRecordFilter.FeeUnknown, options.ReconcileBatch)
        {
            Before = time.GetUtcNow() - LongestWaitForFees,
        };
        int asked = 0;
        foreach (PaymentRecord record in await records.QueryAsync(query, cancellationToken).ConfigureAwait(false))
        {
            try
            {
                asked++;
                await statuses.RefreshAsync(record, cancellationToken).ConfigureAwait(false);
            }
            catch (PaymentException)
            {
                break; // the provider does not answer now: the next pass asks again
            }
        }

        return asked;
    }

    public async Task<int> ExpireDueAsync(CancellationToken cancellationToken = default)
    {
        var query = new PaymentRecordQuery(PaymentRecordFilter.Expiring, options.ReconcileBatch)
        {
            Before = time.GetUtcNow(),
        };
        int closed = 0;
        foreach (PaymentRecord record in await records.QueryAsync(query, cancellationToken).ConfigureAwait(false))
        {
            try
            {
                await statuses.DeactivateAsync(record.LinkId!, cancellationToken).ConfigureAwait(false);
                closed++;
            }
            catch (PaymentException)
            {
                // Still open at the provider: the next pass asks again.
            }
        }

        if (closed > 0)
        {
            telemetry.Logger.LinksExpired(closed);
        }

        return closed;
    }

    // Of the names a record may have in this mode and account, the one that it has, else the first that is free.
    private async ValueTask<(string Tag, PaymentRecord? Known)> FindKnownAsync(
        PaymentLinkRequest request, CancellationToken cancellationToken)
    {
        string? free = null;
        try
        {
            foreach (string tag in scope.StoreTags(scope.ProviderTag(request), null))
            {
                PaymentRecord? record = await records.FindAsync(tag, cancellationToken).ConfigureAwait(false);
                if (record is not null && scope.Fits(record))
                {
                    return (tag, record);
                }

                free ??= record is null ? tag : null;
            }
        }
        catch (PaymentException)
        {
            telemetry.Metrics.Link("failed");
            throw;
        }

        return free is null ? throw PaymentException.Conflict() : (free, null);
    }

    private PaymentLink Replay(PaymentRecord record)
    {
        telemetry.Metrics.Link("replayed");
        return record.ToLink(isReplay: true);
    }

    private async Task<PaymentLink> JoinAsync(
        string tag, RequestHash hash, PaymentLinkRequest request, CancellationToken cancellationToken)
    {
        bool isFirst = false;
        PaymentLink link = await _flights.RunAsync((tag, hash), Create, cancellationToken).ConfigureAwait(false);
        if (isFirst || link.IsReplay)
        {
            return link;
        }

        telemetry.Metrics.Link("replayed");
        return link with { IsReplay = true };

        Task<PaymentLink> Create(CancellationToken abandoned)
        {
            isFirst = true;
            var proposed = new PaymentRecord
            {
                Tag = tag,
                RequestHash = hash,
                Request = Copy(request),
                IsLive = scope.IsLive,
                Account = scope.Account,
            };
            return CreateAsync(proposed, abandoned);
        }
    }

    private async Task<PaymentLink> CreateAsync(PaymentRecord proposed, CancellationToken cancellationToken)
    {
        try
        {
            PaymentLink link = await creator.ClaimAndCreateAsync(proposed, cancellationToken).ConfigureAwait(false);
            telemetry.Metrics.Link(link switch
            {
                { IsReplay: true } => "replayed",
                { IsSimulated: true } => "simulated",
                _ => "created",
            });
            return link;
        }
        catch
        {
            telemetry.Metrics.Link("failed");
            throw;
        }
    }

    private async Task<bool> SettleAsync(PaymentRecord record, CancellationToken cancellationToken)
    {
        IdempotencyClaim claim;
        try
        {
            claim = await records.ClaimAsync(record, options.LeaseDuration, cancellationToken).ConfigureAwait(false);
        }
        catch (PaymentException)
        {
            return false;
        }

        try
        {
            if (claim.Outcome == ClaimOutcome.Claimed)
            {
                await creator.CreateAsync(claim.Record, cancellationToken).ConfigureAwait(false);
            }

            return claim.Outcome is ClaimOutcome.Claimed or ClaimOutcome.Completed;
        }
        catch (PaymentException)
        {
            // A refusal settles it too: it proves that there is no link.
            return await IsSettledAsync(record.Tag, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<bool> IsSettledAsync(string tag, CancellationToken cancellationToken)
    {
        try
        {
            PaymentRecord? record = await records.FindAsync(tag, cancellationToken).ConfigureAwait(false);
            return record is not { State: PaymentRecordState.LinkSent };
        }
        catch (PaymentException)
        {
            return false;
        }
    }

    // The caller's lists may change after the call; the record's must not.
    private static PaymentLinkRequest Copy(PaymentLinkRequest request)
    {
        if (request.Items.Count == 0 && request.Metadata.Count == 0 && request.Options is null)
        {
            return request;
        }

        var metadata = new Dictionary<string, string>(request.Metadata, StringComparer.Ordinal);
        return request with
        {
            Items = [.. request.Items],
            Metadata = metadata,
            Options = request.Options is not { } options ? null : options with
            {
                ShippingCountries = [.. options.ShippingCountries],
                ShippingRates = [.. options.ShippingRates],
                PaymentMethodTypes = [.. options.PaymentMethodTypes],
                CustomFields = [.. options.CustomFields],
                Extra = new Dictionary<string, string>(options.Extra, StringComparer.Ordinal),
            },
        };
    }
}
