using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Coach.Usage;

/// <summary>
/// A ledger in this process's memory, bounded; it ends with the process. For money that lasts take
/// <c>Coach.Sqlite</c> or <c>Coach.Postgres</c>.
/// </summary>
/// <remarks>One lock guards everything: an entry is two hashes and two additions.</remarks>
public sealed class MemoryUsageLedger : IUsageLedger
{
    private readonly MemoryLedgerOptions _options;
    private readonly TimeProvider _time;
    private readonly byte[] _signingKey;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Account> _accounts = new(StringComparer.Ordinal);
    private readonly List<Account> _ownerless = [];
    private readonly LinkedList<Account> _byUse = [];
    private readonly Dictionary<string, LedgerEntry> _keys = new(StringComparer.Ordinal);
    private readonly Queue<string> _keyOrder = new();
    private readonly Dictionary<string, Int128> _forgotten = new(StringComparer.Ordinal);

    /// <summary>Makes an empty ledger.</summary>
    /// <param name="time">The clock of its entries.</param>
    /// <param name="options">Its bounds; the defaults unless given.</param>
    /// <param name="signingKey">The key that signs checkpoints, at least 16 bytes; one of this process unless
    /// given.</param>
    /// <exception cref="ArgumentException">A bound or the key is out of its range.</exception>
    public MemoryUsageLedger(
        TimeProvider time, MemoryLedgerOptions? options = null, ReadOnlyMemory<byte> signingKey = default)
    {
        ArgumentNullException.ThrowIfNull(time);
        _time = time;
        _options = options ?? new MemoryLedgerOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxEntriesPerAccount, 2, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxAccounts, 2, nameof(options));
        _signingKey = signingKey.IsEmpty ? RandomNumberGenerator.GetBytes(32) : signingKey.ToArray();
        if (_signingKey.Length < 16)
        {
            throw new ArgumentException("A key that signs checkpoints has at least 16 bytes.", nameof(signingKey));
        }
    }

    // A key costs a hundred bytes; by then what it names was settled long ago.
    private int MaxKeys => Math.Max(1_000, _options.MaxEntriesPerAccount * 100);

    /// <inheritdoc />
    public ValueTask<LedgerAppend> AppendAsync(
        LedgerTransaction transaction, CancellationToken cancellationToken = default)
    {
        LedgerChain.Check(transaction);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (_keys.TryGetValue(transaction.Key, out LedgerEntry? known))
            {
                return IsAccount(known.Account, transaction.Account) && LedgerChain.IsOf(known, transaction)
                    ? ValueTask.FromResult(new LedgerAppend(known, IsNew: false))
                    : throw UsageException.KeyConflict();
            }

            Account account = Open(transaction.Account);
            Account contra = Open(transaction.Contra);

            // Both sums first: an overflow must leave both accounts as they are.
            Int128 left = account.Sum(transaction.Amount.Currency) + transaction.Amount.Micros;
            Int128 right = contra.Sum(transaction.Amount.Currency) - transaction.Amount.Micros;
            if (Int128.Abs(left) >= long.MaxValue || Int128.Abs(right) >= long.MaxValue)
            {
                throw new OverflowException("The balance would not fit; that is no sum of money.");
            }

            DateTimeOffset now = _time.GetUtcNow();
            LedgerEntry entry = account.Add(transaction, isContra: false, contra.Pseudonym, now);
            contra.Add(transaction, isContra: true, account.Pseudonym, now);
            Remember(transaction.Key, entry);
            account.Trim(_options.MaxEntriesPerAccount, now, _signingKey);
            contra.Trim(_options.MaxEntriesPerAccount, now, _signingKey);
            return ValueTask.FromResult(new LedgerAppend(entry, IsNew: true));
        }
    }

    /// <inheritdoc />
    public ValueTask<LedgerEntry?> FindAsync(string key, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        lock (_gate)
        {
            return ValueTask.FromResult(_keys.GetValueOrDefault(key));
        }
    }

    /// <inheritdoc />
    public ValueTask<MicroAmount> GetBalanceAsync(
        string account, string currency, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(account);
        MicroAmount zero = MicroAmount.Zero(currency);
        lock (_gate)
        {
            return ValueTask.FromResult(_accounts.TryGetValue(account, out Account? found)
                ? new MicroAmount((long)found.Sum(zero.Currency), zero.Currency)
                : zero);
        }
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<LedgerEntry> ReadAsync(
        LedgerQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        LedgerEntry[] entries;
        lock (_gate)
        {
            entries = [.. Matching(query).Take(query.Limit)];
        }

        foreach (LedgerEntry entry in entries)
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
        lock (_gate)
        {
            return ValueTask.FromResult(LedgerTotals.Sum(
                Matching(query with { Kind = null })
                    .Where(entry => query.Account is not null || !LedgerAccount.IsApp(entry.Account))));
        }
    }

    /// <inheritdoc />
    public ValueTask<LedgerVerification> VerifyAsync(
        string? account = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var problems = new List<LedgerProblem>();
        lock (_gate)
        {
            Account[] accounts = account is null
                ? [.. All()]
                : _accounts.TryGetValue(account, out Account? one) ? [one] : [];
            long entries = accounts.Sum(
                found => LedgerChain.Verify(found.Head(), found.Entries, _signingKey, problems));
            if (account is null)
            {
                foreach (IGrouping<string, MicroAmount> currency in accounts.SelectMany(found => found.Head().Balances)
                    .GroupBy(balance => balance.Currency))
                {
                    Int128 sum = _forgotten.GetValueOrDefault(currency.Key);
                    sum = currency.Aggregate(sum, (total, balance) => total + balance.Micros);
                    if (sum != 0)
                    {
                        problems.Add(new LedgerProblem("", 0, $"the balances in {currency.Key} do not add up to zero"));
                    }
                }
            }

            return ValueTask.FromResult(new LedgerVerification(accounts.Length, entries, problems));
        }
    }

    /// <inheritdoc />
    public ValueTask<long> PruneAsync(DateTimeOffset before, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            DateTimeOffset now = _time.GetUtcNow();
            return ValueTask.FromResult(All().Sum(account =>
                account.RemoveFirst(account.Entries.TakeWhile(entry => entry.At < before).Count(), now, _signingKey)));
        }
    }

    /// <inheritdoc />
    public ValueTask<bool> EraseAsync(string account, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(account);
        if (LedgerAccount.IsApp(account))
        {
            throw new ArgumentException("The host's own accounts are nobody's; they are not erased.", nameof(account));
        }

        lock (_gate)
        {
            if (!_accounts.Remove(account, out Account? found))
            {
                return ValueTask.FromResult(false);
            }

            found.Name = "";
            _ownerless.Add(found);
            return ValueTask.FromResult(true);
        }
    }

    private IEnumerable<Account> All() => _accounts.Values.Concat(_ownerless);

    private IEnumerable<LedgerEntry> Matching(LedgerQuery query)
    {
        IEnumerable<Account> accounts = query.Account is null
            ? All()
            : _accounts.TryGetValue(query.Account, out Account? one) ? [one] : [];
        return accounts.SelectMany(account => account.Entries).Where(entry =>
            (query.Kind is null || entry.Kind == query.Kind)
            && (query.From is null || entry.At >= query.From)
            && (query.Before is null || entry.At < query.Before));
    }

    // Whose an erased account was is not known any more: its keys then match any name.
    private bool IsAccount(string pseudonym, string name) => _accounts.TryGetValue(name, out Account? account)
        && account.Pseudonym == pseudonym
        || _ownerless.Exists(erased => erased.Pseudonym == pseudonym);

    private void Remember(string key, LedgerEntry entry)
    {
        _keys.Add(key, entry);
        _keyOrder.Enqueue(key);
        if (_keyOrder.Count > MaxKeys)
        {
            _keys.Remove(_keyOrder.Dequeue());
        }
    }

    private Account Open(string name)
    {
        if (_accounts.TryGetValue(name, out Account? known))
        {
            _byUse.Remove(known.Node);
            _byUse.AddLast(known.Node);
            return known;
        }

        if (_byUse.Count >= _options.MaxAccounts)
        {
            Forget();
        }

        string pseudonym = LedgerAccount.IsApp(name)
            ? name
            : "acct_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var account = new Account(name, pseudonym);
        _byUse.AddLast(account.Node);
        _accounts.Add(name, account);
        return account;
    }

    private void Forget()
    {
        LinkedListNode<Account>? node = _byUse.First;
        while (node is not null && !node.Value.CanBeForgotten)
        {
            node = node.Next;
        }

        if (node is null)
        {
            throw UsageException.StoreFull(_options.MaxAccounts);
        }

        _byUse.Remove(node);
        if (!_accounts.Remove(node.Value.Name))
        {
            _ownerless.Remove(node.Value);
        }

        foreach (MicroAmount balance in node.Value.Head().Balances)
        {
            _forgotten[balance.Currency] = _forgotten.GetValueOrDefault(balance.Currency) + balance.Micros;
        }
    }

    private sealed class Account
    {
        private readonly Dictionary<string, Int128> _sums = new(StringComparer.Ordinal);
        private readonly List<LedgerEntry> _entries = [];
        private LedgerCheckpoint _checkpoint = LedgerCheckpoint.None;
        private string _hash = "";
        private long _sequence;

        public Account(string name, string pseudonym)
        {
            (Name, Pseudonym) = (name, pseudonym);
            Node = new LinkedListNode<Account>(this);
        }

        /// <summary>Whose it is; empty after the mapping was erased.</summary>
        public string Name { get; set; }

        public string Pseudonym { get; }

        public LinkedListNode<Account> Node { get; }

        public IReadOnlyList<LedgerEntry> Entries => _entries;

        public bool CanBeForgotten =>
            Name.Length == 0 || Name.StartsWith("usage:", StringComparison.Ordinal)
            || (!LedgerAccount.IsApp(Name) && _sums.Values.All(sum => sum == 0));

        public Int128 Sum(string currency) => _sums.GetValueOrDefault(currency);

        public LedgerEntry Add(LedgerTransaction transaction, bool isContra, string contra, DateTimeOffset now)
        {
            LedgerEntry entry =
                LedgerChain.Next(transaction, isContra, Pseudonym, contra, _sequence + 1, _hash, now);
            _entries.Add(entry);
            _sequence++;
            _hash = entry.Hash;
            _sums[entry.Amount.Currency] = Sum(entry.Amount.Currency) + entry.Amount.Micros;
            return entry;
        }

        public void Trim(int limit, DateTimeOffset now, byte[] key)
        {
            if (_entries.Count > limit)
            {
                RemoveFirst(_entries.Count - (limit / 2), now, key);
            }
        }

        public long RemoveFirst(int count, DateTimeOffset now, byte[] key)
        {
            if (count == 0)
            {
                return 0;
            }

            LedgerEntry last = _entries[count - 1];
            _checkpoint = LedgerChain.Checkpoint(
                Pseudonym, _checkpoint, _entries.Take(count).Select(entry => entry.Amount), last.Sequence, last.Hash,
                now, key);
            _entries.RemoveRange(0, count);
            return count;
        }

        public LedgerHead Head() => new(
            Pseudonym, _sequence, _hash,
            [.. _sums.Select(sum => new MicroAmount((long)sum.Value, sum.Key))], _checkpoint);
    }
}
