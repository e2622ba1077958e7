namespace Coach.Usage;

/// <summary>Credits that are set aside for one call. Settle or release it; else it ends with its lease.</summary>
public sealed class CreditReservation
{
    internal CreditReservation(string id, string account, MicroAmount amount) =>
        (Id, Account, Amount) = (id, account, amount);

    /// <summary>Its name.</summary>
    public string Id { get; }

    /// <summary>The account.</summary>
    public string Account { get; }

    /// <summary>How much is set aside.</summary>
    public MicroAmount Amount { get; }
}
