namespace Coach.Usage;

/// <summary>The host's part: is told when a balance falls below the low mark.</summary>
public interface ILowBalanceHandler
{
    /// <summary>A spending took the balance below the mark. It is told once a fall; a failure is only logged.</summary>
    /// <param name="account">The account's name.</param>
    /// <param name="balance">The balance after it.</param>
    /// <param name="cancellationToken">Ends when the host stops.</param>
    /// <returns>A task that ends when it is done.</returns>
    ValueTask HandleAsync(string account, MicroAmount balance, CancellationToken cancellationToken = default);
}
