namespace Coach.Abstractions;

/// <summary>
/// Queues of jobs that survive their worker: each job is held by one worker at a time, and one that died gives it back.
/// </summary>
/// <remarks>
/// A job is run at least once: a worker that stalls past its lease may have done its work although another one takes
/// the job again; the token keeps its late result out. Implementations are safe for concurrent use.
/// <c>Coach.Testing</c> holds their contract as checks.
/// </remarks>
public interface IJobStore
{
    /// <summary>Puts a job into its queue.</summary>
    /// <param name="job">A queued job. If its id is known already, nothing changes.</param>
    /// <param name="cancellationToken">Ends the wait; the job may have been stored.</param>
    /// <returns>The stored job: this one, or the one that had the id before.</returns>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<Job> EnqueueAsync(Job job, CancellationToken cancellationToken = default);

    /// <summary>Takes the oldest job that waits, or whose lease has ended.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="lease">How long it is held without a renewal; 1 second to 1 day.</param>
    /// <param name="cancellationToken">Ends the wait; a job may have been taken and comes back when its lease
    /// ends.</param>
    /// <returns>The lease; null if nothing waits.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<JobLease?> TakeAsync(string queue, TimeSpan lease, CancellationToken cancellationToken = default);

    /// <summary>Holds a job for longer.</summary>
    /// <param name="held">The lease.</param>
    /// <param name="lease">How long from now.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>
    /// The new lease; null if the job was given to another worker, cancelled or erased: stop working on it.
    /// </returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<JobLease?> RenewAsync(JobLease held, TimeSpan lease, CancellationToken cancellationToken = default);

    /// <summary>Ends a job well.</summary>
    /// <param name="held">The lease.</param>
    /// <param name="result">What came out of it.</param>
    /// <param name="cancellationToken">Ends the wait; the result may have been stored.</param>
    /// <returns>Whether this lease still held the job; otherwise nothing changed.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<bool> CompleteAsync(JobLease held, ReadOnlyMemory<byte> result, CancellationToken cancellationToken = default);

    /// <summary>Ends a job with an error, or gives it back.</summary>
    /// <param name="held">The lease.</param>
    /// <param name="errorCode">Why, as a code.</param>
    /// <param name="again">Whether it goes back into the queue instead of ending.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether this lease still held the job; otherwise nothing changed.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<bool> FailAsync(JobLease held, string errorCode, bool again, CancellationToken cancellationToken = default);

    /// <summary>Cancels a job that has not ended. A worker learns it at its next renewal.</summary>
    /// <param name="id">The job.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether it was cancelled now.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<bool> CancelAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>Reads one job.</summary>
    /// <param name="id">The job.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The job; null if there is none.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<Job?> FindAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>One caller's jobs, newest first, without payloads and results.</summary>
    /// <param name="callerKey"><see cref="CallerContext.Key"/>.</param>
    /// <param name="before">Only those created before this; null for all.</param>
    /// <param name="limit">How many at most; 1 to 500.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The jobs.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<IReadOnlyList<Job>> ListAsync(
        string callerKey, DateTimeOffset? before, int limit, CancellationToken cancellationToken = default);

    /// <summary>Erases all that one caller's jobs hold, running ones included.</summary>
    /// <param name="callerKey"><see cref="CallerContext.Key"/>.</param>
    /// <param name="cancellationToken">Ends the wait; some may be left.</param>
    /// <returns>How many jobs were erased.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<int> EraseAsync(string callerKey, CancellationToken cancellationToken = default);

    /// <summary>Removes ended jobs.</summary>
    /// <param name="endedBefore">Those that ended before this.</param>
    /// <param name="cancellationToken">Ends the wait; some may be left.</param>
    /// <returns>How many were removed.</returns>
    /// <exception cref="CoachException">The store is away (<see cref="ErrorCodes.StoreUnavailable"/>).</exception>
    Task<int> PruneAsync(DateTimeOffset endedBefore, CancellationToken cancellationToken = default);
}
