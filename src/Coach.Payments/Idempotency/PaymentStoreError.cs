namespace Coach.Payments;

/// <summary>Why a file of records cannot be used.</summary>
public enum PaymentStoreError
{
    /// <summary>The process may not write it, or its folder is missing or read-only.</summary>
    NotWritable,

    /// <summary>Another process has it open.</summary>
    InUse,

    /// <summary>There is no room on the disk.</summary>
    DiskFull,

    /// <summary>It is damaged, of a later version, or no file of records; it was left as it is.</summary>
    Unreadable,
}
