namespace Coach.Payments;

/// <summary>What claiming an operation gave.</summary>
/// <param name="Outcome">Whether the caller may work on it.</param>
/// <param name="Record">The record as the store has it now.</param>
/// <param name="RetryAfter">When somebody else holds the claim: how long until it runs out at the latest; else
/// null.</param>
public readonly record struct IdempotencyClaim(ClaimOutcome Outcome, PaymentRecord Record, TimeSpan? RetryAfter = null)
{
    /// <summary>What claiming gives, by the rules of <see cref="IIdempotencyStore.ClaimAsync"/>: for stores, which then
    /// write the record of a successful claim if nobody else wrote meanwhile.</summary>
    /// <param name="existing">The record that is stored; null for none.</param>
    /// <param name="proposed">The record to create when there is none.</param>
    /// <param name="lease">How long the claim lasts.</param>
    /// <param name="now">The store's clock.</param>
    /// <returns>The claim.</returns>
    public static IdempotencyClaim Of(
        PaymentRecord? existing, PaymentRecord proposed, TimeSpan lease, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(proposed);
        if (existing is null)
        {
            return new IdempotencyClaim(ClaimOutcome.Claimed, proposed with
            {
                Version = 1,
                LeaseToken = 1,
                LeaseExpiresAt = now + lease,
                CreatedAt = now,
                UpdatedAt = now,
            });
        }

        if (existing.RequestHash != proposed.RequestHash)
        {
            return new IdempotencyClaim(ClaimOutcome.Conflict, existing);
        }

        if (existing.State == PaymentRecordState.Completed)
        {
            return new IdempotencyClaim(ClaimOutcome.Completed, existing);
        }

        // A claim that ends later than any claim could means that the wall clock was set back: it is not waited for.
        if (existing.LeaseExpiresAt is { } end && end > now && end - now <= lease)
        {
            return new IdempotencyClaim(ClaimOutcome.InProgress, existing, end - now);
        }

        // The same hash, so the same request; one that was refused may have left its own here.
        return new IdempotencyClaim(ClaimOutcome.Claimed, existing with
        {
            Request = proposed.Request,
            Version = existing.Version + 1,
            LeaseToken = existing.LeaseToken + 1,
            LeaseExpiresAt = now + lease,
            UpdatedAt = now,
        });
    }
}
