using System.Security.Cryptography;
using System.Text;

namespace Coach.Usage;

/// <summary>
/// Verifies an account entry by entry, for stores that read theirs in pages. Not safe for concurrent use.
/// </summary>
public sealed class LedgerVerifier
{
    private readonly LedgerHead _head;
    private readonly ICollection<LedgerProblem> _problems;
    private readonly Dictionary<string, Int128> _sums;
    private long _sequence;
    private long _count;
    private string _hash;

    /// <summary>Begins with the account's checkpoint.</summary>
    /// <param name="head">What the store knows of the account.</param>
    /// <param name="key">The key that signs checkpoints; empty to leave signatures unchecked.</param>
    /// <param name="problems">Gets what is found, up to <see cref="LedgerChain.MaxProblems"/>.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public LedgerVerifier(LedgerHead head, ReadOnlySpan<byte> key, ICollection<LedgerProblem> problems)
    {
        ArgumentNullException.ThrowIfNull(head);
        ArgumentNullException.ThrowIfNull(problems);
        (_head, _problems) = (head, problems);
        LedgerCheckpoint checkpoint = head.Checkpoint;
        (_sequence, _hash) = (checkpoint.Sequence, checkpoint.Hash);
        _sums = checkpoint.Balances.ToDictionary(
            balance => balance.Currency, balance => (Int128)balance.Micros, StringComparer.Ordinal);
        if (checkpoint.Sequence > 0 && key.Length > 0
            && !CryptographicOperations.FixedTimeEquals(
                Encoding.ASCII.GetBytes(LedgerChain.Sign(head.Account, checkpoint, key)),
                Encoding.ASCII.GetBytes(checkpoint.Signature)))
        {
            Report(0, "the checkpoint's signature is not the host's");
        }
    }

    /// <summary>Checks the entry that comes next.</summary>
    /// <param name="entry">The entry.</param>
    /// <exception cref="ArgumentNullException"><paramref name="entry"/> is null.</exception>
    public void Add(LedgerEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        _count++;
        _sequence++;
        if (entry.Sequence != _sequence)
        {
            Report(_sequence, $"the entry is missing; {entry.Sequence} follows");
            _sequence = entry.Sequence;
        }
        else if (!string.Equals(LedgerChain.HashOf(entry, _hash), entry.Hash, StringComparison.Ordinal))
        {
            Report(entry.Sequence, "the entry is not what was written, or not where it was written");
        }

        _hash = entry.Hash;
        _sums[entry.Amount.Currency] = _sums.GetValueOrDefault(entry.Amount.Currency) + entry.Amount.Micros;
    }

    /// <summary>Checks the head and the balances, after the last entry.</summary>
    /// <returns>How many entries there are.</returns>
    public long End()
    {
        if (_head.Sequence != _sequence || !string.Equals(_head.Hash, _hash, StringComparison.Ordinal))
        {
            Report(0, $"the last entry is {_sequence}, the account's head says {_head.Sequence} or another hash");
        }

        var balances = _head.Balances.ToDictionary(
            balance => balance.Currency, balance => (Int128)balance.Micros, StringComparer.Ordinal);
        foreach (string currency in _sums.Keys.Union(balances.Keys))
        {
            if (_sums.GetValueOrDefault(currency) != balances.GetValueOrDefault(currency))
            {
                Report(0, $"the balance in {currency} is not the sum of the entries");
            }
        }

        return _count;
    }

    private void Report(long place, string what)
    {
        if (_problems.Count < LedgerChain.MaxProblems)
        {
            _problems.Add(new LedgerProblem(_head.Account, place, what));
        }
    }
}
