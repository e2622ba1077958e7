namespace Coach.Payments;

/// <summary>
/// Tabs on the server: the host adds lines (from its price list, a chat tool), the payer gets a link for what is
/// unpaid, and a paid bill settles its lines once. Lines that were added meanwhile stay unpaid. Safe for concurrent
/// use.
/// </summary>
public interface ITabs
{
    /// <summary>Reads a tab and settles a bill that was paid meanwhile.</summary>
    /// <param name="owner">Whose it is.</param>
    /// <param name="id">Its name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The tab, or null.</returns>
    Task<Tab?> FindAsync(string owner, string id, CancellationToken cancellationToken = default);

    /// <summary>Adds a line; the first one opens the tab. A line with a name that is there already changes
    /// nothing.</summary>
    /// <param name="owner">Whose tab it is.</param>
    /// <param name="id">The tab's name.</param>
    /// <param name="line">The line.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The tab.</returns>
    /// <exception cref="PaymentException">The line is wrong, of another currency, or too much for one tab.</exception>
    Task<Tab> AddLineAsync(string owner, string id, TabLine line, CancellationToken cancellationToken = default);

    /// <summary>Adds a line as <see cref="AddLineAsync"/> does, unless the tab would then come to more than a limit,
    /// such as what its guest has paid in. Lines that are added at the same time never pass it together.</summary>
    /// <param name="owner">Whose tab it is.</param>
    /// <param name="id">The tab's name.</param>
    /// <param name="line">The line.</param>
    /// <param name="mostMinorUnits">The most that the unpaid lines and the tip may come to, in minor units of the
    /// line's currency.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The tab; null where the line was not added because of the limit.</returns>
    /// <exception cref="PaymentException">The line is wrong, of another currency, or too much for one tab.</exception>
    Task<Tab?> TryAddLineAsync(
        string owner, string id, TabLine line, long mostMinorUnits, CancellationToken cancellationToken = default);

    /// <summary>Takes an unpaid line off that is on no bill yet.</summary>
    /// <param name="owner">Whose tab it is.</param>
    /// <param name="id">The tab's name.</param>
    /// <param name="lineId">The line's name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The tab.</returns>
    /// <exception cref="PaymentException">There is no such tab, or the line is billed or paid.</exception>
    Task<Tab> RemoveLineAsync(string owner, string id, string lineId, CancellationToken cancellationToken = default);

    /// <summary>Sets the tip, in percent or as an amount.</summary>
    /// <param name="owner">Whose tab it is.</param>
    /// <param name="id">The tab's name.</param>
    /// <param name="percent">0 to 100; null where it is an amount, or none.</param>
    /// <param name="amount">The amount; null where it is in percent, or none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The tab.</returns>
    /// <exception cref="PaymentException">There is no such tab, or the tip is wrong.</exception>
    Task<Tab> SetTipAsync(
        string owner, string id, decimal? percent, Money? amount, CancellationToken cancellationToken = default);

    /// <summary>Makes the bill: a link for all unpaid lines and the tip. Asked again with nothing changed, it is the
    /// same link; after a change, the old one is closed first, and if it was paid meanwhile, its lines are settled
    /// and the rest is billed.</summary>
    /// <param name="owner">Whose tab it is.</param>
    /// <param name="id">The tab's name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The link to pay.</returns>
    /// <exception cref="PaymentException">There is no such tab, nothing is unpaid, or the link could not be made or
    /// closed.</exception>
    Task<PaymentLink> CloseAsync(string owner, string id, CancellationToken cancellationToken = default);
}
