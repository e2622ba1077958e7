namespace Coach.Payments;

/// <summary>Kinds of records to list.</summary>
public enum PaymentRecordFilter
{
    /// <summary>All, in ordinal order of their tags.</summary>
    All,

    /// <summary>Links that nobody has paid, closed or failed yet, oldest first.</summary>
    Open,

    /// <summary>Records with a fact that the host has not confirmed, the longest waiting first.</summary>
    PendingFacts,

    /// <summary>Records with a fact that was given up, in ordinal order of their tags.</summary>
    DeadFacts,

    /// <summary>Open links that close by themselves, the next first.</summary>
    Expiring,

    /// <summary>Records with a payment whose fee is not known, the earliest paid first. Not those that were paid before
    /// <see cref="PaymentRecordQuery.Before"/>.</summary>
    FeeUnknown,

    /// <summary>Records of <see cref="PaymentRecordQuery.Owner"/> whose link is known, newest first.</summary>
    OfOwner,
}
