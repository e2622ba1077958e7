using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Coach.Sqlite.Storage;
using Coach.Usage;
using Microsoft.Data.Sqlite;

namespace Coach.Sqlite;

/// <summary>The ledger in a SQLite file.</summary>
public sealed class SqliteUsageLedger : IUsageLedger
{
    private const string Columns =
        "e.sequence, a.pseudonym, e.contra, e.key, e.kind, e.micros, e.currency, e.at, e.flags, e.provider, e.model, "
        + "e.counts, e.outcome, e.reference, e.hash";

    private readonly SqliteDatabase _database;
    private readonly TimeProvider _time;
    private readonly ReadOnlyMemory<byte> _signingKey;

    /// <summary>Makes the ledger.</summary>
    /// <param name="database">The file.</param>
    /// <param name="time">The clock of its entries.</param>
    /// <param name="signingKey">The key that signs checkpoints; without one nothing is pruned.</param>
    public SqliteUsageLedger(SqliteDatabase database, TimeProvider time, ReadOnlyMemory<byte> signingKey = default)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(time);
        (_database, _time, _signingKey) = (database, time, signingKey);
    }

    /// <inheritdoc />
    public async ValueTask<LedgerAppend> AppendAsync(
        LedgerTransaction transaction, CancellationToken cancellationToken = default)
    {
        LedgerChain.Check(transaction);
        return await _database.WriteAsync(
            session => Append(session, transaction), "keep an entry of the ledger", cancellationToken)
            .ConfigureAwait(false);
    }

    /// <inheritdoc />
    public ValueTask<LedgerEntry?> FindAsync(string key, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        return ValueTask.FromResult(_database.Read(
            session => session.First(
                $"SELECT {Columns} FROM ledger_keys k JOIN ledger_entries e ON e.account = k.account "
                + "AND e.sequence = k.sequence JOIN ledger_accounts a ON a.id = k.account WHERE k.key = $0",
                ReadEntry, key),
            "find an entry of the ledger"));
    }

    /// <inheritdoc />
    public ValueTask<MicroAmount> GetBalanceAsync(
        string account, string currency, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(account);
        MicroAmount zero = MicroAmount.Zero(currency);
        return ValueTask.FromResult(_database.Read(
            session => new MicroAmount(
                (long?)session.Scalar(
                    "SELECT b.micros FROM ledger_accounts a JOIN ledger_balances b ON b.account = a.id "
                    + "WHERE a.name = $0 AND b.currency = $1",
                    account, zero.Currency) ?? 0,
                zero.Currency),
            "read a balance"));
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<LedgerEntry> ReadAsync(
        LedgerQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        foreach (LedgerEntry entry in _database.ReadRows(session => Stream(session, query)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return entry;
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<UsageTotal>> SumAsync(
        LedgerQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        LedgerQuery usage = query with { Kind = LedgerEntryKind.Usage, Limit = int.MaxValue };
        return ValueTask.FromResult(LedgerTotals.Sum(_database
            .ReadRows(session => Stream(session, usage))
            .Where(entry => query.Account is not null || !LedgerAccount.IsApp(entry.Account))));
    }

    /// <inheritdoc />
    public ValueTask<LedgerVerification> VerifyAsync(
        string? account = null, CancellationToken cancellationToken = default)
    {
        // In one transaction: heads and entries of one moment.
        return ValueTask.FromResult(_database.Read(
            session =>
            {
                session.Execute("BEGIN");
                try
                {
                    return Verify(session, account, cancellationToken);
                }
                finally
                {
                    session.Execute("COMMIT");
                }
            },
            "verify the ledger"));
    }

    /// <inheritdoc />
    public async ValueTask<long> PruneAsync(DateTimeOffset before, CancellationToken cancellationToken = default)
    {
        if (_signingKey.IsEmpty)
        {
            throw new InvalidOperationException(
                $"Entries are removed only behind a signed checkpoint; set the secret {LedgerSigningKey.SecretName}.");
        }

        List<long> accounts = _database.Read(
            session => session.Query("SELECT id FROM ledger_accounts", row => row.GetInt64(0)), "list accounts");
        long removed = 0;
        foreach (long account in accounts)
        {
            removed += await _database.WriteAsync(
                session => Prune(session, account, before), "remove old entries of the ledger", cancellationToken)
                .ConfigureAwait(false);
        }

        return removed;
    }

    /// <inheritdoc />
    public async ValueTask<bool> EraseAsync(string account, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(account);
        if (LedgerAccount.IsApp(account))
        {
            throw new ArgumentException("The host's own accounts are nobody's; they are not erased.", nameof(account));
        }

        return await _database.WriteAsync(
            session => session.Execute("UPDATE ledger_accounts SET name = NULL WHERE name = $0", account) > 0,
            "erase whose an account is", cancellationToken).ConfigureAwait(false);
    }

    private LedgerAppend Append(SqliteSession session, LedgerTransaction transaction)
    {
        if (Known(session, transaction) is { } known)
        {
            return new LedgerAppend(known, IsNew: false);
        }

        Account? account = Find(session, transaction.Account);
        Account? contra = Find(session, transaction.Contra);
        string currency = transaction.Amount.Currency;

        // Everything that may be refused comes before the first write.
        long left = Balance(session, account, currency, transaction.Amount.Micros);
        long right = Balance(session, contra, currency, -transaction.Amount.Micros);
        account ??= Create(session, transaction.Account);
        contra ??= Create(session, transaction.Contra);
        DateTimeOffset now = _time.GetUtcNow();
        LedgerEntry entry = Put(session, transaction, account, contra, isContra: false, left, now);
        Put(session, transaction, contra, account, isContra: true, right, now);
        session.Execute(
            "INSERT INTO ledger_keys (key, account, sequence, kind, micros, currency, reference) "
            + "VALUES ($0, $1, $2, $3, $4, $5, $6)",
            entry.Key, account.Id, entry.Sequence, (long)entry.Kind, entry.Amount.Micros, currency, entry.Reference);
        return new LedgerAppend(entry, IsNew: true);
    }

    private static LedgerEntry? Known(SqliteSession session, LedgerTransaction transaction)
    {
        LedgerEntry? known = session.First(
            "SELECT k.sequence, a.pseudonym, a.name, k.kind, k.micros, k.currency, k.reference "
            + "FROM ledger_keys k JOIN ledger_accounts a ON a.id = k.account WHERE k.key = $0",
            row =>
            {
                var entry = new LedgerEntry
                {
                    Sequence = row.GetInt64(0),
                    Account = row.GetString(1),
                    Contra = transaction.Contra,
                    Key = transaction.Key,
                    Kind = (LedgerEntryKind)row.GetInt64(3),
                    Amount = new MicroAmount(row.GetInt64(4), row.GetString(5)),
                    At = DateTimeOffset.UnixEpoch,
                    Reference = row.GetString(6),
                };
                bool isAccount = row.IsDBNull(2) || row.GetString(2) == transaction.Account;
                return isAccount && LedgerChain.IsOf(entry, transaction) ? entry : entry with { Sequence = 0 };
            },
            transaction.Key);
        return known switch
        {
            null => null,
            { Sequence: 0 } => throw UsageException.KeyConflict(),
            _ => session.First(
                $"SELECT {Columns} FROM ledger_accounts a JOIN ledger_entries e ON e.account = a.id "
                + "WHERE a.pseudonym = $0 AND e.sequence = $1",
                ReadEntry, known.Account, known.Sequence) ?? known,
        };
    }

    private static Account? Find(SqliteSession session, string name) => session.First(
        "SELECT id, pseudonym, sequence, hash FROM ledger_accounts WHERE name = $0",
        row => new Account(row.GetInt64(0), row.GetString(1), row.GetInt64(2), row.GetString(3)), name);

    private static Account Create(SqliteSession session, string name)
    {
        string pseudonym = LedgerAccount.IsApp(name)
            ? name
            : "acct_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        long id = (long)session.Scalar(
            "INSERT INTO ledger_accounts (pseudonym, name) VALUES ($0, $1) RETURNING id", pseudonym, name)!;
        return new Account(id, pseudonym, 0, "");
    }

    private static long Balance(SqliteSession session, Account? account, string currency, long change)
    {
        long before = account is null
            ? 0
            : (long?)session.Scalar(
                "SELECT micros FROM ledger_balances WHERE account = $0 AND currency = $1", account.Id, currency) ?? 0;
        long after = checked(before + change);
        return after > long.MinValue ? after : throw new OverflowException("The balance would not fit.");
    }

    private static LedgerEntry Put(
        SqliteSession session, LedgerTransaction transaction, Account account, Account other, bool isContra,
        long balance, DateTimeOffset now)
    {
        LedgerEntry entry = LedgerChain.Next(
            transaction, isContra, account.Pseudonym, other.Pseudonym, account.Sequence + 1, account.Hash, now);
        session.Execute(
            "INSERT INTO ledger_entries (account, sequence, contra, key, kind, micros, currency, at, flags, provider, "
            + "model, counts, outcome, reference, hash) "
            + "VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            account.Id, entry.Sequence, entry.Contra, entry.Key, (long)entry.Kind, entry.Amount.Micros,
            entry.Amount.Currency, entry.At.ToUnixTimeMilliseconds(),
            (long)LedgerChain.FlagsOf(entry), entry.Provider, entry.Model, CountsText.Write(entry.Counts),
            (long)entry.Outcome, entry.Reference, entry.Hash);
        session.Execute(
            "UPDATE ledger_accounts SET sequence = $1, hash = $2 WHERE id = $0", account.Id, entry.Sequence,
            entry.Hash);
        session.Execute(
            "INSERT INTO ledger_balances (account, currency, micros) VALUES ($0, $1, $2) "
            + "ON CONFLICT (account, currency) DO UPDATE SET micros = excluded.micros",
            account.Id, entry.Amount.Currency, balance);
        return entry;
    }

    private static IEnumerable<LedgerEntry> Stream(SqliteSession session, LedgerQuery query) => session.Stream(
        $"SELECT {Columns} FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account "
        + "WHERE ($0 IS NULL OR e.account = (SELECT id FROM ledger_accounts WHERE name = $0)) "
        + "AND ($1 IS NULL OR e.kind = $1) AND ($2 IS NULL OR e.at >= $2) AND ($3 IS NULL OR e.at < $3) "
        + "ORDER BY e.account, e.sequence LIMIT $4",
        ReadEntry, query.Account, query.Kind is { } kind ? (long)kind : null, Millis(query.From), Millis(query.Before),
        (long)query.Limit);

    // The first whole millisecond at or after it: entries are kept in whole ones.
    private static long? Millis(DateTimeOffset? at) => at is { } time
        ? (long)Math.Ceiling((time - DateTimeOffset.UnixEpoch).TotalMilliseconds)
        : null;

    private LedgerVerification Verify(SqliteSession session, string? account, CancellationToken cancellationToken)
    {
        var problems = new List<LedgerProblem>();
        List<(long Id, LedgerHead Head)> heads = session.Query(
            "SELECT id, pseudonym, sequence, hash, checkpoint FROM ledger_accounts WHERE $0 IS NULL OR name = $0",
            row => (
                row.GetInt64(0),
                new LedgerHead(
                    row.GetString(1), row.GetInt64(2), row.GetString(3), [],
                    LedgerCheckpoint.FromText(row.GetString(4)))),
            account);
        long entries = 0;
        foreach ((long id, LedgerHead head) in heads)
        {
            cancellationToken.ThrowIfCancellationRequested();
            List<MicroAmount> balances = session.Query(
                "SELECT micros, currency FROM ledger_balances WHERE account = $0",
                row => new MicroAmount(row.GetInt64(0), row.GetString(1)), id);
            entries += LedgerChain.Verify(
                head with { Balances = balances },
                session.Stream(
                    $"SELECT {Columns} FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account "
                    + "WHERE e.account = $0 ORDER BY e.sequence",
                    ReadEntry, id),
                _signingKey.Span, problems);
        }

        if (account is null)
        {
            foreach (string currency in session.Query(
                "SELECT currency FROM ledger_balances GROUP BY currency HAVING sum(micros) <> 0",
                row => row.GetString(0)))
            {
                problems.Add(new LedgerProblem("", 0, $"the balances in {currency} do not add up to zero"));
            }
        }

        return new LedgerVerification(heads.Count, entries, problems);
    }

    private long Prune(SqliteSession session, long account, DateTimeOffset before)
    {
        long? firstKept = (long?)session.Scalar(
            "SELECT min(sequence) FROM ledger_entries WHERE account = $0 AND at >= $1", account, Millis(before));
        long last = firstKept - 1 ?? (long)session.Scalar(
            "SELECT sequence FROM ledger_accounts WHERE id = $0", account)!;
        string? hash = (string?)session.Scalar(
            "SELECT hash FROM ledger_entries WHERE account = $0 AND sequence = $1", account, last);
        if (hash is null)
        {
            return 0;
        }

        (string pseudonym, LedgerCheckpoint old) = session.First(
            "SELECT pseudonym, checkpoint FROM ledger_accounts WHERE id = $0",
            row => (row.GetString(0), LedgerCheckpoint.FromText(row.GetString(1))), account);
        List<MicroAmount> removed = session.Query(
            "SELECT currency, sum(micros) FROM ledger_entries WHERE account = $0 AND sequence <= $1 GROUP BY currency",
            row => new MicroAmount(row.GetInt64(1), row.GetString(0)), account, last);
        LedgerCheckpoint checkpoint =
            LedgerChain.Checkpoint(pseudonym, old, removed, last, hash, _time.GetUtcNow(), _signingKey.Span);
        session.Execute(
            "UPDATE ledger_accounts SET checkpoint = $1 WHERE id = $0", account, checkpoint.ToText());
        return session.Execute(
            "DELETE FROM ledger_entries WHERE account = $0 AND sequence <= $1", account, last);
    }

    private static LedgerEntry ReadEntry(SqliteDataReader row) =>
        LedgerChain.WithFlags(Unflagged(row), row.GetInt32(8));

    private static LedgerEntry Unflagged(SqliteDataReader row) => new()
    {
        Sequence = row.GetInt64(0),
        Account = row.GetString(1),
        Contra = row.GetString(2),
        Key = row.GetString(3),
        Kind = (LedgerEntryKind)row.GetInt64(4),
        Amount = new MicroAmount(row.GetInt64(5), row.GetString(6)),
        At = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(7)),
        Provider = row.GetString(9),
        Model = row.GetString(10),
        Counts = CountsText.Read(row.GetString(11)),
        Outcome = (UsageOutcome)row.GetInt64(12),
        Reference = row.GetString(13),
        Hash = row.GetString(14),
    };

    private sealed record Account(long Id, string Pseudonym, long Sequence, string Hash);

    /// <summary>The ten counts, empty for none: most entries of credits have none.</summary>
    private static class CountsText
    {
        public static string Write(UsageCounts counts) => counts == default ? "" : string.Join(
            ' ',
            [
                Text(counts.Input), Text(counts.CachedInput), Text(counts.CacheWrite), Text(counts.Output),
                Text(counts.Reasoning), Text(counts.AudioInput), Text(counts.AudioOutput), Text(counts.Images),
                Text(counts.Embedding), Text(counts.Requests),
            ]);

        private static string Text(long count) => count.ToString(CultureInfo.InvariantCulture);

        public static UsageCounts Read(string text)
        {
            if (text.Length == 0)
            {
                return default;
            }

            Span<long> counts = stackalloc long[10];
            int i = 0;
            foreach (Range part in text.AsSpan().Split(' '))
            {
                counts[i++] = long.Parse(text.AsSpan(part), NumberStyles.None, CultureInfo.InvariantCulture);
            }

            return new UsageCounts
            {
                Input = counts[0],
                CachedInput = counts[1],
                CacheWrite = counts[2],
                Output = counts[3],
                Reasoning = counts[4],
                AudioInput = counts[5],
                AudioOutput = counts[6],
                Images = counts[7],
                Embedding = counts[8],
                Requests = counts[9],
            };
        }
    }
}
