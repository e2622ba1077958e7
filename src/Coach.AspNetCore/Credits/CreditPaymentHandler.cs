using Coach.Payments;
using Coach.Usage;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Credits;

/// <summary>
/// Turns payment facts into credits. A fact is told at least once and its id is the ledger's key, so money counts once
/// whichever of webhook, poll and reconciliation saw it first.
/// </summary>
/// <remarks>
/// A refund takes credits back in proportion to the money, whether they were spent or not: what was spent is owed. A
/// dispute takes all of it back, and gives it again if it is won; an inquiry takes nothing. Money that is both given
/// back and disputed counts once.
/// </remarks>
internal sealed class CreditPaymentHandler(ICredits credits, IOptions<CoachCreditOptions> options)
    : IPaymentEventHandler
{
    public async Task HandleAsync(PaymentFact fact, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(fact);
        if (CreditPurchase.Read(fact) is not { } purchase)
        {
            return;
        }

        long paid = fact.Payment?.MinorUnits ?? fact.MinorUnits;
        long micros = fact switch
        {
            // A link that was paid twice was bought twice.
            { Kind: PaymentFactKind.Paid or PaymentFactKind.Overpaid } => purchase.Micros,

            // What was never credited is not taken back.
            { Payment.HasAmountMismatch: true } => 0,
            { ReversedMinorUnits: { } change, TotalReversedMinorUnits: { } total } =>
                -purchase.Share(total - change, total, paid),
            _ => OfOldFact(fact, purchase, paid),
        };
        if (micros == 0)
        {
            return;
        }

        var amount = new MicroAmount(Math.Abs(micros), options.Value.Currency);
        if (micros > 0)
        {
            await credits.AddAsync(purchase.Account, fact.Id, amount, fact.LinkId, cancellationToken)
                .ConfigureAwait(false);
        }
        else
        {
            await credits.TakeBackAsync(purchase.Account, fact.Id, amount, fact.LinkId, cancellationToken)
                .ConfigureAwait(false);
        }
    }

    // Facts that were recorded before they said what is gone of the payment in all.
    private static long OfOldFact(PaymentFact fact, CreditPurchase purchase, long paid)
    {
        long total = fact.TotalRefundedMinorUnits;
        return fact.Kind switch
        {
            PaymentFactKind.Refunded or PaymentFactKind.PartlyRefunded =>
                -purchase.Share(total - fact.MinorUnits, total, paid),
            PaymentFactKind.RefundFailed => purchase.Share(total, total + fact.MinorUnits, paid),
            PaymentFactKind.Disputed => -purchase.Share(0, fact.MinorUnits, paid),
            PaymentFactKind.DisputeWon => purchase.Share(0, fact.MinorUnits, paid),
            _ => 0,
        };
    }
}
