namespace Coach.Payments;

/// <summary>The host's part: does what a payment fact is the reason for.</summary>
public interface IPaymentEventHandler
{
    /// <summary>
    /// Handles one fact. Returning confirms it; throwing keeps it, and it comes again. After a crash between the two it
    /// comes again as well: make what must happen once depend on <see cref="PaymentFact.Id"/>, for instance with
    /// <see cref="PaymentFactDatabase.TryBeginAsync"/> in the transaction that does it.
    /// </summary>
    /// <param name="fact">The fact. Facts of one link come in order, those of different links at once.</param>
    /// <param name="cancellationToken">Ends when the host stops or the fact's lease is over.</param>
    /// <returns>A task that ends when it is done.</returns>
    Task HandleAsync(PaymentFact fact, CancellationToken cancellationToken = default);
}
