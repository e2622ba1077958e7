using System.Text.Json;
using Coach.Payments.Idempotency;

namespace Coach.Payments;

/// <summary>Records as JSON, for stores that persist them. Fields are only ever added.</summary>
public static class PaymentRecordSerializer
{
    /// <summary>Writes a record.</summary>
    /// <param name="record">The record.</param>
    /// <returns>UTF-8 JSON without line breaks.</returns>
    public static byte[] Serialize(PaymentRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return JsonSerializer.SerializeToUtf8Bytes(record, PaymentRecordJson.Default.PaymentRecord);
    }

    /// <summary>Reads a record.</summary>
    /// <param name="utf8Json">What <see cref="Serialize"/> wrote, now or in an earlier version.</param>
    /// <returns>The record.</returns>
    /// <exception cref="JsonException">It is no record.</exception>
    public static PaymentRecord Deserialize(ReadOnlySpan<byte> utf8Json) =>
        JsonSerializer.Deserialize(utf8Json, PaymentRecordJson.Default.PaymentRecord)
            ?? throw new JsonException("A payment record is an object.");
}
