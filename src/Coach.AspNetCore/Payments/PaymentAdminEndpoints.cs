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
    private const int UsuallyListed = 100;
    private const int LongestCursor = 400;
    private const int MostDays = 3660;

    public static void Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        endpoints.MapGet(pattern + "/open", (
            [FromServices] PaymentAdminEndpoints handler, HttpContext context) => handler.OpenAsync(context))
            .ExcludeFromDescription();
        endpoints.MapGet(pattern + "/report", (
            [FromServices] PaymentAdminEndpoints handler, HttpContext context) => handler.ReportAsync(context))
            .ExcludeFromDescription();
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
        if (!TryPage(context.Request, out int limit, out string? after))
        {
            return WrongPage();
        }

        DateTimeOffset now = time.GetUtcNow();
        IReadOnlyList<PaymentLink> open =
            await links.ListOpenAsync(limit, after, context.RequestAborted).ConfigureAwait(false);
        return Json(context, json =>
        {
            json.WriteStartArray("links");
            foreach (PaymentLink link in open)
            {
                json.WriteStartObject();
                json.WriteString("id", link.Id);
                json.WriteString("operationKey", link.OperationKey);
                json.WriteNumber("amount", link.Amount.MinorUnits);
                json.WriteString("currency", link.Amount.Currency);

                // A clock that was set back makes no link younger than new.
                json.WriteNumber("ageSeconds", Math.Max(0, (long)(now - link.CreatedAt).TotalSeconds));
                json.WriteBoolean("isSimulated", link.IsSimulated);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            WriteNext(json, open.Count == limit ? open[^1].Id : null);
        });
    }

    public async Task<IResult> ReportAsync(HttpContext context)
    {
        DateOnly today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        if (!TryDay(context.Request, "from", today.AddDays(-30), out DateOnly first)
            || !TryDay(context.Request, "to", today, out DateOnly last)
            || last < first || last.DayNumber - first.DayNumber > MostDays)
        {
            return CoachProblem.Invalid("Give days as 2026-11-01, the first before the last, at most ten years apart.");
        }

        IReadOnlyList<PaymentReportRow> rows =
            await reports.ByDayAsync(first, last, context.RequestAborted).ConfigureAwait(false);
        return Json(context, json =>
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
        context.Response.Headers.CacheControl = "no-store";
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
        if (!TryPage(context.Request, out int limit, out string? after))
        {
            return WrongPage();
        }

        PaymentFact? last = null;
        if (after is not null)
        {
            // The cursor is the fact's name behind its operation's, which may hold a colon itself.
            int cut = after.LastIndexOf(':');
            last = cut < 0 ? null : await events
                .FindAsync(after[..cut], after[(cut + 1)..], context.RequestAborted).ConfigureAwait(false);
            if (last is null)
            {
                return WrongPage();
            }
        }

        IReadOnlyList<PaymentFact> dead = await events
            .ListAsync(PaymentFactState.Dead, limit, last, context.RequestAborted).ConfigureAwait(false);
        return Json(context, json =>
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
            WriteNext(json, dead.Count == limit ? $"{dead[^1].Tag}:{dead[^1].Id}" : null);
        });
    }

    public async Task<IResult> ReplayAsync(string id, HttpContext context)
    {
        PaymentFact? last = null;
        while (true)
        {
            IReadOnlyList<PaymentFact> dead = await events
                .ListAsync(PaymentFactState.Dead, MostListed, last, context.RequestAborted).ConfigureAwait(false);
            if (dead.FirstOrDefault(fact => fact.Id == id) is { } found)
            {
                bool isReplayed = await events.ReplayAsync(found, context.RequestAborted).ConfigureAwait(false);
                return isReplayed ? Results.NoContent() : NoSuchLetter();
            }

            if (dead.Count < MostListed)
            {
                return NoSuchLetter();
            }

            last = dead[^1];
        }
    }

    private static CoachProblem NoSuchLetter() =>
        CoachProblem.Invalid("There is no dead letter with this id.", StatusCodes.Status404NotFound);

    private static CoachProblem WrongPage() => CoachProblem.Invalid(
        $"Give a limit of 1 to {MostListed}, and as after the next of the page before.");

    private static bool TryPage(HttpRequest request, out int limit, out string? after)
    {
        limit = UsuallyListed;
        after = request.Query["after"] is [{ } cursor] ? cursor : null;
        bool isLimit = request.Query["limit"] switch
        {
            [] => true,
            [{ } text] => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit),
            _ => false,
        };
        return isLimit && limit is >= 1 and <= MostListed && after is null or { Length: >= 1 and <= LongestCursor }
            && request.Query["after"].Count <= 1;
    }

    private static bool TryDay(HttpRequest request, string name, DateOnly otherwise, out DateOnly day)
    {
        day = otherwise;
        return request.Query[name] switch
        {
            [] => true,
            [{ } text] => DateOnly.TryParseExact(
                text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out day),
            _ => false,
        };
    }

    private static void WriteNext(Utf8JsonWriter json, string? next)
    {
        if (next is not null)
        {
            json.WriteString("next", next);
        }
    }

    // Payers' money, for whoever may see it and for no cache on the way.
    private static IResult Json(HttpContext context, Action<Utf8JsonWriter> write)
    {
        context.Response.Headers.CacheControl = "no-store";
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
