namespace Coach.Payments;

/// <summary>Plays the payer of simulated links, so that the whole story can be tried without a provider. To let a link
/// expire or give money back, use <see cref="IPaymentLinks"/>.</summary>
public interface ISimulatedPayments
{
    /// <summary>Pays a simulated link in full.</summary>
    /// <param name="linkId">The link.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The link as it is now; the fact that tells of the payment is in the outbox.</returns>
    /// <exception cref="PaymentException">The link is not known here, is no simulated one, or is closed.</exception>
    Task<PaymentLink> PayAsync(string linkId, CancellationToken cancellationToken = default);
}
