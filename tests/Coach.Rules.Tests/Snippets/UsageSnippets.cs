using Coach.Abstractions;
using Coach.AspNetCore;
using Coach.Usage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rules.Tests.Snippets;

internal static class UsageSnippets
{
    public static void Register(IServiceCollection services)
    {
        #region usage-register
        services.AddCoachUsage(options =>
        {
            options.PriceFile = "prices.json";
            options.Limits.Add(new BudgetLimit { Name = "call", Period = BudgetPeriod.Request, Max = 500_000 });      // 0.50 a call
            options.Limits.Add(new BudgetLimit { Name = "day", Period = BudgetPeriod.Day, Max = 10_000_000 });        // 10 a day and user
            options.Limits.Add(new BudgetLimit { Name = "month", Scope = BudgetScope.App, Period = BudgetPeriod.Month, Max = 100_000_000 });
        });
        #endregion
    }

    public static async Task AskAsync(
        IChatClient provider, CallerContext caller, IServiceProvider services, CancellationToken cancellationToken)
    {
        #region usage-ask
        IChatClient client = provider.AsBuilder()
            .UseBudget(new UsageCallOptions(caller) { Provider = "gemini" })   // above a fallback: one reservation a call
            .UseUsage(new UsageCallOptions(caller) { Provider = "gemini" })    // below it: each attempt is counted
            .Build(services);
        ChatResponse answer = await client.GetResponseAsync("How are you?", cancellationToken: cancellationToken);
        var cost = (UsageCost)answer.AdditionalProperties![UsageProperties.Cost]!;
        Console.WriteLine(cost.Amount is { } amount ? amount.ToString() : "the price is not known");
        #endregion
    }

    public static void Sell(CoachBuilder coach)
    {
        #region usage-sell
        coach.AddCredits(sale => sale.Packs.Add(
            new CreditPack { Id = "small", Title = "100 answers", PriceMinorUnits = 500, CreditMicros = 5_000_000 }));
        coach.Services.AddCoachSqlite("coach.db");   // money outlives the process
        #endregion
    }

    public static void Keep(IServiceCollection services)
    {
        #region sqlite-register
        services.AddCoachUsage();
        services.AddCoachPayments();
        services.AddCoachLlm();
        services.AddCoachSqlite("coach.db");   // after the packages whose stores in memory it replaces
        #endregion
    }
}
