namespace Coach.Payments;

/// <summary>Settling what is not known.</summary>
internal sealed partial class PaymentLinkService
{
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
