using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Coach.Usage;

/// <summary>The rules of the audit log's chain, for those who write a store.</summary>
public static class AuditChain
{
    /// <summary>Makes the entry that comes next.</summary>
    /// <param name="auditEvent">The event.</param>
    /// <param name="sequence">Its place.</param>
    /// <param name="previousHash">The hash before; empty for the first.</param>
    /// <param name="at">When.</param>
    /// <param name="subjectKey">The key under which subjects are hashed; at least 16 bytes.</param>
    /// <returns>The entry with its hash.</returns>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public static AuditEntry Next(
        AuditEvent auditEvent, long sequence, string previousHash, DateTimeOffset at, ReadOnlySpan<byte> subjectKey)
    {
        ArgumentNullException.ThrowIfNull(auditEvent);
        ArgumentNullException.ThrowIfNull(previousHash);
        bool isSmall = auditEvent.Subject is { Length: >= 1 and <= LedgerAccount.MaxLength }
            && auditEvent.Name is { Length: <= 64 } && auditEvent.Detail is { Length: <= 64 }
            && auditEvent.Reference is { Length: <= 200 };
        if (!isSmall || auditEvent.Kind == AuditEventKind.None || !Enum.IsDefined(auditEvent.Kind))
        {
            throw new ArgumentException("An event has a kind and a subject, and short texts.", nameof(auditEvent));
        }

        byte[] subject = HMACSHA256.HashData(subjectKey, Encoding.UTF8.GetBytes(auditEvent.Subject));
        var entry = new AuditEntry(
            sequence, DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds()), auditEvent.Kind,
            Convert.ToHexStringLower(subject.AsSpan(0, 16)), auditEvent.Name, auditEvent.Detail, auditEvent.Micros,
            auditEvent.Reference, "");
        return entry with { Hash = HashOf(entry, previousHash) };
    }

    /// <summary>Hashes an entry.</summary>
    /// <param name="entry">The entry; its own hash does not count.</param>
    /// <param name="previousHash">The hash before; empty for the first.</param>
    /// <returns>64 hexadecimal digits in lower case.</returns>
    public static string HashOf(AuditEntry entry, string previousHash)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentNullException.ThrowIfNull(previousHash);
        string[] fields =
        [
            previousHash, entry.Sequence.ToString(CultureInfo.InvariantCulture),
            entry.At.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture),
            ((int)entry.Kind).ToString(CultureInfo.InvariantCulture), entry.Subject, entry.Name, entry.Detail,
            entry.Micros.ToString(CultureInfo.InvariantCulture), entry.Reference,
        ];

        // Each field with its length before it: no two lists give one text.
        string text = string.Concat(
            fields.Select(field => string.Create(CultureInfo.InvariantCulture, $"{field.Length}:{field};")));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>Verifies a chain.</summary>
    /// <param name="entries">The entries in their order.</param>
    /// <param name="firstSequence">The place of the first one.</param>
    /// <param name="previousHash">The hash before it; empty at the beginning.</param>
    /// <param name="headSequence">The last place that the store knows of.</param>
    /// <returns>The first place that is not what was written; null if all are.</returns>
    public static long? Verify(
        IEnumerable<AuditEntry> entries, long firstSequence, string previousHash, long headSequence)
    {
        ArgumentNullException.ThrowIfNull(entries);
        long next = firstSequence;
        foreach (AuditEntry entry in entries)
        {
            if (entry.Sequence != next || HashOf(entry, previousHash) != entry.Hash)
            {
                return next;
            }

            previousHash = entry.Hash;
            next++;
        }

        return next - 1 == headSequence ? null : next;
    }
}
