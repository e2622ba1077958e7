using Coach.Abstractions;
using Coach.Testing.Stores;
using Coach.Usage;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="IUsageLedger"/> must do: one test per name of <see cref="Names"/> that calls
/// <see cref="RunAsync"/>.
/// </summary>
public static class UsageLedgerContract
{
    private static readonly ContractSuite<IUsageLedger> Suite = new(new(StringComparer.Ordinal)
    {
        ["Append_MovesTheAmountBetweenBothAccounts"] = MovesAsync,
        ["Append_TheSameKeyAgain_IsKeptOnce"] = OnceAsync,
        ["Append_TheSameKeyForSomethingElse_IsAConflict"] = ConflictAsync,
        ["Append_ManyAtOnce_LosesNothing"] = RaceAsync,
        ["Append_TheSameKeyAtOnce_IsKeptOnce"] = SameKeyRaceAsync,
        ["Append_OutOfRange_IsRefused"] = RangesAsync,
        ["Append_EveryField_ComesBack"] = FieldsAsync,
        ["Balances_OfCurrencies_DoNotMix"] = CurrenciesAsync,
        ["Sum_IsByDayAndModel"] = SumAsync,
        ["Verify_AfterAll_IsWhole"] = VerifyAsync,
        ["Prune_LeavesBalancesAndKeys"] = PruneAsync,
        ["Erase_LeavesEntriesThatLeadToNobody"] = EraseAsync,
    });

    /// <summary>The names of the checks.</summary>
    public static IReadOnlyList<string> Names => Suite.Names;

    /// <summary>Runs one check.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="store">The store; what it holds already does not matter, the check's names are random.</param>
    /// <param name="advance">Lets the store's clock pass by that much.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    /// <returns>A task that ends when the check passed.</returns>
    /// <exception cref="ArgumentException">There is no such check.</exception>
    /// <exception cref="InvalidOperationException">The store broke the contract; the message says how.</exception>
    public static Task RunAsync(
        string name, IUsageLedger store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken = default) =>
        Suite.RunAsync(name, store, advance, cancellationToken);

    private static async Task MovesAsync(
        IUsageLedger ledger, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string account = Account();
        MicroAmount before = await ledger.GetBalanceAsync(LedgerAccount.AppUsage, "usd", cancellationToken)
            .ConfigureAwait(false);
        LedgerAppend first = await ledger.AppendAsync(Use(account, 70), cancellationToken).ConfigureAwait(false);
        LedgerAppend second = await ledger.AppendAsync(Use(account, 5), cancellationToken).ConfigureAwait(false);
        Contract.Holds(first.IsNew && second.IsNew, "a new key is kept");
        Contract.Holds(
            first.Entry.Sequence == 1 && second.Entry.Sequence == 2, "places of an account count from 1 without a gap");
        Contract.Holds(
            await BalanceAsync(ledger, account, cancellationToken).ConfigureAwait(false) == -75,
            "a balance is the sum of its entries");
        MicroAmount after = await ledger.GetBalanceAsync(LedgerAccount.AppUsage, "usd", cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(after.Micros - before.Micros >= 75, "the other account grows by it");
        Contract.Holds(
            !first.Entry.Account.Contains(account, StringComparison.Ordinal)
                && first.Entry.Account == second.Entry.Account,
            "an account is named by one pseudonym that says nothing of its name");
    }

    private static async Task OnceAsync(
        IUsageLedger ledger, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string account = Account();
        LedgerTransaction transaction = Use(account, 7);
        LedgerAppend first = await ledger.AppendAsync(transaction, cancellationToken).ConfigureAwait(false);
        await advance(TimeSpan.FromMinutes(1)).ConfigureAwait(false);
        LedgerAppend again = await ledger.AppendAsync(transaction, cancellationToken).ConfigureAwait(false);
        Contract.Holds(!again.IsNew && again.Entry == first.Entry, "the same key gives the entry of the first time");
        Contract.Holds(
            await BalanceAsync(ledger, account, cancellationToken).ConfigureAwait(false) == -7, "it counts once");
        LedgerEntry? found = await ledger.FindAsync(transaction.Key, cancellationToken).ConfigureAwait(false);
        Contract.Holds(found == first.Entry, "it is found by its key");
        Contract.Holds(
            await ledger.FindAsync(Contract.Tag(), cancellationToken).ConfigureAwait(false) is null,
            "an unknown key finds nothing");
    }

    private static async Task ConflictAsync(
        IUsageLedger ledger, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string account = Account();
        LedgerTransaction first = Use(account, 7);
        await ledger.AppendAsync(first, cancellationToken).ConfigureAwait(false);
        await ledger.AppendAsync(Use(account + "2", 1), cancellationToken).ConfigureAwait(false);
        LedgerTransaction[] others =
        [
            first with { Amount = new MicroAmount(-8, "usd") },
            first with { Amount = new MicroAmount(-7, "eur") },
            first with { Account = account + "2" },
            first with { Kind = LedgerEntryKind.Correction },
            first with { Reference = "another" },
        ];
        foreach (LedgerTransaction other in others)
        {
            bool isRefused = false;
            try
            {
                await ledger.AppendAsync(other, cancellationToken).ConfigureAwait(false);
            }
            catch (UsageException exception) when (exception.Error == UsageError.KeyConflict)
            {
                isRefused = exception.Code == ErrorCodes.IdempotencyConflict;
            }

            Contract.Holds(isRefused, "a key that stands for something else is a conflict");
        }

        Contract.Holds(
            await BalanceAsync(ledger, account, cancellationToken).ConfigureAwait(false) == -7,
            "a conflict changes nothing");
    }

    private static async Task RaceAsync(
        IUsageLedger ledger, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string[] accounts = [Account(), Account(), Account()];
        await Task.WhenAll(Enumerable.Range(0, 150).Select(i => Task.Run(
            () => ledger.AppendAsync(Use(accounts[i % 3], i), cancellationToken).AsTask(), cancellationToken)))
            .ConfigureAwait(false);
        for (int i = 0; i < 3; i++)
        {
            long expected = -Enumerable.Range(0, 150).Where(n => n % 3 == i).Sum();
            Contract.Holds(
                await BalanceAsync(ledger, accounts[i], cancellationToken).ConfigureAwait(false) == expected,
                "concurrent appends are all kept");
            LedgerVerification whole = await ledger.VerifyAsync(accounts[i], cancellationToken).ConfigureAwait(false);
            Contract.Holds(whole.IsWhole && whole.Entries == 50, "and stand in one chain");
        }
    }

    private static async Task SameKeyRaceAsync(
        IUsageLedger ledger, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string account = Account();
        LedgerTransaction transaction = Use(account, 3);
        LedgerAppend[] all = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(
            () => ledger.AppendAsync(transaction, cancellationToken).AsTask(), cancellationToken)))
            .ConfigureAwait(false);
        Contract.Holds(all.Count(append => append.IsNew) == 1, "one of many at once keeps a key");
        Contract.Holds(
            await BalanceAsync(ledger, account, cancellationToken).ConfigureAwait(false) == -3, "it counts once");
    }

    private static async Task RangesAsync(
        IUsageLedger ledger, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        LedgerTransaction good = Use(Account(), 1);
        LedgerTransaction[] wrong =
        [
            good with { Key = "" },
            good with { Key = new string('k', 201) },
            good with { Account = "" },
            good with { Contra = good.Account },
            good with { Kind = LedgerEntryKind.None },
            good with { Amount = default },
            good with { Provider = new string('p', 65) },
            good with { Reference = new string('r', 201) },
        ];
        foreach (LedgerTransaction transaction in wrong)
        {
            bool isRefused = false;
            try
            {
                await ledger.AppendAsync(transaction, cancellationToken).ConfigureAwait(false);
            }
            catch (ArgumentException)
            {
                isRefused = true;
            }

            Contract.Holds(isRefused, "a value out of its range is refused");
        }
    }

    private static async Task FieldsAsync(
        IUsageLedger ledger, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string account = Account();
        LedgerTransaction transaction = Use(account, 1) with
        {
            IsPriced = false,
            IsEstimated = true,
            Provider = "gemini",
            Model = "mödel \"quoted\", 'x'",
            Outcome = UsageOutcome.Stopped,
            Reference = "run-1",
            Counts = new UsageCounts
            {
                Input = 1,
                CachedInput = 2,
                CacheWrite = 3,
                Output = 4,
                Reasoning = 5,
                AudioInput = 6,
                AudioOutput = 7,
                Images = 8,
                Embedding = 9,
                Requests = 10,
            },
        };
        LedgerAppend kept = await ledger.AppendAsync(transaction, cancellationToken).ConfigureAwait(false);
        List<LedgerEntry> read = await ReadAsync(ledger, account, cancellationToken).ConfigureAwait(false);
        Contract.Holds(read.Count == 1 && read[0] == kept.Entry, "what is read is what was kept");
        LedgerEntry entry = kept.Entry;
        Contract.Holds(
            entry.Counts == transaction.Counts && entry.Model == transaction.Model && entry.Provider == "gemini"
                && entry.IsEstimated && !entry.IsPriced && entry.Outcome == UsageOutcome.Stopped
                && entry.Reference == "run-1" && entry.Kind == LedgerEntryKind.Usage
                && entry.Contra == LedgerAccount.AppUsage && LedgerChain.HashOf(entry, "") == entry.Hash,
            "every field comes back, and the hash is over all of them");
    }

    private static async Task CurrenciesAsync(
        IUsageLedger ledger, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string account = Account();
        await ledger.AppendAsync(Use(account, 5), cancellationToken).ConfigureAwait(false);
        await ledger.AppendAsync(
            Use(account, 0) with { Amount = new MicroAmount(-9, "eur") }, cancellationToken).ConfigureAwait(false);
        MicroAmount eur = await ledger.GetBalanceAsync(account, "EUR", cancellationToken).ConfigureAwait(false);
        Contract.Holds(eur == new MicroAmount(-9, "eur"), "each currency has its own balance");
        Contract.Holds(
            await BalanceAsync(ledger, account, cancellationToken).ConfigureAwait(false) == -5,
            "each currency has its own balance");
    }

    private static async Task SumAsync(
        IUsageLedger ledger, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string account = Account();
        LedgerTransaction Call(long micros, string model, bool isPriced = true) => Use(account, micros) with
        {
            Provider = "gemini",
            Model = model,
            IsPriced = isPriced,
            Counts = new UsageCounts { Input = 10, Requests = 1 },
        };
        await ledger.AppendAsync(Call(5, "a"), cancellationToken).ConfigureAwait(false);
        await ledger.AppendAsync(Call(6, "a"), cancellationToken).ConfigureAwait(false);
        await ledger.AppendAsync(Call(0, "b", isPriced: false), cancellationToken).ConfigureAwait(false);
        await ledger.AppendAsync(
            Use(account, 1) with { Kind = LedgerEntryKind.Correction }, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<UsageTotal> totals = await ledger
            .SumAsync(new LedgerQuery { Account = account }, cancellationToken).ConfigureAwait(false);
        Contract.Holds(totals.Sum(total => total.Counts.Input) == 30, "usage alone is summed");
        Contract.Holds(
            totals.Where(total => total.Model == "a").Sum(total => total.Cost.Micros) == 11, "costs are positive sums");
        Contract.Holds(
            totals.Where(total => total.Model == "b").Sum(total => total.Unpriced) == 1, "unknown costs are counted");
        IReadOnlyList<UsageTotal> none = await ledger.SumAsync(
            new LedgerQuery { Account = account, Before = DateTimeOffset.UnixEpoch }, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(none.Count == 0, "times bound it");
    }

    private static async Task VerifyAsync(
        IUsageLedger ledger, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        await ledger.AppendAsync(Use(Account(), 5), cancellationToken).ConfigureAwait(false);
        LedgerVerification all = await ledger.VerifyAsync(null, cancellationToken).ConfigureAwait(false);
        Contract.Holds(all.IsWhole && all.Entries >= 2 && all.Accounts >= 2, "an untouched ledger is whole");
    }

    private static async Task PruneAsync(
        IUsageLedger ledger, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string account = Account();
        LedgerTransaction old = Use(account, 5);
        LedgerAppend first = await ledger.AppendAsync(old, cancellationToken).ConfigureAwait(false);
        await advance(TimeSpan.FromDays(2)).ConfigureAwait(false);
        LedgerAppend second = await ledger.AppendAsync(Use(account, 6), cancellationToken).ConfigureAwait(false);
        long removed = await ledger.PruneAsync(second.Entry.At, cancellationToken).ConfigureAwait(false);
        Contract.Holds(removed >= 1, "old entries are removed");
        List<LedgerEntry> left = await ReadAsync(ledger, account, cancellationToken).ConfigureAwait(false);
        Contract.Holds(left.Count == 1 && left[0] == second.Entry, "later ones stay");
        Contract.Holds(
            await BalanceAsync(ledger, account, cancellationToken).ConfigureAwait(false) == -11, "balances stay");
        LedgerAppend again = await ledger.AppendAsync(old, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            !again.IsNew && again.Entry.Sequence == first.Entry.Sequence, "what was kept once is not kept again");
        LedgerVerification all = await ledger.VerifyAsync(null, cancellationToken).ConfigureAwait(false);
        Contract.Holds(all.IsWhole, "the chain goes on from the checkpoint");
    }

    private static async Task EraseAsync(
        IUsageLedger ledger, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string account = Account();
        LedgerAppend kept = await ledger.AppendAsync(Use(account, 5), cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await ledger.EraseAsync(account, cancellationToken).ConfigureAwait(false), "an account is erased once");
        Contract.Holds(
            !await ledger.EraseAsync(account, cancellationToken).ConfigureAwait(false), "an account is erased once");
        Contract.Holds(
            await BalanceAsync(ledger, account, cancellationToken).ConfigureAwait(false) == 0,
            "its name leads nowhere");
        LedgerAppend next = await ledger.AppendAsync(Use(account, 1), cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            next.Entry.Sequence == 1 && next.Entry.Account != kept.Entry.Account, "the name begins anew");
        bool isRefused = false;
        try
        {
            await ledger.EraseAsync(LedgerAccount.AppUsage, cancellationToken).ConfigureAwait(false);
        }
        catch (ArgumentException)
        {
            isRefused = true;
        }

        Contract.Holds(isRefused, "the host's own accounts are not erased");
        LedgerVerification all = await ledger.VerifyAsync(null, cancellationToken).ConfigureAwait(false);
        Contract.Holds(all.IsWhole, "its entries stay where they were");
    }

    private static string Account() => "usage:u:-:" + Contract.Tag();

    private static LedgerTransaction Use(string account, long micros) => new()
    {
        Key = Contract.Tag(),
        Kind = LedgerEntryKind.Usage,
        Account = account,
        Contra = LedgerAccount.AppUsage,
        Amount = new MicroAmount(-micros, "usd"),
    };

    private static async Task<long> BalanceAsync(
        IUsageLedger ledger, string account, CancellationToken cancellationToken) =>
        (await ledger.GetBalanceAsync(account, "usd", cancellationToken).ConfigureAwait(false)).Micros;

    private static async Task<List<LedgerEntry>> ReadAsync(
        IUsageLedger ledger, string account, CancellationToken cancellationToken)
    {
        var entries = new List<LedgerEntry>();
        IAsyncEnumerable<LedgerEntry> read = ledger.ReadAsync(
            new LedgerQuery { Account = account }, cancellationToken);
        await foreach (LedgerEntry entry in read.ConfigureAwait(false))
        {
            entries.Add(entry);
        }

        return entries;
    }
}
