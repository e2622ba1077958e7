using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.AspNetCore.Sessions;
using Coach.Usage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.AspNetCore.Usage;

/// <summary>What this caller used, what is left, and the entries behind it.</summary>
internal sealed class UsageEndpoints(
    IUsageLedger ledger, IBudget budget, UsageRecorder recorder, ICallerResolver callers, TimeProvider time,
    IServiceProvider services)
{
    private static readonly Failure[] OfUsage =
    [
        .. Failures.OfASession,
        .. Failures.Of("the days are not well formed", ErrorCodes.RequestInvalid),
        .. Failures.Of("the ledger is away", ErrorCodes.StoreUnavailable),
    ];

    public static void Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        endpoints
            .MapGet(
                pattern,
                ([FromQuery] string? from, [FromQuery] string? to, HttpContext context,
                    [FromServices] UsageEndpoints handler) => handler.ShowAsync(context))
            .WithTags("Usage")
            .WithSummary("Shows what this caller used by day and model, the limits, and the balance")
            .CanFail(OfUsage);
        endpoints
            .MapGet(
                pattern + "/export",
                ([FromQuery] string? from, [FromQuery] string? to, [FromQuery] string? format, HttpContext context,
                    [FromServices] UsageEndpoints handler) => handler.ExportAsync(context))
            .WithTags("Usage")
            .WithSummary("Gives this caller's entries as CSV or JSON Lines (format=csv, jsonl)")
            .Produces<string>(StatusCodes.Status200OK, "text/csv", "application/jsonl")
            .CanFail(OfUsage);
    }

    public async Task<Results<Ok<UsageResponse>, CoachProblem>> ShowAsync(HttpContext context)
    {
        if (!UsagePeriod.TryRead(context.Request, time.GetUtcNow(), out LedgerQuery query))
        {
            return WrongDays();
        }

        CallerContext caller = await CallerAsync(context).ConfigureAwait(false);
        CancellationToken aborted = context.RequestAborted;
        IReadOnlyList<UsageTotal> totals = await ledger
            .SumAsync(query with { Account = LedgerAccount.Usage(caller) }, aborted).ConfigureAwait(false);
        IReadOnlyList<BudgetStatus> limits =
            await budget.GetStatusAsync(caller, "", aborted).ConfigureAwait(false);
        CreditBalance? balance = services.GetService<CreditSettings>() is null
            ? null
            : await services.GetRequiredService<ICredits>()
                .GetBalanceAsync(LedgerAccount.Credits(caller), aborted).ConfigureAwait(false);
        return TypedResults.Ok(new UsageResponse
        {
            Days = [.. totals.Select(UsageDay.Of)],
            Currency = recorder.Currency,

            // What all callers use together is the host's affair.
            Limits =
            [
                .. limits.Where(limit => limit.Scope is BudgetScope.User or BudgetScope.Session).Select(UsageLimit.Of),
            ],
            Balance = balance is null ? null : UsageBalance.Of(balance),
        });
    }

    public async Task<Results<EmptyHttpResult, CoachProblem>> ExportAsync(HttpContext context)
    {
        string format = context.Request.Query["format"].ToString() is { Length: > 0 } asked ? asked : "csv";
        if (!UsagePeriod.TryRead(context.Request, time.GetUtcNow(), out LedgerQuery query))
        {
            return WrongDays();
        }

        if (format is not ("csv" or "jsonl"))
        {
            return CoachProblem.Invalid("An export's format is csv or jsonl.");
        }

        CallerContext caller = await CallerAsync(context).ConfigureAwait(false);
        IAsyncEnumerable<LedgerEntry> entries = OwnAsync(query, caller);
        HttpResponse response = context.Response;
        response.Headers.ContentDisposition = $"attachment; filename=\"usage.{format}\"";
        if (format == "csv")
        {
            response.ContentType = "text/csv; charset=utf-8";
            await LedgerExport.WriteCsvAsync(entries, response.Body, context.RequestAborted).ConfigureAwait(false);
        }
        else
        {
            response.ContentType = "application/jsonl; charset=utf-8";
            await LedgerExport.WriteJsonLinesAsync(entries, response.Body, context.RequestAborted)
                .ConfigureAwait(false);
        }

        return TypedResults.Empty;
    }

    private async IAsyncEnumerable<LedgerEntry> OwnAsync(LedgerQuery query, CallerContext caller)
    {
        foreach (string account in (string[])[LedgerAccount.Usage(caller), LedgerAccount.Credits(caller)])
        {
            IAsyncEnumerable<LedgerEntry> entries = ledger.ReadAsync(query with { Account = account });
            await foreach (LedgerEntry entry in entries.ConfigureAwait(false))
            {
                yield return entry;
            }
        }
    }

    private ValueTask<CallerContext> CallerAsync(HttpContext context) =>
        callers.ResolveAsync(context);

    private static CoachProblem WrongDays() => CoachProblem.Invalid(
        "Give days as 2026-11-01, 'from' not after 'to', at most ten years apart.");
}
