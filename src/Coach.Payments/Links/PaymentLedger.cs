using Coach.Payments.Gateways;

namespace Coach.Payments.Links;

/// <summary>
/// What a record learns of its payments, as pure functions: a row for each payment, and for whatever is new a fact in
/// the outbox, in the same record and so in the same write. Sources may come in any order and any number of times; what
/// is known already changes nothing, and then the very record is returned.
/// </summary>
internal static class PaymentLedger
{
    // A reusable link that thousands pay keeps the facts the host has not got, and of those it has the latest.
    private const int MostConfirmedFacts = 64;

    /// <summary>A payer's visit.</summary>
    public static PaymentRecord Observe(PaymentRecord record, GatewaySession session, DateTimeOffset at) =>
        session.State switch
        {
            GatewaySessionState.Paid => Pay(record, session, at),
            GatewaySessionState.CompleteUnpaid => Process(record, session),
            GatewaySessionState.Failed => Fail(record, session, at),

            // An open or abandoned page changes nothing: the link can still be paid.
            _ => record,
        };

    /// <summary>The charge behind a payment: what it cost, how it was paid, what went back.</summary>
    public static PaymentRecord Observe(PaymentRecord record, GatewayCharge charge, DateTimeOffset at)
    {
        return Find(record, charge.PaymentIntentId, charge.Id) is { } row
            ? Tell(record, row, Enrich(row, charge, at), at)
            : record;
    }

    /// <summary>A refund.</summary>
    public static PaymentRecord Observe(PaymentRecord record, GatewayRefund refund, DateTimeOffset at)
    {
        if (Find(record, refund.PaymentIntentId, refund.ChargeId) is not { } row)
        {
            return record;
        }

        PaymentRefund? known = row.Refunds.FirstOrDefault(other => other.Id == refund.Id);

        // Failed is final, and an older word than the one that is known says nothing.
        if (known is not null && (known.HasFailed || known.Status == refund.Status || known.At > at))
        {
            return record;
        }

        long amount = known?.MinorUnits ?? InCurrencyOf(row, refund.MinorUnits, refund.Currency);
        var news = new PaymentRefund(refund.Id, amount, refund.Status, at);
        LinkPayment changed = WithCurrency(row, refund.Currency) with
        {
            ChargeId = row.ChargeId ?? refund.ChargeId,
            Refunds = known is null
                ? [.. row.Refunds, news]
                : [.. row.Refunds.Select(other => other.Id == refund.Id ? news : other)],
        };
        return Tell(record, row, changed, at);
    }

    /// <summary>A dispute.</summary>
    /// <param name="record">The record.</param>
    /// <param name="dispute">The dispute as the provider shows it.</param>
    /// <param name="paymentIntentId">The payment it is about.</param>
    /// <param name="chargeId">The charge it is about.</param>
    public static PaymentRecord Observe(
        PaymentRecord record, PaymentDispute dispute, string? paymentIntentId, string? chargeId)
    {
        if (Find(record, paymentIntentId, chargeId) is not { } row)
        {
            return record;
        }

        PaymentDispute? known = row.Disputes.FirstOrDefault(other => other.Id == dispute.Id);
        if (known is not null)
        {
            // A closed dispute never opens again, but an inquiry may yet become a chargeback.
            bool isClosed = known.Outcome == PaymentDisputeOutcome.Open && dispute.Outcome != known.Outcome;
            bool isEscalated = known.IsInquiry && !dispute.IsInquiry;
            if (!isClosed && !isEscalated)
            {
                return record;
            }

            dispute = dispute with { IsInquiry = known.IsInquiry && dispute.IsInquiry };
        }

        LinkPayment changed = row with
        {
            ChargeId = row.ChargeId ?? chargeId,
            Disputes = known is null
                ? [.. row.Disputes, dispute]
                : [.. row.Disputes.Select(other => other.Id == dispute.Id ? dispute : other)],
        };
        return Tell(record, row, changed, dispute.At);
    }

    /// <summary>Takes over what was learnt of a payment before its link was known.</summary>
    public static PaymentRecord Adopt(PaymentRecord record, PaymentRecord parked)
    {
        foreach (LinkPayment other in parked.Payments)
        {
            LinkPayment? row = Find(record, other.PaymentIntentId, other.ChargeId)
                ?? record.Payments.FirstOrDefault(known =>
                    known.SessionId.Length > 0 && known.SessionId == other.SessionId);
            if (row is null)
            {
                if (other.SessionId.Length > 0)
                {
                    record = Observe(record, SessionOf(other), other.PaidAt ?? parked.UpdatedAt);
                    row = record.Payments.FirstOrDefault(known => known.SessionId == other.SessionId);
                }

                if (row is null)
                {
                    continue;
                }
            }

            foreach (PaymentRefund refund in other.Refunds)
            {
                record = Observe(record, new GatewayRefund(refund.Id, refund.MinorUnits, refund.Status)
                {
                    PaymentIntentId = row.PaymentIntentId,
                    ChargeId = row.ChargeId,
                    Currency = other.Currency,
                }, refund.At);
            }

            if (other.ChargeId is { } charge)
            {
                record = Observe(record, new GatewayCharge(charge)
                {
                    PaymentIntentId = row.PaymentIntentId,
                    Currency = other.Currency,
                    Method = other.Method,
                    RefundedAmount = other.ChargeSeenAt is null ? null : other.ChargeRefundedMinorUnits,
                }, other.ChargeSeenAt ?? parked.UpdatedAt);
            }

            foreach (PaymentDispute dispute in other.Disputes)
            {
                record = Observe(record, dispute, row.PaymentIntentId, row.ChargeId);
            }
        }

        return record;
    }

    /// <summary>The link is closed before anyone paid.</summary>
    public static PaymentRecord Expire(PaymentRecord record, DateTimeOffset at) =>
        record.Status == PaymentStatus.Pending
            ? Tell(record with { Status = PaymentStatus.Expired }, PaymentFactKind.Expired, "", 0, at)
            : record;

    /// <summary>Somebody paid a link that is not known here.</summary>
    public static PaymentRecord ObserveUnmatched(PaymentRecord parked, GatewaySession session, DateTimeOffset at)
    {
        bool isKnown = parked.Payments.Any(row => row.SessionId == session.Id);
        if (isKnown || session.State != GatewaySessionState.Paid)
        {
            return parked;
        }

        return Tell(
            parked with { Payments = [.. parked.Payments, Row(session, at)] }, PaymentFactKind.Unmatched, session.Id,
            session.AmountTotal ?? 0, at);
    }

    /// <summary>The row a payment or charge belongs to.</summary>
    public static LinkPayment? Find(PaymentRecord record, string? paymentIntentId, string? chargeId) =>
        record.Payments.FirstOrDefault(row =>
            (paymentIntentId is not null && row.PaymentIntentId == paymentIntentId)
            || (chargeId is not null && row.ChargeId == chargeId));

    private static PaymentRecord Pay(PaymentRecord record, GatewaySession session, DateTimeOffset at)
    {
        LinkPayment? known = record.Payments.FirstOrDefault(row => row.SessionId == session.Id);
        if (known is { Status: PaymentStatus.Succeeded })
        {
            LinkPayment more = Enrich(known, session, at);
            return more == known ? record : Tell(record, known, more, at);
        }

        bool isExact = IsExact(record.Request, session);

        // Records of 0.1 know the status but no rows: the host was told of that payment by other ways.
        bool wasToldBefore = record is { Status: PaymentStatus.Succeeded, Payments.Count: 0 };
        bool isOverpayment = isExact && !wasToldBefore && !record.IsReusable
            && record.Payments.Any(row => row is { Status: PaymentStatus.Succeeded, HasAmountMismatch: false });
        LinkPayment paid = Row(session, at) with { HasAmountMismatch = !isExact, IsOverpayment = isOverpayment };
        PaymentRecord changed = Replace(record, known, paid);
        changed = isExact
            ? changed with
            {
                Status = PaymentStatus.Succeeded,
                PaidMinorUnits = record.Status == PaymentStatus.Succeeded
                    ? record.PaidMinorUnits : session.AmountTotal,
                PaidCurrency = record.Status == PaymentStatus.Succeeded ? record.PaidCurrency : session.Currency,
                IsOverpaid = record.IsOverpaid || isOverpayment,
            }
            : changed with
            {
                // Never accepted: the status stays, and a person has to look.
                HasAmountMismatch = true,
                PaidMinorUnits = record.PaidMinorUnits ?? session.AmountTotal,
                PaidCurrency = record.PaidCurrency ?? session.Currency,
            };
        PaymentFactKind kind = (isExact, isOverpayment) switch
        {
            (false, _) => PaymentFactKind.AmountMismatch,
            (_, true) => PaymentFactKind.Overpaid,
            _ => PaymentFactKind.Paid,
        };
        changed = wasToldBefore && isExact
            ? changed
            : Tell(changed, kind, session.Id, session.AmountTotal ?? 0, paid.PaidAt ?? at);
        return session.Charge is { } charge ? Observe(changed, WithPayment(charge, session), at) : changed;
    }

    private static PaymentRecord Process(PaymentRecord record, GatewaySession session)
    {
        if (record.Payments.Any(row => row.SessionId == session.Id))
        {
            return record;
        }

        LinkPayment row = Row(session, null) with { Status = PaymentStatus.Processing };
        return Replace(Rise(record, PaymentStatus.Processing), null, row);
    }

    private static PaymentRecord Fail(PaymentRecord record, GatewaySession session, DateTimeOffset at)
    {
        LinkPayment? known = record.Payments.FirstOrDefault(row => row.SessionId == session.Id);
        if (known is { Status: PaymentStatus.Succeeded or PaymentStatus.Failed })
        {
            return record;
        }

        LinkPayment row = (known ?? Row(session, null)) with { Status = PaymentStatus.Failed };
        PaymentRecord changed = Rise(Replace(record, known, row), PaymentStatus.Failed);
        return record.Status is PaymentStatus.Succeeded
            ? changed
            : Tell(changed, PaymentFactKind.Failed, session.Id, session.AmountTotal ?? 0, at);
    }

    private static LinkPayment Row(GatewaySession session, DateTimeOffset? paidAt) => new()
    {
        SessionId = session.Id,
        Status = PaymentStatus.Succeeded,
        PaymentIntentId = session.PaymentIntentId,
        MinorUnits = session.AmountTotal,
        Currency = session.Currency,
        PresentedMinorUnits = session.PresentedAmount,
        PresentedCurrency = session.PresentedCurrency,
        PayerEmail = session.PayerEmail,
        PaidAt = session.Charge?.CreatedAt ?? paidAt,
    };

    private static GatewaySession SessionOf(LinkPayment row) =>
        new(row.SessionId, GatewaySessionState.Paid, row.MinorUnits, row.Currency)
        {
            AmountSubtotal = row.MinorUnits,
            PaymentIntentId = row.PaymentIntentId,
            PresentedAmount = row.PresentedMinorUnits,
            PresentedCurrency = row.PresentedCurrency,
            PayerEmail = row.PayerEmail,
        };

    private static GatewayCharge WithPayment(GatewayCharge charge, GatewaySession session) =>
        charge with { PaymentIntentId = charge.PaymentIntentId ?? session.PaymentIntentId };

    private static LinkPayment Enrich(LinkPayment row, GatewaySession session, DateTimeOffset at)
    {
        LinkPayment more = row with
        {
            PaymentIntentId = row.PaymentIntentId ?? session.PaymentIntentId,
            PayerEmail = row.PayerEmail ?? session.PayerEmail,
            PresentedMinorUnits = row.PresentedMinorUnits ?? session.PresentedAmount,
            PresentedCurrency = row.PresentedCurrency ?? session.PresentedCurrency,
        };
        return session.Charge is { } charge ? Enrich(more, charge, at) : more;
    }

    private static LinkPayment Enrich(LinkPayment row, GatewayCharge charge, DateTimeOffset at)
    {
        LinkPayment more = row with
        {
            PaymentIntentId = row.PaymentIntentId ?? charge.PaymentIntentId,
            ChargeId = row.ChargeId ?? charge.Id,
            Method = row.Method ?? charge.Method,
            FeeMinorUnits = charge.Fee ?? row.FeeMinorUnits,
            NetMinorUnits = charge.Net ?? row.NetMinorUnits,
            SettlementCurrency = charge.SettlementCurrency ?? row.SettlementCurrency,
        };

        if (charge.RefundedAmount is not { } shown)
        {
            return more;
        }

        // The latest word counts, whatever order they come in; of one second's, the one that knows of more. One that
        // shows no refund says nothing new.
        long refunded = InCurrencyOf(row, shown, charge.Currency);
        bool isNewer = (refunded > 0 || row.ChargeSeenAt is not null)
            && refunded != row.ChargeRefundedMinorUnits
            && (row.ChargeSeenAt is not { } seen || seen < at
                || (seen == at && refunded > row.ChargeRefundedMinorUnits));
        return isNewer
            ? WithCurrency(more, charge.Currency) with { ChargeRefundedMinorUnits = refunded, ChargeSeenAt = at }
            : more;
    }

    // Where the provider converted, versions before 2025-03-31 tell of charges, refunds and disputes in the payer's
    // currency. Of the whole, the whole is gone; a part goes by the rate of the payment.
    private static long InCurrencyOf(LinkPayment row, long amount, string? currency)
    {
        bool isPresented = currency is { Length: > 0 } && currency != row.Currency && currency == row.PresentedCurrency;
        return isPresented && row is { MinorUnits: { } units, PresentedMinorUnits: > 0 and { } presented }
            ? StripeObjects.Scale(amount, units, presented)
            : amount;
    }

    // Before its link is known, a payment has the currency of whatever was told of it.
    private static LinkPayment WithCurrency(LinkPayment row, string? currency) =>
        row.Currency is null && row.SessionId.Length == 0 ? row with { Currency = currency } : row;

    private static long Disputed(LinkPayment row) => row.Disputes
        .Where(static dispute => dispute is { IsInquiry: false, Outcome: not PaymentDisputeOutcome.Won })
        .Sum(dispute => InCurrencyOf(row, dispute.MinorUnits, dispute.Currency));

    // The difference between two states of a row is what is told.
    private static PaymentRecord Tell(PaymentRecord record, LinkPayment row, LinkPayment changed, DateTimeOffset at)
    {
        if (ReferenceEquals(row, changed) || row == changed)
        {
            return record;
        }

        record = Replace(record, row, changed);
        string subject = changed.SessionId.Length > 0 ? changed.SessionId : changed.PaymentIntentId ?? "";
        long before = row.RefundedMinorUnits;
        long after = changed.RefundedMinorUnits;
        var loss = new Loss(changed.MinorUnits ?? long.MaxValue, before, Disputed(row));
        if (after != before)
        {
            bool isWhole = after >= changed.MinorUnits;
            PaymentFactKind given = isWhole ? PaymentFactKind.Refunded : PaymentFactKind.PartlyRefunded;
            PaymentFactKind kind = after > before ? given : PaymentFactKind.RefundFailed;
            var next = loss with { Refunded = after };
            record = Tell(record, Reversal(kind, subject, Math.Abs(after - before), at, loss, next) with
            {
                TotalMinorUnits = after,
            });
            loss = next;
        }

        foreach (PaymentDispute dispute in changed.Disputes)
        {
            PaymentDispute? known = row.Disputes.FirstOrDefault(other => other.Id == dispute.Id);
            (record, loss) = Tell(record, changed, known, dispute, loss);
        }

        return record;
    }

    private static (PaymentRecord Record, Loss Loss) Tell(
        PaymentRecord record, LinkPayment row, PaymentDispute? known, PaymentDispute dispute, Loss loss)
    {
        long amount = InCurrencyOf(row, dispute.MinorUnits, dispute.Currency);
        long taken = dispute.IsInquiry ? 0 : amount;
        bool isEscalated = known is { IsInquiry: true } && !dispute.IsInquiry;
        if (known is null || isEscalated)
        {
            Say(PaymentFactKind.Disputed, taken);
        }

        if (dispute.Outcome == PaymentDisputeOutcome.Won && (known?.Outcome != dispute.Outcome || isEscalated))
        {
            Say(PaymentFactKind.DisputeWon, -taken);
        }

        if (dispute.Outcome == PaymentDisputeOutcome.Lost && known?.Outcome != dispute.Outcome)
        {
            Say(PaymentFactKind.DisputeLost, 0);
        }

        return (record, loss);

        void Say(PaymentFactKind kind, long change)
        {
            Loss next = loss with { Disputed = loss.Disputed + change };
            record = Tell(record, Reversal(kind, dispute.Id, amount, dispute.At, loss, next) with
            {
                IsInquiry = dispute.IsInquiry,
            });
            loss = next;
        }
    }

    private static PaymentFactEntry Reversal(
        PaymentFactKind kind, string subject, long amount, DateTimeOffset at, Loss before, Loss after) => new()
        {
            Kind = kind,
            Subject = subject,
            MinorUnits = amount,
            At = at,
            ReversedMinorUnits = after.Sum - before.Sum,
            TotalReversedMinorUnits = after.Sum,
        };

    private static PaymentRecord Tell(
        PaymentRecord record, PaymentFactKind kind, string subject, long amount, DateTimeOffset at) =>
        Tell(record, new PaymentFactEntry { Kind = kind, Subject = subject, MinorUnits = amount, At = at });

    private static PaymentRecord Tell(PaymentRecord record, PaymentFactEntry entry)
    {
        // What waits for its link is told with it, not alone.
        if (record.State == PaymentRecordState.Unmatched && entry.Kind != PaymentFactKind.Unmatched)
        {
            return record;
        }

        PaymentFactEntry? alike = record.Facts.LastOrDefault(fact => fact.Kind == entry.Kind
            && fact.Subject == entry.Subject && fact.TotalMinorUnits == entry.TotalMinorUnits);
        if (alike is not null)
        {
            entry = entry with { Occurrence = (alike.Occurrence ?? 1) + 1 };
        }

        IEnumerable<PaymentFactEntry> kept = record.Facts.Count < MostConfirmedFacts
            ? record.Facts
            : record.Facts.Where((fact, i) =>
                fact.State != PaymentFactState.Confirmed || i >= record.Facts.Count - (MostConfirmedFacts / 2));
        return record with { Facts = [.. kept, entry] };
    }

    private static PaymentRecord Replace(PaymentRecord record, LinkPayment? row, LinkPayment by) => record with
    {
        Payments = row is null
            ? [.. record.Payments, by]
            : [.. record.Payments.Select(other => ReferenceEquals(other, row) ? by : other)],
    };

    internal static PaymentRecord Rise(PaymentRecord record, PaymentStatus status) =>
        Rank(status) > Rank(record.Status) ? record with { Status = status } : record;

    private static int Rank(PaymentStatus status) => status switch
    {
        PaymentStatus.Pending => 0,
        PaymentStatus.Processing => 1,
        PaymentStatus.Failed or PaymentStatus.Expired => 2,
        _ => 3,
    };

    private static bool IsExact(PaymentLinkRequest request, GatewaySession session)
    {
        Money amount = request.Amount;
        if (session.Currency != amount.Currency || session.AmountTotal is not { } total)
        {
            return false;
        }

        bool mayVary = request.Options is { } options
            && (options.AllowPromotionCodes || options.AutomaticTax || options.ShippingRates.Count > 0);
        bool hasChoice = request.Items.Any(item => item.MinQuantity is not null || item.MaxQuantity is not null);
        if (total == amount.MinorUnits && !hasChoice)
        {
            return true;
        }

        // What the request allows the page to add or take off explains the difference, or nothing does.
        long subtotal = session.AmountSubtotal ?? total - session.Shipping + session.Discount;
        long discount = request.Options?.AllowPromotionCodes == true ? session.Discount : 0;
        long shipping = request.Options?.ShippingRates.Count > 0 ? session.Shipping : 0;
        long tax = request.Options?.AutomaticTax == true ? session.Tax : 0;
        long expected = subtotal - discount + shipping;
        return (mayVary || hasChoice) && (total == expected || total == expected + tax)
            && (hasChoice ? IsAChoice(request, subtotal) : subtotal == amount.MinorUnits);
    }

    // Whether some quantities within their limits give this sum: sums that can be reached, a line at a time.
    private static bool IsAChoice(PaymentLinkRequest request, long subtotal)
    {
        if (request.Items.Count(item => item.MinQuantity is not null || item.MaxQuantity is not null) == 1)
        {
            long rest = subtotal;
            PaymentLineItem open = request.Items[0];
            foreach (PaymentLineItem item in request.Items)
            {
                if (item.MinQuantity is null && item.MaxQuantity is null)
                {
                    rest -= item.UnitPrice.MinorUnits * item.Quantity;
                }
                else
                {
                    open = item;
                }
            }

            long unit = open.UnitPrice.MinorUnits;
            return rest >= 0 && rest % unit == 0 && rest / unit >= (open.MinQuantity ?? open.Quantity)
                && rest / unit <= (open.MaxQuantity ?? open.Quantity);
        }

        long least = request.Items.Sum(item => item.UnitPrice.MinorUnits * (item.MinQuantity ?? item.Quantity));
        long most = request.Items.Sum(item => item.UnitPrice.MinorUnits * (item.MaxQuantity ?? item.Quantity));
        return subtotal >= least && subtotal <= most;
    }

    // What of a payment is gone: refunds and disputes of the same money count once.
    private readonly record struct Loss(long Paid, long Refunded, long Disputed)
    {
        public long Sum => Math.Min(Paid, Refunded + Disputed);
    }
}
