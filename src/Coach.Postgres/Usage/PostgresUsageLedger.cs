using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Coach.Postgres.Connections;
using Coach.Usage;
using Npgsql;

namespace Coach.Postgres.Usage;

/// <summary>
/// The ledger in PostgreSQL, for all replicas: a transaction locks its two accounts, so that each chain has one writer
/// at a time, and its times are the server's.
/// </summary>
internal sealed class PostgresUsageLedger(PostgresDatabase database, ReadOnlyMemory<byte> signingKey) : IUsageLedger
{
    private const int PageSize = 2_000;
    private const int PruneSize = 10_000;

    private const string Columns =
        "e.sequence, a.pseudonym, e.contra, e.key, e.kind, e.micros, e.currency, e.at_ms, e.flags, e.provider, e.model, "
        + "e.counts, e.outcome, e.reference, e.hash, e.account";

    private const string NowMs = "(" + Sql.Now + " - 621355968000000000) / 10000";

    private const string LockSql = $$"""
        SELECT id, pseudonym, name, sequence, hash, {{NowMs}} FROM {schema}.ledger_account
        WHERE name = ANY($2) ORDER BY id FOR UPDATE
        """;

    private const string KnownSql = """
        SELECT a.pseudonym, a.name, k.kind, k.micros, k.currency, k.reference, k.account, k.sequence
        FROM {schema}.ledger_key k JOIN {schema}.ledger_account a ON a.id = k.account WHERE k.key = $2
        """;

    private const string EntrySql =
        $"SELECT {Columns} FROM {{schema}}.ledger_entry e JOIN {{schema}}.ledger_account a ON a.id = e.account ";

    private const string WriteSql = """
        WITH kept AS (
          INSERT INTO {schema}.ledger_key (key, account, sequence, kind, micros, currency, reference)
          VALUES ($2, $3, $4, $5, $6, $7, $8)),
        entries AS (
          INSERT INTO {schema}.ledger_entry (account, sequence, contra, key, kind, micros, currency, at_ms, flags,
            provider, model, counts, outcome, reference, hash)
          VALUES ($3, $4, $9, $2, $5, $6, $7, $10, $11, $12, $13, $14, $15, $8, $16),
            ($17, $18, $19, $2, $5, -$6, $7, $10, $11, $12, $13, $14, $15, $8, $20)),
        balances AS (
          INSERT INTO {schema}.ledger_balance AS b (account, currency, micros) VALUES ($3, $7, $6), ($17, $7, -$6)
          ON CONFLICT (account, currency) DO UPDATE SET micros = b.micros + excluded.micros)
        UPDATE {schema}.ledger_account AS a SET sequence = new.sequence, hash = new.hash
        FROM (VALUES ($3, $4, $16), ($17, $18, $20)) AS new (id, sequence, hash) WHERE a.id = new.id
        """;

    public async ValueTask<LedgerAppend> AppendAsync(
        LedgerTransaction transaction, CancellationToken cancellationToken = default)
    {
        LedgerChain.Check(transaction);
        Attempt done = await database.CallInTurnAsync(
            "keep an entry of the ledger",
            async (connection, token) =>
            {
                Attempt attempt;
                do
                {
                    attempt = await TryAppendAsync(connection, transaction, token).ConfigureAwait(false);
                }
                while (attempt.IsOvertaken);
                return attempt;
            },
            cancellationToken).ConfigureAwait(false);
        return done.Append ?? throw new OverflowException("The balance would not fit; that is no sum of money.");
    }

    public async ValueTask<LedgerEntry?> FindAsync(string key, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        List<LedgerEntry> found = await database.QueryAsync(
            "find an entry of the ledger",
            EntrySql + "JOIN {schema}.ledger_key k ON k.account = e.account AND k.sequence = e.sequence "
                + "WHERE k.key = $2",
            [Sql.Bytes(key)], ReadEntry, cancellationToken).ConfigureAwait(false);
        return found.Count == 0 ? null : found[0];
    }

    public async ValueTask<MicroAmount> GetBalanceAsync(
        string account, string currency, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(account);
        MicroAmount zero = MicroAmount.Zero(currency);
        List<long> found = await database.QueryAsync(
            "read a balance",
            "SELECT b.micros FROM {schema}.ledger_account a JOIN {schema}.ledger_balance b ON b.account = a.id "
                + "WHERE a.name = $2 AND b.currency = $3",
            [Sql.Bytes(account), zero.Currency], static row => row.GetInt64(0), cancellationToken)
            .ConfigureAwait(false);
        return found.Count == 0 ? zero : new MicroAmount(found[0], zero.Currency);
    }

    public async IAsyncEnumerable<LedgerEntry> ReadAsync(
        LedgerQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        (long Account, long Sequence) last = (0, 0);
        long left = query.Limit;
        while (left > 0)
        {
            int size = (int)Math.Min(left, PageSize);
            List<(long Account, LedgerEntry Entry)> page = await database.QueryAsync(
                "read entries of the ledger",
                EntrySql + """
                    WHERE ($2::bytea IS NULL OR a.name = $2) AND ($3::bigint IS NULL OR e.kind = $3)
                      AND ($4::bigint IS NULL OR e.at_ms >= $4) AND ($5::bigint IS NULL OR e.at_ms < $5)
                      AND (e.account, e.sequence) > ($6, $7)
                    ORDER BY e.account, e.sequence LIMIT $8
                    """,
                [
                    Sql.BytesParameter(query.Account), Sql.LongParameter((long?)query.Kind),
                    Sql.LongParameter(Millis(query.From)), Sql.LongParameter(Millis(query.Before)),
                    last.Account, last.Sequence, size,
                ],
                static row => (row.GetInt64(15), ReadEntry(row)), cancellationToken).ConfigureAwait(false);
            foreach ((long account, LedgerEntry entry) in page)
            {
                last = (account, entry.Sequence);
                yield return entry;
            }

            left = page.Count < size ? 0 : left - size;
        }
    }

    public async ValueTask<IReadOnlyList<UsageTotal>> SumAsync(
        LedgerQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        List<UsageTotal> totals = await database.QueryAsync(
            "sum usage",
            $$"""
            SELECT e.at_ms / 86400000, e.provider, e.model, e.currency, (-sum(e.micros))::bigint,
              count(*) FILTER (WHERE (e.flags & 1) = 0), count(*) FILTER (WHERE (e.flags & 2) <> 0), ARRAY[
                sum(e.counts[1]), sum(e.counts[2]), sum(e.counts[3]), sum(e.counts[4]), sum(e.counts[5]),
                sum(e.counts[6]), sum(e.counts[7]), sum(e.counts[8]), sum(e.counts[9]), sum(e.counts[10])]::bigint[]
            FROM {schema}.ledger_entry e JOIN {schema}.ledger_account a ON a.id = e.account
            WHERE e.kind = {{(int)LedgerEntryKind.Usage}} AND ($2::bytea IS NULL OR a.name = $2)
              AND ($2::bytea IS NOT NULL OR a.name IS NULL OR substr(a.name, 1, 4) <> '{{LedgerAccount.AppPrefix}}'::bytea)
              AND ($3::bigint IS NULL OR e.at_ms >= $3) AND ($4::bigint IS NULL OR e.at_ms < $4)
            GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC, 2, 3, 4
            """,
            [
                Sql.BytesParameter(query.Account), Sql.LongParameter(Millis(query.From)),
                Sql.LongParameter(Millis(query.Before)),
            ],
            static row => new UsageTotal(
                DateOnly.FromDateTime(DateTime.UnixEpoch.AddDays(row.GetInt64(0))),
                Sql.Text(row.GetFieldValue<byte[]>(1)), Sql.Text(row.GetFieldValue<byte[]>(2)),
                LedgerCounts.Read(row.GetFieldValue<long?[]>(7)),
                new MicroAmount(row.GetInt64(4), row.GetString(3)), row.GetInt64(5), row.GetInt64(6)),
            cancellationToken).ConfigureAwait(false);
        return totals;
    }

    public async ValueTask<LedgerVerification> VerifyAsync(
        string? account = null, CancellationToken cancellationToken = default)
    {
        List<long> accounts = await ListAsync(account, cancellationToken).ConfigureAwait(false);
        var problems = new List<LedgerProblem>();
        long entries = 0;
        foreach (long id in accounts)
        {
            entries += await VerifyAsync(id, problems, cancellationToken).ConfigureAwait(false);
        }

        if (account is null)
        {
            List<string> unbalanced = await database.QueryAsync(
                "add balances up",
                "SELECT currency FROM {schema}.ledger_balance GROUP BY currency HAVING sum(micros) <> 0 ORDER BY 1",
                [], static row => row.GetString(0), cancellationToken).ConfigureAwait(false);
            problems.AddRange(unbalanced.Select(
                currency => new LedgerProblem("", 0, $"the balances in {currency} do not add up to zero")));
        }

        return new LedgerVerification(accounts.Count, entries, problems);
    }

    public async ValueTask<long> PruneAsync(DateTimeOffset before, CancellationToken cancellationToken = default)
    {
        if (signingKey.IsEmpty)
        {
            throw new InvalidOperationException(
                $"Entries are removed only behind a signed checkpoint; set the secret {LedgerSigningKey.SecretName}.");
        }

        long removed = 0;
        foreach (long account in await ListAsync(null, cancellationToken).ConfigureAwait(false))
        {
            long part;
            do
            {
                // In parts: the account's writers wait for each.
                part = await database.CallAsync(
                    "remove old entries of the ledger",
                    (connection, token) => PruneAsync(connection, account, before, token), cancellationToken)
                    .ConfigureAwait(false);
                removed += part;
            }
            while (part == PruneSize);
        }

        return removed;
    }

    public async ValueTask<bool> EraseAsync(string account, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(account);
        if (LedgerAccount.IsApp(account))
        {
            throw new ArgumentException("The host's own accounts are nobody's; they are not erased.", nameof(account));
        }

        return await database.ExecuteAsync(
            "erase whose an account is", "UPDATE {schema}.ledger_account SET name = NULL WHERE name = $2",
            [Sql.Bytes(account)], cancellationToken).ConfigureAwait(false) > 0;
    }

    private async Task<Attempt> TryAppendAsync(
        NpgsqlConnection connection, LedgerTransaction transaction, CancellationToken cancellationToken)
    {
        byte[][] names = [Sql.Bytes(transaction.Account), Sql.Bytes(transaction.Contra)];
        bool areMissing;
        NpgsqlTransaction open = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (open.ConfigureAwait(false))
        {
            List<Account> accounts = await database.ReadAsync(
                connection, LockSql, [names], ReadAccount, cancellationToken).ConfigureAwait(false);
            if (await KnownAsync(connection, transaction, cancellationToken).ConfigureAwait(false) is { } known)
            {
                return new Attempt(new LedgerAppend(known, IsNew: false));
            }

            areMissing = accounts.Count < 2;
            if (!areMissing)
            {
                Account account = accounts.Single(found => found.Name == transaction.Account);
                Account contra = accounts.Single(found => found.Name == transaction.Contra);
                Attempt attempt = await WriteAsync(connection, transaction, account, contra, cancellationToken)
                    .ConfigureAwait(false);
                if (attempt.Append is not null)
                {
                    await open.CommitAsync(cancellationToken).ConfigureAwait(false);
                }

                return attempt;
            }
        }

        await CreateAsync(connection, transaction, cancellationToken).ConfigureAwait(false);
        return Attempt.Overtaken;
    }

    private async Task<LedgerEntry?> KnownAsync(
        NpgsqlConnection connection, LedgerTransaction transaction, CancellationToken cancellationToken)
    {
        List<(LedgerEntry Entry, string? Name, long Account)> known = await database.ReadAsync(
            connection, KnownSql, [Sql.Bytes(transaction.Key)],
            row => (
                new LedgerEntry
                {
                    Sequence = row.GetInt64(7),
                    Account = Sql.Text(row.GetFieldValue<byte[]>(0)),
                    Contra = transaction.Contra,
                    Key = transaction.Key,
                    Kind = (LedgerEntryKind)row.GetInt16(2),
                    Amount = new MicroAmount(row.GetInt64(3), row.GetString(4)),
                    At = DateTimeOffset.UnixEpoch,
                    Reference = Sql.Text(row.GetFieldValue<byte[]>(5)),
                },
                row.IsDBNull(1) ? null : Sql.Text(row.GetFieldValue<byte[]>(1)), row.GetInt64(6)),
            cancellationToken).ConfigureAwait(false);
        if (known.Count == 0)
        {
            return null;
        }

        // Whose an erased account was is not known any more: its keys then match any name.
        (LedgerEntry kept, string? name, long account) = known[0];
        if ((name is not null && name != transaction.Account) || !LedgerChain.IsOf(kept, transaction))
        {
            throw UsageException.KeyConflict();
        }

        List<LedgerEntry> found = await database.ReadAsync(
            connection, EntrySql + "WHERE e.account = $2 AND e.sequence = $3", [account, kept.Sequence], ReadEntry,
            cancellationToken).ConfigureAwait(false);
        return found.Count == 0 ? kept : found[0];
    }

    private async Task<Attempt> WriteAsync(
        NpgsqlConnection connection, LedgerTransaction transaction, Account account, Account contra,
        CancellationToken cancellationToken)
    {
        LedgerEntry left = LedgerChain.Next(
            transaction, isContra: false, account.Pseudonym, contra.Pseudonym, account.Sequence + 1, account.Hash,
            account.Now);
        LedgerEntry right = LedgerChain.Next(
            transaction, isContra: true, contra.Pseudonym, account.Pseudonym, contra.Sequence + 1, contra.Hash,
            account.Now);
        NpgsqlCommand command = database.Command(
            connection, WriteSql,
            [
                Sql.Bytes(left.Key), account.Id, left.Sequence, (short)left.Kind, left.Amount.Micros,
                left.Amount.Currency, Sql.Bytes(left.Reference), Sql.Bytes(left.Contra),
                left.At.ToUnixTimeMilliseconds(), (short)LedgerChain.FlagsOf(left), Sql.Bytes(left.Provider),
                Sql.Bytes(left.Model), LedgerCounts.Write(left.Counts), (short)left.Outcome, left.Hash,
                contra.Id, right.Sequence, Sql.Bytes(right.Contra), right.Hash,
            ]);
        await using (command.ConfigureAwait(false))
        {
            try
            {
                await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
                return new Attempt(new LedgerAppend(left, IsNew: true));
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.UniqueViolation)
            {
                return Attempt.Overtaken;
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.NumericValueOutOfRange)
            {
                return new Attempt(null);
            }
        }
    }

    private async Task CreateAsync(
        NpgsqlConnection connection, LedgerTransaction transaction, CancellationToken cancellationToken)
    {
        // In one order: of two that create the same accounts at once one waits for the other.
        string[] names = [transaction.Account, transaction.Contra];
        byte[][] sorted = [.. names.Order(StringComparer.Ordinal).Select(Sql.Bytes)];
        byte[][] pseudonyms =
        [
            .. names.Order(StringComparer.Ordinal).Select(name => Sql.Bytes(
                LedgerAccount.IsApp(name)
                    ? name
                    : "acct_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)))),
        ];
        NpgsqlCommand command = database.Command(
            connection,
            "INSERT INTO {schema}.ledger_account (name, pseudonym) "
                + "SELECT name, pseudonym FROM unnest($2::bytea[], $3::bytea[]) AS given (name, pseudonym) "
                + "ON CONFLICT DO NOTHING",
            [sorted, pseudonyms]);
        await using (command.ConfigureAwait(false))
        {
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private ValueTask<List<long>> ListAsync(string? account, CancellationToken cancellationToken) =>
        database.QueryAsync(
            "list accounts",
            "SELECT id FROM {schema}.ledger_account WHERE $2::bytea IS NULL OR name = $2 ORDER BY id",
            [Sql.BytesParameter(account)], static row => row.GetInt64(0), cancellationToken);

    // An account is read page by page, up to its head of one moment. What retention removed meanwhile is read again.
    private async Task<long> VerifyAsync(
        long account, List<LedgerProblem> problems, CancellationToken cancellationToken)
    {
        LedgerHead head = await HeadAsync(account, cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var found = new List<LedgerProblem>();
            var verifier = new LedgerVerifier(head, signingKey.Span, found);
            long last = 0;
            while (last < head.Sequence)
            {
                List<LedgerEntry> page = await database.QueryAsync(
                    "verify the ledger",
                    EntrySql + "WHERE e.account = $2 AND e.sequence > $3 AND e.sequence <= $4 "
                        + "ORDER BY e.sequence LIMIT $5",
                    [account, last, head.Sequence, PageSize], ReadEntry, cancellationToken).ConfigureAwait(false);
                page.ForEach(verifier.Add);
                last = page.Count < PageSize ? head.Sequence : page[^1].Sequence;
            }

            long count = verifier.End();
            LedgerHead now = found.Count == 0
                ? head
                : await HeadAsync(account, cancellationToken).ConfigureAwait(false);
            if (now.Checkpoint.Sequence == head.Checkpoint.Sequence)
            {
                problems.AddRange(found.Take(LedgerChain.MaxProblems - problems.Count));
                return count;
            }

            head = now;
        }
    }

    private async Task<LedgerHead> HeadAsync(long account, CancellationToken cancellationToken)
    {
        List<LedgerHead> found = await database.QueryAsync(
            "read an account's head",
            """
            SELECT pseudonym, sequence, hash, checkpoint, array(
              SELECT currency || ':' || micros FROM {schema}.ledger_balance WHERE account = a.id ORDER BY currency)
            FROM {schema}.ledger_account a WHERE id = $2
            """,
            [account],
            static row => new LedgerHead(
                Sql.Text(row.GetFieldValue<byte[]>(0)), row.GetInt64(1), row.GetString(2),
                [.. row.GetFieldValue<string[]>(4).Select(ReadBalance)], LedgerCheckpoint.FromText(row.GetString(3))),
            cancellationToken).ConfigureAwait(false);
        return found[0];
    }

    private async Task<long> PruneAsync(
        NpgsqlConnection connection, long account, DateTimeOffset before, CancellationToken cancellationToken)
    {
        NpgsqlTransaction open = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (open.ConfigureAwait(false))
        {
            List<(string Pseudonym, LedgerCheckpoint Checkpoint, DateTimeOffset Now)> head = await database.ReadAsync(
                connection,
                $"SELECT pseudonym, checkpoint, {NowMs} FROM {{schema}}.ledger_account WHERE id = $2 FOR UPDATE",
                [account],
                static row => (
                    Sql.Text(row.GetFieldValue<byte[]>(0)), LedgerCheckpoint.FromText(row.GetString(1)),
                    DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2))),
                cancellationToken).ConfigureAwait(false);
            (string pseudonym, LedgerCheckpoint checkpoint, DateTimeOffset now) = head[0];
            List<(long Sequence, string Hash, MicroAmount Amount, long At)> first = await database.ReadAsync(
                connection,
                """
                SELECT sequence, hash, micros, currency, at_ms FROM {schema}.ledger_entry
                WHERE account = $2 AND sequence > $3 ORDER BY sequence LIMIT $4
                """,
                [account, checkpoint.Sequence, PruneSize],
                static row => (
                    row.GetInt64(0), row.GetString(1), new MicroAmount(row.GetInt64(2), row.GetString(3)),
                    row.GetInt64(4)),
                cancellationToken).ConfigureAwait(false);
            long limit = Millis(before)!.Value;
            (long Sequence, string Hash, MicroAmount Amount, long At)[] old =
                [.. first.TakeWhile(entry => entry.At < limit)];
            if (old.Length == 0)
            {
                return 0;
            }

            LedgerCheckpoint next = LedgerChain.Checkpoint(
                pseudonym, checkpoint, old.Select(entry => entry.Amount), old[^1].Sequence, old[^1].Hash, now,
                signingKey.Span);
            NpgsqlCommand command = database.Command(
                connection,
                """
                WITH removed AS (DELETE FROM {schema}.ledger_entry WHERE account = $2 AND sequence <= $3)
                UPDATE {schema}.ledger_account SET checkpoint = $4 WHERE id = $2
                """,
                [account, next.Sequence, next.ToText()]);
            await using (command.ConfigureAwait(false))
            {
                await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            }

            await open.CommitAsync(cancellationToken).ConfigureAwait(false);
            return old.Length;
        }
    }

    // The first whole millisecond at or after it: entries are kept in whole ones.
    private static long? Millis(DateTimeOffset? at) => at is { } time
        ? (long)Math.Ceiling((time - DateTimeOffset.UnixEpoch).TotalMilliseconds)
        : null;

    private static MicroAmount ReadBalance(string text) =>
        new(long.Parse(text.AsSpan(4), CultureInfo.InvariantCulture), text[..3]);

    private static Account ReadAccount(NpgsqlDataReader row) => new(
        row.GetInt64(0), Sql.Text(row.GetFieldValue<byte[]>(1)), Sql.Text(row.GetFieldValue<byte[]>(2)),
        row.GetInt64(3), row.GetString(4), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(5)));

    private static LedgerEntry ReadEntry(NpgsqlDataReader row) => LedgerChain.WithFlags(
        new LedgerEntry
        {
            Sequence = row.GetInt64(0),
            Account = Sql.Text(row.GetFieldValue<byte[]>(1)),
            Contra = Sql.Text(row.GetFieldValue<byte[]>(2)),
            Key = Sql.Text(row.GetFieldValue<byte[]>(3)),
            Kind = (LedgerEntryKind)row.GetInt16(4),
            Amount = new MicroAmount(row.GetInt64(5), row.GetString(6)),
            At = DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(7)),
            Provider = Sql.Text(row.GetFieldValue<byte[]>(9)),
            Model = Sql.Text(row.GetFieldValue<byte[]>(10)),
            Counts = row.IsDBNull(11) ? default : LedgerCounts.Read(row.GetFieldValue<long?[]>(11)),
            Outcome = (UsageOutcome)row.GetInt16(12),
            Reference = Sql.Text(row.GetFieldValue<byte[]>(13)),
            Hash = row.GetString(14),
        },
        row.GetInt16(8));

    /// <summary>What one try came to; without an entry the balance would not fit.</summary>
    private readonly record struct Attempt(LedgerAppend? Append, bool IsOvertaken = false)
    {
        /// <summary>Another one wrote in between: what is there now decides.</summary>
        public static Attempt Overtaken => new(null, IsOvertaken: true);
    }

    private sealed record Account(
        long Id, string Pseudonym, string Name, long Sequence, string Hash, DateTimeOffset Now);
}
