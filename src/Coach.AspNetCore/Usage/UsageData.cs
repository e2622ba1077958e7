using System.Text.Json;
using Coach.Abstractions;
using Coach.Usage;

namespace Coach.AspNetCore.Usage;

/// <summary>
/// What a caller used, by day and model. Erasing it makes the entries nobody's; a balance that was bought stays, as its
/// payments do.
/// </summary>
internal sealed class UsageData(IUsageLedger ledger) : ICallerData
{
    public string Name => "usage";

    public async Task ExportAsync(
        CallerContext caller, Utf8JsonWriter writer, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<UsageTotal> totals = await ledger
            .SumAsync(new LedgerQuery { Account = LedgerAccount.Usage(caller) }, cancellationToken)
            .ConfigureAwait(false);
        writer.WriteStartArray();
        foreach (UsageTotal total in totals)
        {
            writer.WriteStartObject();
            writer.WriteString("day", total.Day.ToString("O", System.Globalization.CultureInfo.InvariantCulture));
            writer.WriteString("provider", total.Provider);
            writer.WriteString("model", total.Model);
            writer.WriteNumber("calls", total.Counts.Requests);
            writer.WriteNumber("inputTokens", total.Counts.TotalInput);
            writer.WriteNumber("outputTokens", total.Counts.TotalOutput);
            writer.WriteNumber("costMicro", total.Cost.Micros);
            writer.WriteString("currency", total.Cost.Currency);
            writer.WriteNumber("unpricedCalls", total.Unpriced);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    public async Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default) =>
        await ledger.EraseAsync(LedgerAccount.Usage(caller), cancellationToken).ConfigureAwait(false) ? 1 : 0;
}
