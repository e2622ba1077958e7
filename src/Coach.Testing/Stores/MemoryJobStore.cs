using Coach.Abstractions;

namespace Coach.Testing;

/// <summary>Jobs in memory, for tests of hosts: what a worker and its store do, on a clock of the test's.</summary>
/// <param name="time">The clock of leases.</param>
public sealed class MemoryJobStore(TimeProvider time) : IJobStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _jobs = new(StringComparer.Ordinal);

    /// <inheritdoc />
    public Task<Job> EnqueueAsync(Job job, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(job);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (!_jobs.TryGetValue(job.Id, out Entry? entry))
            {
                _jobs[job.Id] = entry = new Entry(job with { State = JobState.Queued, Attempts = 0 });
            }

            return Task.FromResult(entry.Job);
        }
    }

    /// <inheritdoc />
    public Task<JobLease?> TakeAsync(string queue, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        DateTimeOffset now = time.GetUtcNow();
        lock (_gate)
        {
            Entry? next = _jobs.Values
                .Where(entry => entry.Job.Queue == queue && entry.Waits(now))
                .OrderBy(entry => entry.Job.CreatedAt)
                .FirstOrDefault();
            if (next is null)
            {
                return Task.FromResult<JobLease?>(null);
            }

            next.Token++;
            next.Job = next.Job with { State = JobState.Running, Attempts = next.Job.Attempts + 1, StartedAt = now };
            return Task.FromResult<JobLease?>(Hold(next, now + lease));
        }
    }

    /// <inheritdoc />
    public Task<JobLease?> RenewAsync(JobLease held, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(held);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            Entry? entry = Held(held);
            return Task.FromResult(entry is null ? null : Hold(entry, time.GetUtcNow() + lease));
        }
    }

    /// <inheritdoc />
    public Task<bool> CompleteAsync(
        JobLease held, ReadOnlyMemory<byte> result, CancellationToken cancellationToken = default) =>
        Change(
            held,
            job => job with { State = JobState.Done, Result = result, EndedAt = time.GetUtcNow() },
            cancellationToken);

    /// <inheritdoc />
    public Task<bool> FailAsync(
        JobLease held, string errorCode, bool again, CancellationToken cancellationToken = default) =>
        Change(
            held,
            job => again
                ? job with { State = JobState.Queued }
                : job with { State = JobState.Failed, ErrorCode = errorCode, EndedAt = time.GetUtcNow() },
            cancellationToken);

    /// <inheritdoc />
    public Task<bool> CancelAsync(string id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (!_jobs.TryGetValue(id, out Entry? entry)
                || entry.Job.State is not (JobState.Queued or JobState.Running))
            {
                return Task.FromResult(false);
            }

            entry.Job = entry.Job with { State = JobState.Cancelled, EndedAt = time.GetUtcNow() };
            return Task.FromResult(true);
        }
    }

    /// <inheritdoc />
    public Task<Job?> FindAsync(string id, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return Task.FromResult(_jobs.TryGetValue(id, out Entry? entry) ? entry.Job : null);
        }
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<Job>> ListAsync(
        string callerKey, DateTimeOffset? before, int limit, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return Task.FromResult<IReadOnlyList<Job>>([.. _jobs.Values
                .Select(entry => entry.Job)
                .Where(job => job.CallerKey == callerKey && (before is null || job.CreatedAt < before))
                .OrderByDescending(job => job.CreatedAt)
                .Take(limit)
                .Select(job => job with { Payload = default, Result = default })]);
        }
    }

    /// <inheritdoc />
    public Task<int> EraseAsync(string callerKey, CancellationToken cancellationToken = default) =>
        Remove(job => job.CallerKey == callerKey);

    /// <inheritdoc />
    public Task<int> PruneAsync(DateTimeOffset endedBefore, CancellationToken cancellationToken = default) =>
        Remove(job => job.EndedAt < endedBefore);

    private Task<int> Remove(Func<Job, bool> isGone)
    {
        lock (_gate)
        {
            string[] ids = [.. _jobs.Values.Where(entry => isGone(entry.Job)).Select(entry => entry.Job.Id)];
            foreach (string id in ids)
            {
                _jobs.Remove(id);
            }

            return Task.FromResult(ids.Length);
        }
    }

    private Task<bool> Change(JobLease held, Func<Job, Job> change, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (Held(held) is not { } entry)
            {
                return Task.FromResult(false);
            }

            entry.Job = change(entry.Job);
            return Task.FromResult(true);
        }
    }

    private Entry? Held(JobLease held) =>
        _jobs.TryGetValue(held.Job.Id, out Entry? entry) && entry.Token == held.Token
            && entry.Job.State == JobState.Running
            ? entry
            : null;

    private static JobLease Hold(Entry entry, DateTimeOffset until)
    {
        entry.LeaseEnds = until;
        return new JobLease(entry.Job, entry.Token, until);
    }

    private sealed class Entry(Job job)
    {
        public Job Job { get; set; } = job;

        public long Token { get; set; }

        public DateTimeOffset LeaseEnds { get; set; }

        public bool Waits(DateTimeOffset now) =>
            Job.State == JobState.Queued || (Job.State == JobState.Running && LeaseEnds <= now);
    }
}
