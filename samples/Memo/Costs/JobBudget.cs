using Coach.Abstractions;
using Coach.Usage;
using Memo.Configuration;
using Memo.Evaluation;
using Memo.Jobs;

namespace Memo.Costs;

/// <summary>
/// Money for jobs: set aside when one is submitted, held while it waits and runs, settled with what it cost. A job's id
/// names its reservation, so that any host can go on with it.
/// </summary>
internal sealed class JobBudget(
    IBudget budget, IUsageLedger ledger, EvaluationStore store, SettingsStore settings, ILogger<JobBudget> logger)
{
    private const int Batch = 500;

    private static readonly SessionId Session = SessionId.From("memo-host");

    /// <summary>Whose account a user's evaluations are booked on.</summary>
    public static CallerContext CallerOf(string userId) => new(Session, userId.Length == 0 ? "erased" : userId);

    /// <summary>Sets aside what one evaluation may cost. One in mock mode costs nothing.</summary>
    /// <returns>What was set aside.</returns>
    /// <exception cref="UsageException">A limit is reached.</exception>
    public async Task<long> ReserveAsync(EvaluationRecord job, CancellationToken cancellationToken)
    {
        long most = job.IsMock ? 0 : settings.Current.Llm.RequestLimitMicro;
        if (most > 0)
        {
            await budget.ReserveAsync(RequestOf(job.Id, job.UserId, job.CreatedAt, most), cancellationToken)
                .ConfigureAwait(false);
        }

        return most;
    }

    /// <summary>Gives back what was set aside for a job that was not taken into the queue.</summary>
    public async Task ReleaseAsync(EvaluationRecord job, long reserved)
    {
        if (reserved > 0)
        {
            await budget.ReleaseAsync(budget.Resume(RequestOf(job.Id, job.UserId, job.CreatedAt, reserved)))
                .ConfigureAwait(false);
        }
    }

    /// <summary>Holds what is set aside for a job that begins; sets it aside again if the host was away too long.</summary>
    /// <exception cref="UsageException">It is not there any more, and a limit is reached.</exception>
    public async Task HoldAsync(EvaluationRecord job, CancellationToken cancellationToken)
    {
        if (job.ReservedMicro == 0)
        {
            return;
        }

        BudgetRequest request = RequestOf(job.Id, job.UserId, job.CreatedAt, job.ReservedMicro);
        if (!await budget.RenewAsync(budget.Resume(request), cancellationToken).ConfigureAwait(false))
        {
            await budget.ReserveAsync(request, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Holds what is set aside for all jobs that wait or run: more often than their lease ends.</summary>
    public async Task HoldAllAsync(CancellationToken cancellationToken)
    {
        foreach (EvaluationRecord job in await store.ListReservedAsync(cancellationToken).ConfigureAwait(false))
        {
            BudgetRequest request = RequestOf(job.Id, job.UserId, job.CreatedAt, job.ReservedMicro);
            await budget.RenewAsync(budget.Resume(request), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Books one job that ended. What cannot be booked now stays for <see cref="SettleAllAsync"/>.</summary>
    public async Task SettleAsync(string id)
    {
        try
        {
            foreach (Settlement settlement in await store.ListSettlementsAsync(id, 1, CancellationToken.None)
                .ConfigureAwait(false))
            {
                await BookAsync(settlement, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (CoachException exception)
        {
            logger.LogWarning("The cost of {Id} is booked later: {Code}", id, exception.Code);
        }
    }

    /// <summary>Books what a host that was killed left, and what an earlier version kept in a table of its own.</summary>
    public async Task SettleAllAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            List<Settlement> left = await store.ListSettlementsAsync(null, Batch, cancellationToken).ConfigureAwait(false);
            if (left.Count == 0)
            {
                return;
            }

            await Parallel.ForEachAsync(
                left, new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = cancellationToken },
                async (settlement, cancellation) => await BookAsync(settlement, cancellation).ConfigureAwait(false))
                .ConfigureAwait(false);
        }
    }

    /// <summary>What a user's evaluations cost.</summary>
    public async Task<List<CostEntry>> EntriesAsync(string userId, CancellationToken cancellationToken)
    {
        var entries = new List<CostEntry>();
        var query = new LedgerQuery { Account = LedgerAccount.Usage(CallerOf(userId)) };
        await foreach (LedgerEntry entry in ledger.ReadAsync(query, cancellationToken).ConfigureAwait(false))
        {
            entries.Add(new CostEntry(
                entry.At, entry.Reference, entry.Provider, entry.Model, entry.Counts.TotalInput, entry.Counts.TotalOutput,
                -entry.Amount.Micros, entry.Amount.Currency));
        }

        return entries;
    }

    // The ledger keeps a key once and the budget settles an id once: whoever repeats this after a kill changes nothing.
    private async Task BookAsync(Settlement settlement, CancellationToken cancellationToken)
    {
        for (int i = 0; i < settlement.Calls.Count; i++)
        {
            try
            {
                await ledger.AppendAsync(Entry(settlement, i), cancellationToken).ConfigureAwait(false);
            }
            catch (UsageException exception) when (exception.Error == UsageError.KeyConflict)
            {
                // Booked before it was done again, after a restored backup: what was charged then stays the charge.
            }
        }

        if (settlement.ReservedMicro > 0)
        {
            BudgetReservation reservation = budget.Resume(RequestOf(
                settlement.EvaluationId, settlement.UserId, settlement.ReservedAt, settlement.ReservedMicro));
            long cost = settlement.Calls.Sum(call => call.CostMicro);
            long tokens = settlement.Calls.Sum(call => call.Counts.TotalTokens);
            if (cost == 0 && tokens == 0)
            {
                await budget.ReleaseAsync(reservation, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await budget.SettleAsync(reservation, cost, tokens, cancellationToken).ConfigureAwait(false);
            }
        }

        await store.RemoveSettlementAsync(settlement.EvaluationId, cancellationToken).ConfigureAwait(false);
    }

    private static LedgerTransaction Entry(Settlement settlement, int number)
    {
        ModelCall call = settlement.Calls[number];
        return new LedgerTransaction
        {
            Key = string.Create(
                System.Globalization.CultureInfo.InvariantCulture, $"memo-{settlement.EvaluationId}-{number}"),
            Kind = LedgerEntryKind.Usage,
            Account = LedgerAccount.Usage(CallerOf(settlement.UserId)),
            Contra = LedgerAccount.AppUsage,
            Amount = new MicroAmount(-call.CostMicro, "usd"),
            IsEstimated = call.IsEstimated,
            Provider = call.Provider,
            Model = call.Model.Length > 200 ? call.Model[..200] : call.Model,
            Counts = call.Counts,
            Outcome = call.Outcome,
            Reference = settlement.EvaluationId,
        };
    }

    private static BudgetRequest RequestOf(string id, string userId, DateTimeOffset at, long micro) => new()
    {
        Id = id,
        At = at,
        Caller = CallerOf(userId),
        CostMicros = micro,
        IsHostPaid = true,
    };
}

/// <summary>One entry of the books, as its owner sees it.</summary>
internal sealed record CostEntry(
    DateTimeOffset At, string EvaluationId, string Provider, string Model, long InputTokens, long OutputTokens,
    long CostMicro, string Currency);
