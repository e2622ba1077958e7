using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Coach.Usage;

/// <summary>
/// The rules of the chain, for those who write a store: how an entry is hashed, a checkpoint signed, an account
/// verified.
/// </summary>
public static class LedgerChain
{
    /// <summary>How many problems a verification names.</summary>
    public const int MaxProblems = 100;

    private const int Priced = 1;
    private const int Estimated = 2;

    /// <summary>Checks a transaction's ranges.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public static void Check(LedgerTransaction transaction)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        CheckText(transaction.Key, 1, 200, nameof(transaction.Key));
        CheckText(transaction.Account, 1, LedgerAccount.MaxLength, nameof(transaction.Account));
        CheckText(transaction.Contra, 1, LedgerAccount.MaxLength, nameof(transaction.Contra));
        CheckText(transaction.Provider, 0, 64, nameof(transaction.Provider));
        CheckText(transaction.Model, 0, 200, nameof(transaction.Model));
        CheckText(transaction.Reference, 0, 200, nameof(transaction.Reference));
        if (transaction.Account == transaction.Contra)
        {
            throw new ArgumentException("An amount moves between two accounts.", nameof(transaction));
        }

        if (transaction.Kind == LedgerEntryKind.None || !Enum.IsDefined(transaction.Kind)
            || transaction.Amount.Currency.Length == 0 || transaction.Amount.Micros == long.MinValue)
        {
            throw new ArgumentException(
                "A transaction has a kind, and an amount with a currency.", nameof(transaction));
        }
    }

    /// <summary>Makes the entry that comes next in an account.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="isContra">Whether it is the side of <see cref="LedgerTransaction.Contra"/>.</param>
    /// <param name="account">The account as entries name it.</param>
    /// <param name="contra">The other account as entries name it.</param>
    /// <param name="sequence">Its place.</param>
    /// <param name="previousHash">The hash of the entry before; empty for the first.</param>
    /// <param name="at">When.</param>
    /// <returns>The entry with its hash.</returns>
    public static LedgerEntry Next(
        LedgerTransaction transaction, bool isContra, string account, string contra, long sequence, string previousHash,
        DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        var entry = new LedgerEntry
        {
            Sequence = sequence,
            Account = account,
            Contra = contra,
            Key = transaction.Key,
            Kind = transaction.Kind,
            Amount = isContra ? -transaction.Amount : transaction.Amount,
            At = DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds()),
            IsPriced = transaction.IsPriced,
            IsEstimated = transaction.IsEstimated,
            Provider = transaction.Provider,
            Model = transaction.Model,
            Counts = transaction.Counts,
            Outcome = transaction.Outcome,
            Reference = transaction.Reference,
        };
        return entry with { Hash = HashOf(entry, previousHash) };
    }

    /// <summary>Whether an entry was made of this transaction.</summary>
    /// <param name="entry">The entry in the transaction's own account.</param>
    /// <param name="transaction">The transaction.</param>
    /// <returns>Whether kind, amount and reference are the same. What was counted may differ between two tries of
    /// one call.</returns>
    public static bool IsOf(LedgerEntry entry, LedgerTransaction transaction)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentNullException.ThrowIfNull(transaction);
        return entry.Kind == transaction.Kind && entry.Amount == transaction.Amount
            && entry.Reference == transaction.Reference;
    }

    /// <summary>What is known of an entry's amount, in one number, as it is hashed and as stores keep it.</summary>
    /// <param name="entry">The entry.</param>
    /// <returns>1 for <see cref="LedgerEntry.IsPriced"/>, 2 for <see cref="LedgerEntry.IsEstimated"/>, or their
    /// sum.</returns>
    public static int FlagsOf(LedgerEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        int priced = entry.IsPriced ? Priced : 0;
        int estimated = entry.IsEstimated ? Estimated : 0;
        return priced | estimated;
    }

    /// <summary>Gives an entry what <see cref="FlagsOf"/> said.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="flags">The number.</param>
    /// <returns>The entry with it.</returns>
    public static LedgerEntry WithFlags(LedgerEntry entry, int flags)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return entry with { IsPriced = (flags & Priced) != 0, IsEstimated = (flags & Estimated) != 0 };
    }

    /// <summary>Hashes an entry.</summary>
    /// <param name="entry">The entry; its own hash does not count.</param>
    /// <param name="previousHash">The hash of the entry before; empty for the first.</param>
    /// <returns>64 hexadecimal digits in lower case.</returns>
    public static string HashOf(LedgerEntry entry, string previousHash)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentNullException.ThrowIfNull(previousHash);
        var text = new HashInput();
        text.Add(previousHash);
        text.Add(entry.Sequence);
        text.Add(entry.Account);
        text.Add(entry.Contra);
        text.Add(entry.Key);
        text.Add((long)entry.Kind);
        text.Add(entry.Amount.Micros);
        text.Add(entry.Amount.Currency);
        text.Add(entry.At.ToUnixTimeMilliseconds());
        text.Add(FlagsOf(entry));
        text.Add(entry.Provider);
        text.Add(entry.Model);
        text.Add(entry.Counts.Input);
        text.Add(entry.Counts.CachedInput);
        text.Add(entry.Counts.CacheWrite);
        text.Add(entry.Counts.Output);
        text.Add(entry.Counts.Reasoning);
        text.Add(entry.Counts.AudioInput);
        text.Add(entry.Counts.AudioOutput);
        text.Add(entry.Counts.Images);
        text.Add(entry.Counts.Embedding);
        text.Add(entry.Counts.Requests);
        text.Add((long)entry.Outcome);
        text.Add(entry.Reference);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text.Written, hash);
        return Convert.ToHexStringLower(hash);
    }

    /// <summary>Signs a checkpoint.</summary>
    /// <param name="account">The account as its entries name it.</param>
    /// <param name="checkpoint">The checkpoint; its own signature does not count.</param>
    /// <param name="key">The host's key; at least 16 bytes.</param>
    /// <returns>64 hexadecimal digits in lower case.</returns>
    /// <exception cref="ArgumentException">The key is too short.</exception>
    public static string Sign(string account, LedgerCheckpoint checkpoint, ReadOnlySpan<byte> key)
    {
        ArgumentNullException.ThrowIfNull(account);
        ArgumentNullException.ThrowIfNull(checkpoint);
        if (key.Length < 16)
        {
            throw new ArgumentException("A key that signs checkpoints has at least 16 bytes.", nameof(key));
        }

        var text = new HashInput();
        text.Add(account);
        text.Add(checkpoint.Sequence);
        text.Add(checkpoint.Hash);
        text.Add(checkpoint.At.ToUnixTimeMilliseconds());
        foreach (MicroAmount balance in checkpoint.Balances.OrderBy(
            balance => balance.Currency, StringComparer.Ordinal))
        {
            text.Add(balance.Currency);
            text.Add(balance.Micros);
        }

        Span<byte> signature = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, text.Written, signature);
        return Convert.ToHexStringLower(signature);
    }

    /// <summary>Verifies one account.</summary>
    /// <param name="head">What the store keeps beside the entries.</param>
    /// <param name="entries">The entries, in the order of their places.</param>
    /// <param name="key">The key that signs checkpoints; empty leaves signatures unchecked.</param>
    /// <param name="problems">Where problems are added, up to <see cref="MaxProblems"/>.</param>
    /// <returns>How many entries there are.</returns>
    public static long Verify(
        LedgerHead head, IEnumerable<LedgerEntry> entries, ReadOnlySpan<byte> key, ICollection<LedgerProblem> problems)
    {
        ArgumentNullException.ThrowIfNull(entries);
        var verifier = new LedgerVerifier(head, key, problems);
        foreach (LedgerEntry entry in entries)
        {
            verifier.Add(entry);
        }

        return verifier.End();
    }

    /// <summary>Makes the signed checkpoint that stands for entries that are removed.</summary>
    /// <param name="account">The account as its entries name it.</param>
    /// <param name="before">The checkpoint that stood there; <see cref="LedgerCheckpoint.None"/> for none.</param>
    /// <param name="removed">The sums of the removed entries by currency.</param>
    /// <param name="sequence">The place of the last one of them.</param>
    /// <param name="hash">Its hash.</param>
    /// <param name="at">When they are removed.</param>
    /// <param name="key">The host's key; at least 16 bytes.</param>
    /// <returns>The checkpoint with its signature.</returns>
    /// <exception cref="ArgumentException">The key is too short.</exception>
    public static LedgerCheckpoint Checkpoint(
        string account, LedgerCheckpoint before, IEnumerable<MicroAmount> removed, long sequence, string hash,
        DateTimeOffset at, ReadOnlySpan<byte> key)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(removed);
        var balances = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (MicroAmount amount in before.Balances.Concat(removed))
        {
            balances[amount.Currency] = checked(balances.GetValueOrDefault(amount.Currency) + amount.Micros);
        }

        var checkpoint = new LedgerCheckpoint
        {
            Sequence = sequence,
            Hash = hash,
            Balances = [.. balances.Select(balance => new MicroAmount(balance.Value, balance.Key))],
            At = DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds()),
        };
        return checkpoint with { Signature = Sign(account, checkpoint, key) };
    }

    private static void CheckText(string text, int minimum, int maximum, string name)
    {
        ArgumentNullException.ThrowIfNull(text, name);
        if (text.Length < minimum || text.Length > maximum)
        {
            throw new ArgumentException($"{name} has {minimum} to {maximum} characters; it has {text.Length}.", name);
        }
    }

    /// <summary>Fields one after the other, each text with its length before it: no two lists give one text.</summary>
    private ref struct HashInput
    {
        private byte[] _bytes = new byte[512];
        private int _length;

        public HashInput()
        {
        }

        public readonly ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

        public void Add(long value)
        {
            Reserve(sizeof(long));
            BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(_length), value);
            _length += sizeof(long);
        }

        public void Add(string text)
        {
            int length = Encoding.UTF8.GetByteCount(text);
            Add(length);
            Reserve(length);
            _length += Encoding.UTF8.GetBytes(text, _bytes.AsSpan(_length));
        }

        private void Reserve(int more)
        {
            if (_length + more > _bytes.Length)
            {
                Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + more));
            }
        }
    }
}
