using Coach.Payments;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="IIdempotencyStore"/> must do, as checks a test can run against a store of its own: one test
/// per name of <see cref="Names"/> that calls <see cref="RunAsync"/>.
/// </summary>
public static class IdempotencyStoreContract
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private static readonly Dictionary<string, StoreCheck> Checks = new(StringComparer.Ordinal)
    {
        ["Claim_New_IsGrantedWithTheFirstToken"] = ClaimNewAsync,
        ["Claim_Held_IsInProgressUntilTheLeaseEnds"] = ClaimHeldAsync,
        ["Claim_OtherRequest_IsAConflictInEveryState"] = ClaimConflictAsync,
        ["Claim_Completed_ReturnsTheRecord"] = ClaimCompletedAsync,
        ["Claim_GivenBack_IsGrantedAtOnceWithAHigherToken"] = ClaimGivenBackAsync,
        ["Claim_ManyAtOnce_IsGrantedToOne"] = ClaimRaceAsync,
        ["Update_OtherVersion_ChangesNothing"] = UpdateStaleAsync,
        ["Update_ManyAtOnce_LosesNothing"] = UpdateRaceAsync,
        ["Update_OfTheLastHolderAfterATakeover_IsRefused"] = FencingAsync,
        ["Update_Unknown_IsNull"] = UpdateUnknownAsync,
        ["Record_EveryField_ComesBackAsItWas"] = RoundTripAsync,
        ["Find_ByLink_FollowsTheRecord"] = FindByLinkAsync,
        ["Unsettled_ListsOnlySentLinksOldestFirst"] = UnsettledAsync,
        ["Events_AreRememberedOnce"] = EventsAsync,
        ["Prune_ForgetsOldCompletedOnly"] = PruneAsync,
        ["Find_ByPayment_PrefersTheRecordThatIsMatched"] = FindByPaymentAsync,
        ["Query_All_InPagesOfTags"] = QueryAllAsync,
        ["Query_Open_OldestFirstInPages"] = QueryOpenAsync,
        ["Query_Facts_TheLongestWaitingFirst"] = QueryFactsAsync,
        ["Query_DeadFacts_InPagesOfTags"] = QueryDeadAsync,
        ["Query_Expiring_TheNextFirst"] = QueryExpiringAsync,
        ["Query_OfOwner_NewestFirst"] = QueryOwnerAsync,
        ["Count_FollowsTheRecords"] = CountAsync,
    };

    /// <summary>The names of the checks.</summary>
    public static IReadOnlyList<string> Names => [.. Checks.Keys];

    /// <summary>Runs one check.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="store">A store that holds nothing the check could meet; tags are random.</param>
    /// <param name="advance">Lets the store's clock pass by that much.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>A task that ends when the check passed.</returns>
    /// <exception cref="ArgumentException">There is no such check.</exception>
    /// <exception cref="InvalidOperationException">The store broke the contract; the message says how.</exception>
    public static Task RunAsync(
        string name, IIdempotencyStore store, Func<TimeSpan, Task> advance,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(advance);
        return Checks.TryGetValue(name, out StoreCheck? check)
            ? check(store, advance, cancellationToken)
            : throw new ArgumentException($"There is no check '{name}'.", nameof(name));
    }

    /// <summary>A record to propose, of an operation nobody else uses.</summary>
    /// <param name="amount">The amount in US cents.</param>
    /// <param name="tag">The operation's tag; a new one when null.</param>
    /// <returns>The record.</returns>
    public static PaymentRecord NewRecord(long amount = 1250, string? tag = null)
    {
        tag ??= Guid.NewGuid().ToString("N") + "00000000";
        var request = new PaymentLinkRequest
        {
            OperationKey = "order-" + tag,
            Amount = Money.Create(amount, "usd"),
            Description = "Café ☕ and \"quotes\"",
            Owner = "session-1",
            Items = [new PaymentLineItem("Coffee", Money.Create(amount, "usd"))],
            Metadata = new Dictionary<string, string> { ["table"] = "4", ["note"] = "a\nb" },
            RedirectUrl = new Uri("https://example.com/done?id=1"),
        };
        return new PaymentRecord { Tag = tag, RequestHash = HashOf(amount), Request = request };
    }

    private static RequestHash HashOf(long amount) =>
        RequestHash.TryParse(
            amount.ToString("x16", System.Globalization.CultureInfo.InvariantCulture).PadLeft(64, 'a'),
            out RequestHash hash)
            ? hash
            : throw new System.Diagnostics.UnreachableException();

    private static async Task ClaimNewAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        PaymentRecord proposed = NewRecord();
        IdempotencyClaim claim = await store.ClaimAsync(proposed, Lease, cancellationToken).ConfigureAwait(false);
        Check(claim.Outcome == ClaimOutcome.Claimed, "a new operation is claimed");
        Check(
            claim.Record is { Version: 1, LeaseToken: 1, State: PaymentRecordState.Started },
            "the first claim has version 1 and token 1");
        PaymentRecord? found = await store.FindAsync(proposed.Tag, cancellationToken).ConfigureAwait(false);
        Check(found?.Version == 1 && found.LeaseExpiresAt is not null, "the claim is stored");
        Check(
            await store.FindAsync(NewRecord().Tag, cancellationToken).ConfigureAwait(false) is null,
            "an unknown operation is null");
    }

    private static async Task ClaimHeldAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        PaymentRecord proposed = NewRecord();
        await store.ClaimAsync(proposed, Lease, cancellationToken).ConfigureAwait(false);
        IdempotencyClaim second = await store.ClaimAsync(proposed, Lease, cancellationToken).ConfigureAwait(false);
        Check(second.Outcome == ClaimOutcome.InProgress, "a held operation is in progress");
        Check(second.RetryAfter > TimeSpan.Zero && second.RetryAfter <= Lease, "it says how long at the latest");
        await advance(Lease + TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        IdempotencyClaim third = await store.ClaimAsync(proposed, Lease, cancellationToken).ConfigureAwait(false);
        Check(third.Outcome == ClaimOutcome.Claimed && third.Record.LeaseToken == 2
            && third.Record.Version == 2, "after the lease it is taken over with token 2");
    }

    private static async Task ClaimConflictAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        PaymentRecord proposed = NewRecord(1250);
        PaymentRecord other = NewRecord(1251, proposed.Tag);
        IdempotencyClaim claim = await store.ClaimAsync(proposed, Lease, cancellationToken).ConfigureAwait(false);
        IdempotencyClaim whileHeld = await store.ClaimAsync(other, Lease, cancellationToken).ConfigureAwait(false);
        Check(whileHeld.Outcome == ClaimOutcome.Conflict, "another request conflicts while held");
        await UpdateAsync(store, Completed(claim.Record), cancellationToken).ConfigureAwait(false);
        IdempotencyClaim afterwards = await store.ClaimAsync(other, Lease, cancellationToken).ConfigureAwait(false);
        Check(afterwards.Outcome == ClaimOutcome.Conflict, "another request conflicts when completed");
    }

    private static async Task ClaimCompletedAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        PaymentRecord proposed = NewRecord();
        IdempotencyClaim claim = await store.ClaimAsync(proposed, Lease, cancellationToken).ConfigureAwait(false);
        PaymentRecord done = await UpdateAsync(store, Completed(claim.Record), cancellationToken).ConfigureAwait(false);
        IdempotencyClaim again = await store.ClaimAsync(proposed, Lease, cancellationToken).ConfigureAwait(false);
        Check(again.Outcome == ClaimOutcome.Completed && again.Record.LinkId == done.LinkId
            && again.Record.Version == done.Version, "a completed operation is returned unchanged");
    }

    private static async Task ClaimGivenBackAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        PaymentRecord proposed = NewRecord();
        IdempotencyClaim claim = await store.ClaimAsync(proposed, Lease, cancellationToken).ConfigureAwait(false);
        await UpdateAsync(store, claim.Record with { LeaseExpiresAt = null }, cancellationToken).ConfigureAwait(false);
        IdempotencyClaim next = await store.ClaimAsync(proposed, Lease, cancellationToken).ConfigureAwait(false);
        Check(next.Outcome == ClaimOutcome.Claimed
            && next.Record.LeaseToken == 2, "a claim given back is free at once, with token 2");
    }

    // Mutual exclusion under contention: 32 claims at once, one winner.
    private static async Task ClaimRaceAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        PaymentRecord proposed = NewRecord();
        IdempotencyClaim[] claims = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ =>
            Task.Run(
                async () => await store.ClaimAsync(proposed, Lease, cancellationToken).ConfigureAwait(false),
                cancellationToken))).ConfigureAwait(false);
        Check(
            claims.Count(claim => claim.Outcome == ClaimOutcome.Claimed) == 1, "exactly one of many claims is granted");
        Check(claims.Count(claim => claim.Outcome == ClaimOutcome.InProgress) == 31, "all others are in progress");
    }

    private static async Task UpdateStaleAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        IdempotencyClaim claim = await store.ClaimAsync(NewRecord(), Lease, cancellationToken).ConfigureAwait(false);
        PaymentRecord second = await UpdateAsync(
            store, claim.Record with { PriceId = "price_1" }, cancellationToken).ConfigureAwait(false);
        Check(second.Version == 2, "an update is one version higher");
        Check(
            await store.TryUpdateAsync(claim.Record with { PriceId = "price_2" }, cancellationToken)
                .ConfigureAwait(false) is null,
            "an update of an old version is refused");
        Check(
            (await store.FindAsync(claim.Record.Tag, cancellationToken).ConfigureAwait(false))?.PriceId == "price_1",
            "and changes nothing");
    }

    private static async Task UpdateRaceAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        IdempotencyClaim claim = await store.ClaimAsync(NewRecord(), Lease, cancellationToken).ConfigureAwait(false);
        string tag = claim.Record.Tag;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (int i = 0; i < 5; i++)
            {
                // Compare-and-swap: who loses the race reads again.
                PaymentRecord? stored = null;
                while (stored is null)
                {
                    PaymentRecord current = (await store.FindAsync(tag, cancellationToken).ConfigureAwait(false))!;
                    PaymentRecord next = current with { LinkAttempt = current.LinkAttempt + 1 };
                    stored = await store.TryUpdateAsync(next, cancellationToken).ConfigureAwait(false);
                }
            }
        }, cancellationToken))).ConfigureAwait(false);
        PaymentRecord? last = await store.FindAsync(tag, cancellationToken).ConfigureAwait(false);
        Check(last is { LinkAttempt: 41, Version: 41 }, "40 racing updates all count");
    }

    // A paused holder that wakes up after its lease must not write over who took over (fencing).
    private static async Task FencingAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        PaymentRecord proposed = NewRecord();
        IdempotencyClaim first = await store.ClaimAsync(proposed, Lease, cancellationToken).ConfigureAwait(false);
        await advance(Lease + TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        IdempotencyClaim second = await store.ClaimAsync(proposed, Lease, cancellationToken).ConfigureAwait(false);
        Check(second.Record.LeaseToken > first.Record.LeaseToken, "the token rises");
        Check(
            await store.TryUpdateAsync(Completed(first.Record), cancellationToken).ConfigureAwait(false) is null,
            "who lost the claim cannot write over the next holder");
        Check(
            await store.TryUpdateAsync(Completed(second.Record), cancellationToken).ConfigureAwait(false) is not null,
            "the holder can");
    }

    private static async Task UpdateUnknownAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        PaymentRecord unknown = NewRecord() with { Version = 1 };
        Check(
            await store.TryUpdateAsync(unknown, cancellationToken).ConfigureAwait(false) is null,
            "an unknown record is not created by an update");
        Check(
            await store.FindAsync(unknown.Tag, cancellationToken).ConfigureAwait(false) is null,
            "nor afterwards there");
    }

    private static async Task RoundTripAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        IdempotencyClaim claim = await store.ClaimAsync(NewRecord(), Lease, cancellationToken).ConfigureAwait(false);
        PaymentRecord full = Completed(claim.Record) with
        {
            State = PaymentRecordState.LinkSent,
            NeedsReconciliation = true,
            ReconciliationReason = "timed_out",
            PriceAttempt = 3,
            LinkAttempt = 2,
            LinkSentAt = claim.Record.CreatedAt,
            PriceId = "price_9",
            Gateway = "stripe",
            IsSimulated = true,
            IsReusable = true,
            Status = PaymentStatus.Processing,
            PaidMinorUnits = 7,
            PaidCurrency = "eur",
            HasAmountMismatch = true,
        };
        PaymentRecord stored = await UpdateAsync(store, full, cancellationToken).ConfigureAwait(false);
        PaymentRecord? found = await store.FindAsync(full.Tag, cancellationToken).ConfigureAwait(false);
        Check(found is not null, "the record is there");
        PaymentRecord expected = full with
        {
            Version = 2,
            UpdatedAt = stored.UpdatedAt,
            LeaseExpiresAt = found!.LeaseExpiresAt,
            LinkSentAt = found.LinkSentAt,
            CreatedAt = found.CreatedAt,
        };
        Check(Text(found) == Text(expected), "every field comes back as it was written");
        Check(
            (found.CreatedAt - claim.Record.CreatedAt).Duration() < TimeSpan.FromMilliseconds(1),
            "times come back to the millisecond");
    }

    private static async Task FindByLinkAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        IdempotencyClaim claim = await store.ClaimAsync(NewRecord(), Lease, cancellationToken).ConfigureAwait(false);
        PaymentRecord done = await UpdateAsync(store, Completed(claim.Record), cancellationToken).ConfigureAwait(false);
        Check(
            (await store.FindByLinkAsync(done.LinkId!, cancellationToken).ConfigureAwait(false))?.Tag == done.Tag,
            "a link leads to its operation");
        Check(
            await store.FindByLinkAsync("plink_unknown", cancellationToken).ConfigureAwait(false) is null,
            "an unknown link is null");
    }

    private static async Task UnsettledAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        int before = await store.CountUnsettledAsync(cancellationToken).ConfigureAwait(false);
        var sent = new List<string>();
        for (int i = 0; i < 3; i++)
        {
            IdempotencyClaim claim =
                await store.ClaimAsync(NewRecord(), Lease, cancellationToken).ConfigureAwait(false);
            await UpdateAsync(
                store, claim.Record with { State = PaymentRecordState.LinkSent },
                cancellationToken).ConfigureAwait(false);
            sent.Add(claim.Record.Tag);
            await advance(TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        }

        IdempotencyClaim started = await store.ClaimAsync(NewRecord(), Lease, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<PaymentRecord> listed =
            await store.ListUnsettledAsync(before + 10, cancellationToken).ConfigureAwait(false);
        Check(
            listed.Select(record => record.Tag).Where(sent.Contains).SequenceEqual(sent),
            "sent links are listed, oldest first");
        Check(listed.All(record => record.Tag != started.Record.Tag), "others are not");
        Check(await store.CountUnsettledAsync(cancellationToken).ConfigureAwait(false) == before + 3, "and counted");
        Check(
            (await store.ListUnsettledAsync(1, cancellationToken).ConfigureAwait(false)).Count == 1, "the limit holds");
        PaymentRecord first = (await store.FindAsync(sent[0], cancellationToken).ConfigureAwait(false))!;
        await UpdateAsync(store, Completed(first), cancellationToken).ConfigureAwait(false);
        Check(
            await store.CountUnsettledAsync(cancellationToken).ConfigureAwait(false) == before + 2,
            "a completed one is unsettled no more");
    }

    private static async Task EventsAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string id = "evt_" + Guid.NewGuid().ToString("N");
        Check(!await store.HasEventAsync(id, cancellationToken).ConfigureAwait(false), "a new event is not there");
        bool[] added = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ =>
            Task.Run(
                async () => await store.TryAddEventAsync(id, cancellationToken).ConfigureAwait(false),
                cancellationToken))).ConfigureAwait(false);
        Check(added.Count(isNew => isNew) == 1, "exactly one of many is the first");
        Check(await store.HasEventAsync(id, cancellationToken).ConfigureAwait(false), "then it is remembered");
    }

    private static async Task PruneAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        PaymentRecord done =
            Completed((await store.ClaimAsync(NewRecord(), Lease, cancellationToken).ConfigureAwait(false)).Record);
        await UpdateAsync(store, done, cancellationToken).ConfigureAwait(false);
        PaymentRecord open =
            (await store.ClaimAsync(NewRecord(), Lease, cancellationToken).ConfigureAwait(false)).Record;
        await UpdateAsync(store, open with { State = PaymentRecordState.LinkSent }, cancellationToken)
            .ConfigureAwait(false);
        string id = "evt_" + Guid.NewGuid().ToString("N");
        await store.TryAddEventAsync(id, cancellationToken).ConfigureAwait(false);
        await advance(TimeSpan.FromDays(2)).ConfigureAwait(false);
        PaymentRecord recent =
            Completed((await store.ClaimAsync(NewRecord(), Lease, cancellationToken).ConfigureAwait(false)).Record);
        await UpdateAsync(store, recent, cancellationToken).ConfigureAwait(false);
        int pruned = await store.PruneAsync(TimeSpan.FromDays(1), cancellationToken).ConfigureAwait(false);
        Check(pruned >= 2, "old completed operations and events are forgotten");
        Check(
            await store.FindAsync(done.Tag, cancellationToken).ConfigureAwait(false) is null,
            "the old completed one is gone");
        Check(
            await store.FindByLinkAsync(done.LinkId!, cancellationToken).ConfigureAwait(false) is null,
            "also by its link");
        Check(!await store.HasEventAsync(id, cancellationToken).ConfigureAwait(false), "the old event is gone");
        Check(
            await store.FindAsync(open.Tag, cancellationToken).ConfigureAwait(false) is not null,
            "an unsettled one stays, however old");
        Check(
            await store.FindAsync(recent.Tag, cancellationToken).ConfigureAwait(false) is not null,
            "a recent one stays");
    }

    private static async Task FindByPaymentAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string payment = "pi_" + Guid.NewGuid().ToString("N");
        string charge = "ch_" + Guid.NewGuid().ToString("N");
        var row = new LinkPayment { SessionId = "", PaymentIntentId = payment, ChargeId = charge };
        PaymentRecord parked = await PutAsync(store, record => record with
        {
            State = PaymentRecordState.Unmatched,
            Payments = [row],
        }, cancellationToken).ConfigureAwait(false);
        Check(await IdAsync(payment).ConfigureAwait(false) == parked.Tag, "a record is found by its payment");
        PaymentRecord paid = await PutAsync(store, record => Completed(record) with
        {
            Status = PaymentStatus.Succeeded,
            Payments = [row with { SessionId = "cs_1", Status = PaymentStatus.Succeeded }],
        }, cancellationToken).ConfigureAwait(false);
        Check(await IdAsync(payment).ConfigureAwait(false) == paid.Tag, "one that is matched is preferred");
        Check(await IdAsync(charge).ConfigureAwait(false) == paid.Tag, "also by its charge");
        Check(await IdAsync("pi_of_nobody").ConfigureAwait(false) is null, "an unknown payment is null");

        async Task<string?> IdAsync(string id) =>
            (await store.FindByPaymentAsync(id, cancellationToken).ConfigureAwait(false))?.Tag;
    }

    private static async Task QueryAllAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        var mine = new List<string>();
        for (int i = 0; i < 5; i++)
        {
            mine.Add((await PutAsync(store, Completed, cancellationToken).ConfigureAwait(false)).Tag);
        }

        List<string> seen = await PagesAsync(
            store, PaymentRecordFilter.All, static _ => null, cancellationToken).ConfigureAwait(false);
        Check(seen.SequenceEqual(seen.Order(StringComparer.Ordinal)), "pages come in ordinal order of tags");
        Check(seen.Distinct().Count() == seen.Count && mine.All(seen.Contains), "each record is on one page");
    }

    private static async Task QueryOpenAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        var mine = new List<string>();
        for (int i = 0; i < 5; i++)
        {
            mine.Add((await PutAsync(store, Completed, cancellationToken).ConfigureAwait(false)).Tag);
            await advance(TimeSpan.FromSeconds(i % 2)).ConfigureAwait(false);
        }

        PaymentRecord paid = await PutAsync(store, static record => Completed(record) with
        {
            Status = PaymentStatus.Succeeded,
        }, cancellationToken).ConfigureAwait(false);
        List<string> seen = await PagesAsync(
            store, PaymentRecordFilter.Open, static record => record.CreatedAt, cancellationToken)
            .ConfigureAwait(false);
        Check(seen.Distinct().Count() == seen.Count && mine.All(seen.Contains), "each open link is on one page");
        Check(!seen.Contains(paid.Tag), "a paid one is on none");
        var times = new List<DateTimeOffset>();
        foreach (string tag in seen)
        {
            times.Add((await store.FindAsync(tag, cancellationToken).ConfigureAwait(false))!.CreatedAt);
        }

        Check(times.SequenceEqual(times.Order()), "the oldest comes first");
    }

    private static async Task QueryFactsAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        PaymentRecord probe = await PutAsync(store, Completed, cancellationToken).ConfigureAwait(false);
        DateTimeOffset now = probe.UpdatedAt;
        PaymentRecord later = await PutAsync(store, record => WithFact(record, now.AddMinutes(5)), cancellationToken)
            .ConfigureAwait(false);
        PaymentRecord due = await PutAsync(store, record => WithFact(record, null), cancellationToken)
            .ConfigureAwait(false);
        PaymentRecord done = await PutAsync(store, static record => WithFact(record, null) with
        {
            Facts = [NewFact(null) with { State = PaymentFactState.Confirmed }],
        }, cancellationToken).ConfigureAwait(false);
        string[] all = await TagsAsync(new PaymentRecordQuery(PaymentRecordFilter.PendingFacts, 100))
            .ConfigureAwait(false);
        string[] now1 = await TagsAsync(new PaymentRecordQuery(PaymentRecordFilter.PendingFacts, 100) { Before = now })
            .ConfigureAwait(false);
        string[] stale = await TagsAsync(new PaymentRecordQuery(PaymentRecordFilter.PendingFacts, 100)
        {
            Before = now,
            LatestWait = now.AddMinutes(1),
        }).ConfigureAwait(false);
        Check(
            Array.IndexOf(all, due.Tag) is >= 0 and var first && first < Array.IndexOf(all, later.Tag),
            "what waits is listed, the longest waiting first");
        Check(!all.Contains(done.Tag), "what the host has is not");
        Check(now1.Contains(due.Tag) && !now1.Contains(later.Tag), "what may not be handed out yet is not");
        Check(stale.Contains(later.Tag), "but where a clock that was set back noted the wait");

        async Task<string[]> TagsAsync(PaymentRecordQuery query) =>
            [.. (await store.QueryAsync(query, cancellationToken).ConfigureAwait(false)).Select(r => r.Tag)];
    }

    private static async Task QueryDeadAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        var mine = new List<string>();
        for (int i = 0; i < 5; i++)
        {
            mine.Add((await PutAsync(store, static record => Completed(record) with
            {
                Facts = [NewFact(null) with { State = PaymentFactState.Dead }],
            }, cancellationToken).ConfigureAwait(false)).Tag);
        }

        List<string> seen = await PagesAsync(
            store, PaymentRecordFilter.DeadFacts, static _ => null, cancellationToken).ConfigureAwait(false);
        Check(seen.SequenceEqual(seen.Order(StringComparer.Ordinal)), "dead letters come in ordinal order of tags");
        Check(seen.Distinct().Count() == seen.Count && mine.All(seen.Contains), "each is on one page");
    }

    private static async Task QueryExpiringAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        PaymentRecord probe = await PutAsync(store, Completed, cancellationToken).ConfigureAwait(false);
        DateTimeOffset now = probe.UpdatedAt;
        PaymentRecord second = await PutAsync(store, Ending(2), cancellationToken).ConfigureAwait(false);
        PaymentRecord first = await PutAsync(store, Ending(1), cancellationToken).ConfigureAwait(false);
        PaymentRecord last = await PutAsync(store, Ending(60), cancellationToken).ConfigureAwait(false);
        var query = new PaymentRecordQuery(PaymentRecordFilter.Expiring, 100) { Before = now.AddMinutes(10) };
        string[] due =
            [.. (await store.QueryAsync(query, cancellationToken).ConfigureAwait(false)).Select(r => r.Tag)];
        Check(
            Array.IndexOf(due, first.Tag) is >= 0 and var at && at < Array.IndexOf(due, second.Tag),
            "links that are to close are listed, the next first");
        Check(!due.Contains(last.Tag) && !due.Contains(probe.Tag), "others are not");

        Func<PaymentRecord, PaymentRecord> Ending(int minutes) => record => Completed(record) with
        {
            Request = record.Request with { ExpiresAt = now.AddMinutes(minutes) },
        };
    }

    private static async Task QueryOwnerAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string owner = "owner-" + Guid.NewGuid().ToString("N");
        var mine = new List<string>();
        for (int i = 0; i < 3; i++)
        {
            PaymentRecord proposed = NewRecord();
            proposed = proposed with { Request = proposed.Request with { Owner = owner } };
            await store.ClaimAsync(proposed, Lease, cancellationToken).ConfigureAwait(false);
            mine.Insert(0, proposed.Tag);
            await advance(TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        }

        var query = new PaymentRecordQuery(PaymentRecordFilter.OfOwner, 100) { Owner = owner };
        IReadOnlyList<PaymentRecord> found = await store.QueryAsync(query, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<PaymentRecord> newest =
            await store.QueryAsync(query with { Limit = 1 }, cancellationToken).ConfigureAwait(false);
        Check(found.Select(record => record.Tag).SequenceEqual(mine), "an owner's records come newest first");
        Check(newest.Count == 1 && newest[0].Tag == mine[0], "and no more than asked for");
    }

    private static async Task CountAsync(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        PaymentRecordCounts before = await store.CountAsync(cancellationToken).ConfigureAwait(false);
        PaymentRecord waiting = await PutAsync(store, static record => WithFact(record, null), cancellationToken)
            .ConfigureAwait(false);
        PaymentRecordCounts between = await store.CountAsync(cancellationToken).ConfigureAwait(false);
        Check(
            between.PendingFacts == before.PendingFacts + 1 && between.Open == before.Open + 1,
            "a fact that waits and an open link are counted");
        Check(between.OldestPendingAt <= waiting.Facts[0].At, "and how long the oldest has waited");
        await UpdateAsync(store, waiting with
        {
            Status = PaymentStatus.Succeeded,
            Facts = [waiting.Facts[0] with { State = PaymentFactState.Dead }],
        }, cancellationToken).ConfigureAwait(false);
        PaymentRecordCounts after = await store.CountAsync(cancellationToken).ConfigureAwait(false);
        Check(
            after == before with { DeadFacts = before.DeadFacts + 1 },
            "a paid link is not open, and a dead letter does not wait");
    }

    private static async Task<List<string>> PagesAsync(
        IIdempotencyStore store, PaymentRecordFilter filter, Func<PaymentRecord, DateTimeOffset?> createdAt,
        CancellationToken cancellationToken)
    {
        var seen = new List<string>();
        PaymentRecord? last = null;
        while (true)
        {
            var query = new PaymentRecordQuery(filter, 2)
            {
                AfterTag = last?.Tag,
                AfterCreatedAt = last is null ? null : createdAt(last),
            };
            IReadOnlyList<PaymentRecord> page = await store.QueryAsync(query, cancellationToken).ConfigureAwait(false);
            Check(page.Count <= 2 && seen.Count < 10_000, "a page is no longer than asked for, and pages end");
            if (page.Count == 0)
            {
                return seen;
            }

            seen.AddRange(page.Select(static record => record.Tag));
            last = page[^1];
        }
    }

    private static PaymentRecord WithFact(PaymentRecord record, DateTimeOffset? notBefore) =>
        Completed(record) with { Facts = [NewFact(notBefore)] };

    private static PaymentFactEntry NewFact(DateTimeOffset? notBefore) => new()
    {
        Kind = PaymentFactKind.Paid,
        Subject = "cs_1",
        MinorUnits = 1250,
        At = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        NotBefore = notBefore,
    };

    private static async Task<PaymentRecord> PutAsync(
        IIdempotencyStore store, Func<PaymentRecord, PaymentRecord> change, CancellationToken cancellationToken)
    {
        IdempotencyClaim claim =
            await store.ClaimAsync(NewRecord(), Lease, cancellationToken).ConfigureAwait(false);
        return await UpdateAsync(store, change(claim.Record), cancellationToken).ConfigureAwait(false);
    }

    private static PaymentRecord Completed(PaymentRecord record) => record with
    {
        State = PaymentRecordState.Completed,
        LinkId = "plink_" + record.Tag,
        Url = new Uri("https://buy.stripe.com/" + record.Tag),
        LeaseExpiresAt = null,
    };

    private static async Task<PaymentRecord> UpdateAsync(
        IIdempotencyStore store, PaymentRecord record, CancellationToken cancellationToken) =>
        await store.TryUpdateAsync(record, cancellationToken).ConfigureAwait(false)
        ?? throw new InvalidOperationException("Contract broken: an update of the current version is stored.");

    private static string Text(PaymentRecord record) =>
        System.Text.Encoding.UTF8.GetString(PaymentRecordSerializer.Serialize(record));

    private static void Check(bool holds, string rule)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"Contract broken: {rule}.");
        }
    }

    private delegate Task StoreCheck(
        IIdempotencyStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken);
}
