namespace Coach.AspNetCore;

/// <summary>What credits are sold: the section <c>Coach:Credits</c>, beside the options of Coach.Usage.</summary>
public sealed class CoachCreditPackOptions
{
    /// <summary>The packs on sale.</summary>
    /// <value>At most 20; none unless set.</value>
    public IList<CreditPack> Packs { get; } = [];

    /// <summary>
    /// Whether a session without a user may buy with real money. Its balance is lost with its cookie: set it only where
    /// the host hands out something that restores a session.
    /// </summary>
    /// <value>False unless set; simulated and test payments are always open.</value>
    public bool AllowAnonymousPurchases { get; set; }
}
