using Coach.Abstractions;

namespace Coach.Payments;

/// <summary>The records' file cannot be used; <see cref="Error"/> says why.</summary>
public sealed class PaymentStoreException : CoachException
{
    private PaymentStoreException(PaymentStoreError error, string message, Exception? cause)
        : base(ErrorCodes.StoreUnavailable, message, cause) => Error = error;

    /// <summary>Why.</summary>
    public PaymentStoreError Error { get; }

    /// <inheritdoc />
    public override bool IsTransient => Error is PaymentStoreError.InUse or PaymentStoreError.DiskFull;

    internal static PaymentStoreException InUse(string path, Exception cause) => new(PaymentStoreError.InUse,
        $"The payment records '{path}' are in use: another process has them open. One process at a time may use them; "
        + "stop the other, give this one a StorePath of its own, or use a store that replicas share.", cause);

    internal static PaymentStoreException NotWritable(string path, Exception cause) => new(
        PaymentStoreError.NotWritable,
        $"The payment records '{path}' cannot be written: {cause.Message} Give the process write access to the file and "
        + "its folder, or set Coach:Payments:StorePath to a place where it has it.", cause);

    internal static PaymentStoreException Unreadable(InvalidDataException cause) =>
        new(PaymentStoreError.Unreadable, cause.Message, cause);

    internal static PaymentStoreException Full(string path, Exception cause) => new(PaymentStoreError.DiskFull,
        $"The disk with the payment records '{path}' is full. Nothing was lost; make room, and the records go on by "
        + "themselves.", cause);
}
