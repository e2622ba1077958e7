using System.Globalization;
using Coach.Payments.Links;

namespace Coach.Payments.Reports;

/// <summary>The service behind <see cref="IPaymentReports"/>: one pass over the records, a page at a time.</summary>
internal sealed class PaymentReports(PaymentRecordRepository records) : IPaymentReports
{
    private const int PageSize = 500;
    private const int MostDays = 3660;
    private const string Header = "day,link,operation,reference,mode,account,session,payment,charge,status,amount,currency,"
        + "refunded,fee,net,settlement_currency,method,paid_at,disputed,mismatch";

    public async Task<IReadOnlyList<PaymentReportRow>> ByDayAsync(
        DateOnly from, DateOnly to, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(to, from);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(to.DayNumber - from.DayNumber, MostDays, nameof(to));
        var days = new Dictionary<(DateOnly Day, string Currency, bool IsLive), PaymentReportRow>();
        await foreach (PaymentRecord record in AllAsync(cancellationToken).ConfigureAwait(false))
        {
            bool isLive = record is { IsLive: true, IsSimulated: false };
            if (record.State == PaymentRecordState.Completed)
            {
                Change(record.CreatedAt, record.Request.Amount.Currency, isLive, static row =>
                    row with { Links = row.Links + 1 });
            }

            foreach (LinkPayment payment in record.Payments)
            {
                if (payment is { Status: PaymentStatus.Succeeded, PaidAt: { } at, Currency: { } currency })
                {
                    Change(at, currency, isLive, row => Add(row, payment));
                }
            }
        }

        bool hasLive = days.Keys.Any(static key => key.IsLive);
        return
        [
            .. days.Values.Where(row => row.IsLive == hasLive).OrderBy(static row => row.Day)
                .ThenBy(static row => row.Currency, StringComparer.Ordinal),
        ];

        void Change(DateTimeOffset at, string currency, bool isLive, Func<PaymentReportRow, PaymentReportRow> change)
        {
            var day = DateOnly.FromDateTime(at.UtcDateTime);
            if (day < from || day > to)
            {
                return;
            }

            var empty = new PaymentReportRow(day, currency, isLive, 0, 0, 0, 0, 0, 0, 0);
            days[(day, currency, isLive)] = change(days.GetValueOrDefault((day, currency, isLive), empty));
        }
    }

    public async Task<int> WriteCsvAsync(TextWriter writer, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(writer);
        await writer.WriteAsync(Header + "\r\n").ConfigureAwait(false);
        int count = 0;
        await foreach (PaymentRecord record in AllAsync(cancellationToken).ConfigureAwait(false))
        {
            foreach (LinkPayment payment in record.Payments.Where(static row => row.SessionId.Length > 0))
            {
                await writer.WriteAsync(Line(record, payment)).ConfigureAwait(false);
                count++;
            }
        }

        return count;
    }

    private static PaymentReportRow Add(PaymentReportRow row, LinkPayment payment) => row with
    {
        Payments = row.Payments + 1,
        PaidMinorUnits = row.PaidMinorUnits + (payment.MinorUnits ?? 0),
        RefundedMinorUnits = row.RefundedMinorUnits + payment.RefundedMinorUnits,
        FeeMinorUnits = row.FeeMinorUnits
            + (payment.SettlementCurrency == payment.Currency ? payment.FeeMinorUnits ?? 0 : 0),
        Disputes = row.Disputes + (payment.Disputes.Count > 0 ? 1 : 0),
        Mismatches = row.Mismatches + (payment.HasAmountMismatch ? 1 : 0),
    };

    private static string Line(PaymentRecord record, LinkPayment payment)
    {
        string mode = (record.IsSimulated, record.IsLive) switch
        {
            (true, _) => "simulated",
            (_, true) => "live",
            (_, false) => "test",
            _ => "",
        };
        string?[] fields =
        [
            payment.PaidAt?.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), record.LinkId,
            record.Request.OperationKey, record.Request.Reference, mode, record.Account, payment.SessionId,
            payment.PaymentIntentId, payment.ChargeId, payment.Status.ToString(), Text(payment.MinorUnits),
            payment.Currency, Text(payment.RefundedMinorUnits), Text(payment.FeeMinorUnits),
            Text(payment.NetMinorUnits), payment.SettlementCurrency, payment.Method,
            payment.PaidAt?.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            YesNo(payment.Disputes.Count > 0),
            YesNo(payment.HasAmountMismatch),
        ];
        return string.Join(',', fields.Select(Field)) + "\r\n";
    }

    private static string YesNo(bool flag) => flag ? "true" : "false";

    private static string? Text(long? number) => number?.ToString(CultureInfo.InvariantCulture);

    // Quoted where RFC 4180 asks for it; and what a spreadsheet would take for a formula is text (OWASP, CSV
    // injection).
    private static string Field(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        text = text[0] is '=' or '+' or '-' or '@' or '\t' ? "'" + text : text;
        return text.AsSpan().ContainsAny(",\"\r\n") || text[0] == '\''
            ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
            : text;
    }

    private async IAsyncEnumerable<PaymentRecord> AllAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? after = null;
        while (true)
        {
            IReadOnlyList<PaymentRecord> page = await records.QueryAsync(
                new PaymentRecordQuery(PaymentRecordFilter.All, PageSize) { AfterTag = after }, cancellationToken)
                .ConfigureAwait(false);
            foreach (PaymentRecord record in page)
            {
                yield return record;
            }

            if (page.Count < PageSize)
            {
                yield break;
            }

            after = page[^1].Tag;
        }
    }
}
