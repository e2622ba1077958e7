using Coach.Abstractions;
using Coach.Testing.Stores;

namespace Coach.Testing;

/// <summary>
/// What every <see cref="IJobStore"/> must do: one test per name of <see cref="Names"/> that calls
/// <see cref="RunAsync"/>.
/// </summary>
public static class JobStoreContract
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private static readonly ContractSuite<IJobStore> Suite = new(new(StringComparer.Ordinal)
    {
        ["Enqueue_TheSameIdTwice_IsOneJob"] = EnqueueAsync,
        ["Take_OldestFirst_OfItsOwnQueue"] = OrderAsync,
        ["Take_ManyAtOnce_GivesAJobToOne"] = RaceAsync,
        ["Lease_ThatEnds_GivesTheJobToTheNextWorker_AndFencesTheFirst"] = FencingAsync,
        ["Renew_HoldsTheJob"] = RenewAsync,
        ["Complete_KeepsTheResult"] = CompleteAsync,
        ["Fail_Again_QueuesIt_OtherwiseEndsIt"] = FailAsync,
        ["Cancel_EndsAJobThatHasNotEnded"] = CancelAsync,
        ["List_IsTheCallersOwn_NewestFirst"] = ListAsync,
        ["Erase_RemovesOneCallersJobs"] = EraseAsync,
        ["Prune_RemovesEndedJobsAlone"] = PruneAsync,
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
        string name, IJobStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken = default) =>
        Suite.RunAsync(name, store, advance, cancellationToken);

    private static async Task EnqueueAsync(
        IJobStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        Job job = NewJob();
        Job first = await store.EnqueueAsync(job, cancellationToken).ConfigureAwait(false);
        Job second = await store.EnqueueAsync(job with { Payload = new byte[] { 9 } }, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(first.State == JobState.Queued && first.Attempts == 0, "a new job waits");
        Contract.Holds(second.Payload.Span.SequenceEqual(job.Payload.Span), "an id that is known keeps its job");
        Job? found = await store.FindAsync(job.Id, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            found is not null && found.CallerKey == job.CallerKey && found.CreatedAt == job.CreatedAt
                && found.Payload.Span.SequenceEqual(job.Payload.Span),
            "every field comes back");
        Contract.Holds(
            await store.FindAsync(Contract.Tag(), cancellationToken).ConfigureAwait(false) is null,
            "an unknown job is null");
    }

    private static async Task OrderAsync(
        IJobStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        Job older = NewJob();
        Job newer = NewJob(older.Queue) with { CreatedAt = older.CreatedAt + TimeSpan.FromSeconds(1) };
        await store.EnqueueAsync(newer, cancellationToken).ConfigureAwait(false);
        await store.EnqueueAsync(older, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await store.TakeAsync(Contract.Tag(), Lease, cancellationToken).ConfigureAwait(false) is null,
            "another queue is empty");
        JobLease? first = await store.TakeAsync(older.Queue, Lease, cancellationToken).ConfigureAwait(false);
        JobLease? second = await store.TakeAsync(older.Queue, Lease, cancellationToken).ConfigureAwait(false);
        Contract.Holds(first?.Job.Id == older.Id && second?.Job.Id == newer.Id, "the oldest comes first");
        Contract.Holds(first!.Job is { State: JobState.Running, Attempts: 1, StartedAt: not null }, "a taken job runs");
        Contract.Holds(
            await store.TakeAsync(older.Queue, Lease, cancellationToken).ConfigureAwait(false) is null,
            "held jobs are not given away");
    }

    private static async Task RaceAsync(
        IJobStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        string queue = Contract.Tag();
        for (int i = 0; i < 10; i++)
        {
            await store.EnqueueAsync(NewJob(queue), cancellationToken).ConfigureAwait(false);
        }

        JobLease?[] taken = await Task.WhenAll(Enumerable.Range(0, 32)
            .Select(_ => Task.Run(() => store.TakeAsync(queue, Lease, cancellationToken), cancellationToken)))
                .ConfigureAwait(false);
        string[] ids = [.. taken.OfType<JobLease>().Select(lease => lease.Job.Id)];
        Contract.Holds(ids.Length == 10 && ids.Distinct().Count() == 10, "each job goes to one worker");
    }

    private static async Task FencingAsync(
        IJobStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        JobLease first = await TakeNewAsync(store, cancellationToken).ConfigureAwait(false);
        await advance(Lease + TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        JobLease? second = await store.TakeAsync(first.Job.Queue, Lease, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            second is not null && second.Token > first.Token && second.Job.Attempts == 2,
            "the next worker has a higher token");
        Contract.Holds(
            !await store.CompleteAsync(first, new byte[] { 1 }, cancellationToken).ConfigureAwait(false),
            "the first changes nothing");
        Contract.Holds(
            await store.RenewAsync(first, Lease, cancellationToken).ConfigureAwait(false) is null,
            "nor does it hold the job");
        Contract.Holds(
            await store.CompleteAsync(second!, new byte[] { 2 }, cancellationToken).ConfigureAwait(false),
            "the second ends it");
        Job? found = await store.FindAsync(first.Job.Id, cancellationToken).ConfigureAwait(false);
        Contract.Holds(found!.Result.Span.SequenceEqual(new byte[] { 2 }), "its result stands");
    }

    private static async Task RenewAsync(
        IJobStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        JobLease held = await TakeNewAsync(store, cancellationToken).ConfigureAwait(false);
        await advance(Lease - TimeSpan.FromSeconds(10)).ConfigureAwait(false);
        JobLease? renewed = await store.RenewAsync(held, Lease, cancellationToken).ConfigureAwait(false);
        Contract.Holds(renewed is not null && renewed.ExpiresAt > held.ExpiresAt, "a renewed lease ends later");
        await advance(Lease - TimeSpan.FromSeconds(10)).ConfigureAwait(false);
        Contract.Holds(
            await store.TakeAsync(held.Job.Queue, Lease, cancellationToken).ConfigureAwait(false) is null,
            "the job is held past its first lease");
        Contract.Holds(
            await store.CompleteAsync(renewed!, default, cancellationToken).ConfigureAwait(false),
            "the renewed lease ends the job");
    }

    private static async Task CompleteAsync(
        IJobStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        JobLease held = await TakeNewAsync(store, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await store.CompleteAsync(held, new byte[] { 5, 6 }, cancellationToken).ConfigureAwait(false),
            "the holder ends its job");
        Job? found = await store.FindAsync(held.Job.Id, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            found is { State: JobState.Done, EndedAt: not null }
                && found.Result.Span.SequenceEqual(new byte[] { 5, 6 }), "the result is kept");
        Contract.Holds(
            !await store.CompleteAsync(held, default, cancellationToken).ConfigureAwait(false), "a job ends once");
        Contract.Holds(
            !await store.CancelAsync(held.Job.Id, cancellationToken).ConfigureAwait(false),
            "an ended job is not cancelled");
    }

    private static async Task FailAsync(
        IJobStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        JobLease held = await TakeNewAsync(store, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await store.FailAsync(held, ErrorCodes.ProviderTimeout, again: true, cancellationToken)
                .ConfigureAwait(false),
            "it is given back");
        JobLease? next = await store.TakeAsync(held.Job.Queue, Lease, cancellationToken).ConfigureAwait(false);
        Contract.Holds(next?.Job.Id == held.Job.Id, "and taken again");
        Contract.Holds(
            await store.FailAsync(next!, ErrorCodes.ProviderFailed, again: false, cancellationToken)
                .ConfigureAwait(false),
            "it fails");
        Job? found = await store.FindAsync(held.Job.Id, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            found is { State: JobState.Failed, ErrorCode: ErrorCodes.ProviderFailed, EndedAt: not null },
            "with its code");
    }

    private static async Task CancelAsync(
        IJobStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        JobLease held = await TakeNewAsync(store, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await store.CancelAsync(held.Job.Id, cancellationToken).ConfigureAwait(false),
            "a running job is cancelled");
        Contract.Holds(
            await store.RenewAsync(held, Lease, cancellationToken).ConfigureAwait(false) is null,
            "its worker learns it");
        Contract.Holds(
            !await store.CompleteAsync(held, default, cancellationToken).ConfigureAwait(false),
            "and its result is not kept");
        Job? found = await store.FindAsync(held.Job.Id, cancellationToken).ConfigureAwait(false);
        Contract.Holds(found is { State: JobState.Cancelled, EndedAt: not null }, "the job says so");
        Contract.Holds(
            !await store.CancelAsync(Contract.Tag(), cancellationToken).ConfigureAwait(false),
            "an unknown job is not cancelled");
    }

    private static async Task ListAsync(
        IJobStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        Job first = NewJob();
        Job second = NewJob(
            ) with
        { CallerKey = first.CallerKey, CreatedAt = first.CreatedAt + TimeSpan.FromSeconds(1) };
        await store.EnqueueAsync(first, cancellationToken).ConfigureAwait(false);
        await store.EnqueueAsync(second, cancellationToken).ConfigureAwait(false);
        await store.EnqueueAsync(NewJob(), cancellationToken).ConfigureAwait(false);
        IReadOnlyList<Job> own = await store.ListAsync(first.CallerKey, before: null, 10, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(
            own.Select(job => job.Id).SequenceEqual([second.Id, first.Id]), "one caller's jobs, newest first");
        Contract.Holds(own.All(job => job.Payload.IsEmpty), "a list carries no payloads");
        IReadOnlyList<Job> older = await store.ListAsync(first.CallerKey, second.CreatedAt, 10, cancellationToken)
            .ConfigureAwait(false);
        Contract.Holds(older.Select(job => job.Id).SequenceEqual([first.Id]), "only those created before");
        Contract.Holds(
            (await store.ListAsync(first.CallerKey, null, 1, cancellationToken).ConfigureAwait(false)).Count == 1,
            "at most the limit");
    }

    private static async Task EraseAsync(
        IJobStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        JobLease held = await TakeNewAsync(store, cancellationToken).ConfigureAwait(false);
        Job other = NewJob();
        await store.EnqueueAsync(other, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await store.EraseAsync(held.Job.CallerKey, cancellationToken).ConfigureAwait(false) == 1,
            "it says how many");
        Contract.Holds(
            await store.FindAsync(held.Job.Id, cancellationToken).ConfigureAwait(false) is null,
            "the caller's job is gone");
        Contract.Holds(
            !await store.CompleteAsync(held, default, cancellationToken).ConfigureAwait(false),
            "and does not come back");
        Contract.Holds(
            await store.FindAsync(other.Id, cancellationToken).ConfigureAwait(false) is not null,
            "another caller's stays");
    }

    private static async Task PruneAsync(
        IJobStore store, Func<TimeSpan, Task> advance, CancellationToken cancellationToken)
    {
        JobLease ended = await TakeNewAsync(store, cancellationToken).ConfigureAwait(false);
        await store.CompleteAsync(ended, default, cancellationToken).ConfigureAwait(false);
        Job waiting = NewJob();
        await store.EnqueueAsync(waiting, cancellationToken).ConfigureAwait(false);
        DateTimeOffset end = (
            await store.FindAsync(ended.Job.Id, cancellationToken).ConfigureAwait(false))!.EndedAt!.Value;
        await store.PruneAsync(end, cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await store.FindAsync(ended.Job.Id, cancellationToken).ConfigureAwait(false) is not null,
            "what ended at that moment stays");
        await store.PruneAsync(end + TimeSpan.FromTicks(10), cancellationToken).ConfigureAwait(false);
        Contract.Holds(
            await store.FindAsync(ended.Job.Id, cancellationToken).ConfigureAwait(false) is null,
            "what ended before goes");
        Contract.Holds(
            await store.FindAsync(waiting.Id, cancellationToken).ConfigureAwait(false) is not null, "what waits stays");
    }

    private static Job NewJob(string? queue = null) => new()
    {
        Id = Contract.Tag(),
        Queue = queue ?? Contract.Tag(),
        CallerKey = "s:-:" + Contract.Tag(),
        Payload = new byte[] { 1, 0, 255 },
        CreatedAt = new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero),
    };

    private static async Task<JobLease> TakeNewAsync(IJobStore store, CancellationToken cancellationToken)
    {
        Job job = await store.EnqueueAsync(NewJob(), cancellationToken).ConfigureAwait(false);
        JobLease? lease = await store.TakeAsync(job.Queue, Lease, cancellationToken).ConfigureAwait(false);
        Contract.Holds(lease?.Job.Id == job.Id, "a new job is taken");
        return lease!;
    }
}
