using System.Data.Common;
using Coach.Usage;
using Memo.Configuration;
using Memo.Data;
using Memo.People;

namespace Memo.Costs;

/// <summary>Takes the books along from SQLite to PostgreSQL: each entry once, and what counts against this month.</summary>
internal static class LedgerMove
{
    /// <returns>How many entries came over.</returns>
    public static async Task<int> RunAsync(
        MemoDatabase jobs, string file, IConfiguration target, SettingsStore settings, TimeProvider time)
    {
        await using ServiceProvider from = Services(new ConfigurationBuilder().Build(), file, settings, time);
        await using ServiceProvider to = Services(target, file, settings, time);
        IUsageLedger source = from.GetRequiredService<IUsageLedger>();
        (IUsageLedger ledger, IBudget budget) = (to.GetRequiredService<IUsageLedger>(), to.GetRequiredService<IBudget>());
        int moved = 0;
        foreach (string user in await UsersAsync(jobs).ConfigureAwait(false))
        {
            string account = LedgerAccount.Usage(JobBudget.CallerOf(user));
            await foreach (LedgerEntry entry in source.ReadAsync(new LedgerQuery { Account = account }).ConfigureAwait(false))
            {
                moved += await MoveAsync(entry, account, user, ledger, budget).ConfigureAwait(false);
            }
        }

        return moved;
    }

    // The budget first: a move that is killed between the two is repeated, and an id settles once.
    private static async Task<int> MoveAsync(
        LedgerEntry entry, string account, string user, IUsageLedger ledger, IBudget budget)
    {
        if (await ledger.FindAsync(entry.Key).ConfigureAwait(false) is not null)
        {
            return 0;
        }

        BudgetReservation past = budget.Resume(
            new BudgetRequest { Id = entry.Key, At = entry.At, Caller = JobBudget.CallerOf(user), IsHostPaid = true });
        await budget.SettleAsync(past, -entry.Amount.Micros, entry.Counts.TotalTokens).ConfigureAwait(false);
        LedgerAppend kept = await ledger.AppendAsync(new LedgerTransaction
        {
            Key = entry.Key,
            Kind = entry.Kind,
            Account = account,
            Contra = LedgerAccount.AppUsage,
            Amount = entry.Amount,
            IsPriced = entry.IsPriced,
            IsEstimated = entry.IsEstimated,
            Provider = entry.Provider,
            Model = entry.Model,
            Counts = entry.Counts,
            Outcome = entry.Outcome,
            Reference = entry.Reference,
        }).ConfigureAwait(false);
        return kept.IsNew ? 1 : 0;
    }

    private static ServiceProvider Services(
        IConfiguration configuration, string file, SettingsStore settings, TimeProvider time) => new ServiceCollection()
        .AddLogging()
        .AddSingleton(time)
        .AddSingleton(_ => settings)
        .AddCosts(configuration, file)
        .BuildServiceProvider();

    private static Task<List<string>> UsersAsync(MemoDatabase jobs) => jobs.ReadAsync(
        async connection =>
        {
            const string sql = "SELECT id FROM users UNION SELECT user_id FROM evaluations";
            List<string> known = await connection.Command(sql)
                .ListAsync((DbDataReader row) => row.GetString(0), CancellationToken.None).ConfigureAwait(false);
            return known.Append(MemoUser.LocalId).Append("").Distinct(StringComparer.Ordinal).ToList();
        }, CancellationToken.None);
}
