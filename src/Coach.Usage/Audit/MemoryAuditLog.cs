using System.Security.Cryptography;

namespace Coach.Usage;

/// <summary>An audit log in this process's memory, which keeps the latest entries and ends with the process.</summary>
public sealed class MemoryAuditLog : IAuditLog
{
    private readonly TimeProvider _time;
    private readonly int _capacity;
    private readonly byte[] _subjectKey = RandomNumberGenerator.GetBytes(32);
    private readonly Lock _gate = new();
    private readonly Queue<AuditEntry> _entries = new();
    private string _hash = "";
    private string _hashBefore = "";
    private long _sequence;

    /// <summary>Makes an empty log.</summary>
    /// <param name="time">The clock of its entries.</param>
    /// <param name="capacity">How many entries are kept; 1 to 1,000,000.</param>
    public MemoryAuditLog(TimeProvider time, int capacity = 10_000)
    {
        ArgumentNullException.ThrowIfNull(time);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, 1_000_000);
        (_time, _capacity) = (time, capacity);
    }

    /// <inheritdoc />
    public ValueTask<AuditEntry> AppendAsync(AuditEvent auditEvent, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(auditEvent);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            AuditEntry entry = AuditChain.Next(auditEvent, _sequence + 1, _hash, _time.GetUtcNow(), _subjectKey);
            _sequence++;
            _hash = entry.Hash;
            _entries.Enqueue(entry);
            if (_entries.Count > _capacity)
            {
                _hashBefore = _entries.Dequeue().Hash;
            }

            return ValueTask.FromResult(entry);
        }
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<AuditEntry>> ReadAsync(
        long after = 0, int limit = 1_000, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 100_000);
        lock (_gate)
        {
            return ValueTask.FromResult<IReadOnlyList<AuditEntry>>(
                [.. _entries.Where(entry => entry.Sequence > after).Take(limit)]);
        }
    }

    /// <inheritdoc />
    public ValueTask<long?> VerifyAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return ValueTask.FromResult(
                AuditChain.Verify(_entries, _sequence - _entries.Count + 1, _hashBefore, _sequence));
        }
    }
}
