using System.Globalization;
using System.Text;
using System.Text.Json;
using Coach.AspNetCore.Http;
using Coach.Payments;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Coach.AspNetCore.Payments;

/// <summary>What a seller looks at, behind a policy of the host's.</summary>
internal sealed class PaymentAdminEndpoints(
    IPaymentLinks links, IPaymentReports reports, IPaymentEvents events, TimeProvider time)
{
    private const int MostListed = 1000;

    public static void Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        endpoints.MapGet(pattern + "/open", ([FromServices] PaymentAdminEndpoints handler, HttpContext context) =>
            handler.OpenAsync(context)).ExcludeFromDescription();
        endpoints.MapGet(pattern + "/report", (
            string? from, string? to, [FromServices] PaymentAdminEndpoints handler, HttpContext context) =>
            handler.ReportAsync(from, to, context)).ExcludeFromDescription();
        endpoints.MapGet(pattern + "/payments.csv", (
            [FromServices] PaymentAdminEndpoints handler, HttpContext context) => handler.CsvAsync(context))
            .ExcludeFromDescription();
        endpoints.MapGet(pattern + "/facts/dead", (
            [FromServices] PaymentAdminEndpoints handler, HttpContext context) => handler.DeadAsync(context))
            .ExcludeFromDescription();
        endpoints.MapPost(pattern + "/facts/dead/{id}/replay", (
            string id, [FromServices] PaymentAdminEndpoints handler, HttpContext context) =>
            handler.ReplayAsync(id, context))
            .WithMetadata(new AuditAction("payment_fact.replay"))
            .ExcludeFromDescription();
    }

    public async Task<IResult> OpenAsync(HttpContext context)
    {
        DateTimeOffset now = time.GetUtcNow();
        IReadOnlyList<PaymentLink> open =
            await links.ListOpenAsync(MostListed, context.RequestAborted).ConfigureAwait(false);
        return Json(json =>
        {
            json.WriteStartArray("links");
            foreach (PaymentLink link in open)
            {
                json.WriteStartObject();
                json.WriteString("id", link.Id);
                json.WriteString("operationKey", link.OperationKey);
                json.WriteNumber("amount", link.Amount.MinorUnits);
                json.WriteString("currency", link.Amount.Currency);
                json.WriteNumber("ageSeconds", (long)(now - link.CreatedAt).TotalSeconds);
                json.WriteBoolean("isSimulated", link.IsSimulated);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    public async Task<IResult> ReportAsync(string? from, string? to, HttpContext context)
    {
        DateOnly today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        if (!TryDay(from, today.AddDays(-30), out DateOnly first) || !TryDay(to, today, out DateOnly last)
            || last < first || last.DayNumber - first.DayNumber > 3660)
        {
            return CoachProblem.Invalid("Give days as 2026-11-01, the first before the last, at most ten years apart.");
        }

        IReadOnlyList<PaymentReportRow> rows =
            await reports.ByDayAsync(first, last, context.RequestAborted).ConfigureAwait(false);
        return Json(json =>
        {
            json.WriteStartArray("days");
            foreach (PaymentReportRow row in rows)
            {
                json.WriteStartObject();
                json.WriteString("day", row.Day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
                json.WriteString("currency", row.Currency);
                json.WriteBoolean("isLive", row.IsLive);
                json.WriteNumber("links", row.Links);
                json.WriteNumber("payments", row.Payments);
                json.WriteNumber("paid", row.PaidMinorUnits);
                json.WriteNumber("refunded", row.RefundedMinorUnits);
                json.WriteNumber("fees", row.FeeMinorUnits);
                json.WriteNumber("disputes", row.Disputes);
                json.WriteNumber("mismatches", row.Mismatches);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    public async Task<IResult> CsvAsync(HttpContext context)
    {
        context.Response.ContentType = "text/csv; charset=utf-8";
        context.Response.Headers.ContentDisposition = "attachment; filename=payments.csv";
        var writer = new StreamWriter(context.Response.Body, new UTF8Encoding(false), leaveOpen: true);
        await using (writer.ConfigureAwait(false))
        {
            await reports.WriteCsvAsync(writer, context.RequestAborted).ConfigureAwait(false);
        }

        return Results.Empty;
    }

    public async Task<IResult> DeadAsync(HttpContext context)
    {
        IReadOnlyList<PaymentFact> dead = await events
            .ListAsync(PaymentFactState.Dead, MostListed, context.RequestAborted).ConfigureAwait(false);
        return Json(json =>
        {
            json.WriteStartArray("facts");
            foreach (PaymentFact fact in dead)
            {
                json.WriteStartObject();
                json.WriteString("id", fact.Id);
                json.WriteString("kind", fact.Kind.ToString());
                json.WriteString("linkId", fact.LinkId);
                json.WriteString("operationKey", fact.OperationKey);
                json.WriteString("occurredAt", fact.OccurredAt);
                json.WriteNumber("attempts", fact.Attempts);
                json.WriteString("error", fact.Error);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    public async Task<IResult> ReplayAsync(string id, HttpContext context)
    {
        IReadOnlyList<PaymentFact> dead = await events
            .ListAsync(PaymentFactState.Dead, MostListed, context.RequestAborted).ConfigureAwait(false);
        bool isReplayed = dead.FirstOrDefault(fact => fact.Id == id) is { } fact
            && await events.ReplayAsync(fact, context.RequestAborted).ConfigureAwait(false);
        return isReplayed
            ? Results.NoContent()
            : CoachProblem.Invalid("There is no dead letter with this id.", StatusCodes.Status404NotFound);
    }

    private static bool TryDay(string? text, DateOnly otherwise, out DateOnly day)
    {
        day = otherwise;
        return text is null || DateOnly.TryParseExact(
            text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out day);
    }

    private static IResult Json(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return Results.Bytes(stream.ToArray(), "application/json");
    }
}
