using Coach.AspNetCore.Http;
using Coach.Usage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Usage;

/// <summary>What all callers used, behind a policy of the host's.</summary>
internal sealed class UsageAdminEndpoints(
    IUsageLedger ledger, IAuditLog audit, IOptions<CoachCreditOptions> credits, TimeProvider time,
    IServiceProvider services)
{
    public static void Map(IEndpointRouteBuilder endpoints, string pattern)
    {
        endpoints
            .MapGet(
                pattern,
                (HttpContext context, [FromServices] UsageAdminEndpoints handler) => handler.ShowAsync(context))
            .ExcludeFromDescription();
        endpoints
            .MapGet(
                pattern + "/verify",
                (HttpContext context, [FromServices] UsageAdminEndpoints handler) => handler.VerifyAsync(context))
            .ExcludeFromDescription();
    }

    public async Task<Results<Ok<UsageTotalsResponse>, CoachProblem>> ShowAsync(HttpContext context)
    {
        if (!UsagePeriod.TryRead(context.Request, time.GetUtcNow(), out LedgerQuery query))
        {
            return CoachProblem.Invalid("Give days as 2026-11-01, 'from' not after 'to', at most ten years apart.");
        }

        IReadOnlyList<UsageTotal> totals =
            await ledger.SumAsync(query, context.RequestAborted).ConfigureAwait(false);
        MicroAmount sold = await ledger
            .GetBalanceAsync(LedgerAccount.AppCredits, credits.Value.Currency, context.RequestAborted)
            .ConfigureAwait(false);
        return TypedResults.Ok(new UsageTotalsResponse
        {
            Days = [.. totals.Select(UsageDay.Of)],
            CreditsMicro = services.GetService<CreditSettings>() is null ? null : -sold.Micros,
            Currency = sold.Currency,
        });
    }

    public async Task<Ok<UsageVerification>> VerifyAsync(HttpContext context)
    {
        LedgerVerification found = await ledger.VerifyAsync(null, context.RequestAborted).ConfigureAwait(false);
        long? auditProblem = await audit.VerifyAsync(context.RequestAborted).ConfigureAwait(false);
        return TypedResults.Ok(new UsageVerification
        {
            IsWhole = found.IsWhole && auditProblem is null,
            Accounts = found.Accounts,
            Entries = found.Entries,
            Problems = [.. found.Problems.Select(problem => $"{problem.Account} {problem.Sequence}: {problem.What}")],
            AuditProblem = auditProblem,
        });
    }
}
