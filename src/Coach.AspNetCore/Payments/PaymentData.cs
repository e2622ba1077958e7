using System.Text.Json;
using Coach.Abstractions;
using Coach.Payments;

namespace Coach.AspNetCore.Payments;

/// <summary>
/// The payment links of the caller. They are handed out and stay: a seller has to keep what was paid.
/// </summary>
internal sealed class PaymentData(IPaymentLinks links) : ICallerData
{
    private const int MostListed = 1_000;

    public string Name => "payments";

    public async Task ExportAsync(
        CallerContext caller, Utf8JsonWriter writer, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(caller);
        ArgumentNullException.ThrowIfNull(writer);
        IReadOnlyList<PaymentLink> own = await PaymentOwner
            .ListAsync(links, caller, MostListed, cancellationToken).ConfigureAwait(false);
        writer.WriteStartArray();
        foreach (PaymentLink link in own)
        {
            writer.WriteStartObject();
            writer.WriteString("id", link.Id);
            writer.WriteString("status", link.Status.ToString());
            writer.WriteNumber("amount", link.Amount.MinorUnits);
            writer.WriteString("currency", link.Amount.Currency);
            writer.WriteBoolean("isSimulated", link.IsSimulated);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    public Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default) =>
        Task.FromResult(0);
}
