namespace Coach.Usage;

/// <summary>Credits that calls are paid with: the section <c>Coach:Credits</c>.</summary>
public sealed class CoachCreditOptions
{
    /// <summary>The currency of balances.</summary>
    /// <value>Three letters; <c>usd</c> unless set.</value>
    public string Currency { get; set; } = "usd";

    /// <summary>What an answer costs, whatever it used; null to charge what it cost and
    /// <see cref="MarkupPercent"/>.</summary>
    /// <value>Micro-units, 0 to 10^12; null unless set.</value>
    public long? PricePerTurnMicros { get; set; }

    /// <summary>What is added to the cost of a call where no price a turn is set.</summary>
    /// <value>0 to 10,000 percent; 0 unless set.</value>
    public int MarkupPercent { get; set; }

    /// <summary>What each account is given once, with its first call.</summary>
    /// <value>Micro-units, 0 to 10^12; 0 unless set.</value>
    public long FreeAllowanceMicros { get; set; }

    /// <summary>Below this a balance is low: <see cref="ILowBalanceHandler"/> is told.</summary>
    /// <value>Micro-units, 0 to 10^12; 0 unless set.</value>
    public long LowBalanceMicros { get; set; }
}
