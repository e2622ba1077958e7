namespace Coach.Usage;

/// <summary>What an entry of the ledger says.</summary>
public enum LedgerEntryKind
{
    /// <summary>Nothing. Never kept.</summary>
    None,

    /// <summary>A call used this much of a provider.</summary>
    Usage,

    /// <summary>Credits were bought or given.</summary>
    Credit,

    /// <summary>Credits were spent on a call.</summary>
    Spend,

    /// <summary>Credits were taken back because their payment was.</summary>
    Refund,

    /// <summary>Something was wrong before and is set right.</summary>
    Correction,
}
