using Coach.Testing;
using Memo.Data;
using Memo.Evaluation;
using Memo.Jobs;

namespace Memo.Tests.Jobs;

/// <summary>One database: what holds for SQLite holds for PostgreSQL too (see PostgresTests).</summary>
public sealed class EvaluationStoreTests : IAsyncLifetime
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(90);

    private readonly TempFolder _folder = new();
    private readonly VirtualClock _clock = new(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));
    private SqliteDatabase _database = null!;
    private EvaluationStore _store = null!;

    public async ValueTask InitializeAsync()
    {
        _database = new SqliteDatabase(_folder.File("memo.db"));
        await _database.MigrateAsync(CancellationToken.None);
        _store = new EvaluationStore(_database, _clock);
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Take_ManyAtOnce_GivesEachJobOnce_OldestFirst()
    {
        string[] ids = await EnqueueAsync(20);
        EvaluationRecord?[] taken = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => _store.TakeAsync(Lease, default)));
        Assert.Equal(ids.Order(), taken.OfType<EvaluationRecord>().Select(job => job.Id).Order());
        Assert.Equal(10, taken.Count(job => job is null));
        Assert.All(taken.OfType<EvaluationRecord>(), job => Assert.Equal((1, 1L, "running"), (job.Attempts, job.Token, job.Status)));
    }

    [Fact]
    public async Task End_ByAWorkerWhoseJobWasGivenToAnother_ChangesAndChargesNothing()
    {
        await EnqueueAsync(1);
        EvaluationRecord first = (await _store.TakeAsync(Lease, default))!;
        _clock.Advance(Lease + TimeSpan.FromSeconds(1));
        EvaluationRecord second = (await _store.TakeAsync(Lease, default))!;
        Assert.Equal((first.Id, 2, 2L), (second.Id, second.Attempts, second.Token));
        Assert.False(await EndAsync(first, 5));
        Assert.True(await EndAsync(second, 7));
        Assert.False(await EndAsync(second, 7));
        Assert.Equal((1, 7), await ChargesAsync());
    }

    [Fact]
    public async Task Recover_AfterAKill_RepeatsWhatRanAndKeepsWhatWaited()
    {
        string[] ids = await EnqueueAsync(3);
        EvaluationRecord before = (await _store.TakeAsync(Lease, default))!;
        Assert.Equal(1, await _store.RecoverAsync(default));
        var taken = new List<string>();
        while (await _store.TakeAsync(Lease, default) is { } job)
        {
            taken.Add(job.Id);
            Assert.True(await EndAsync(job, 1));
        }

        Assert.Equal(ids, taken);
        Assert.False(await EndAsync(before, 1));
        Assert.Equal((3, 3), await ChargesAsync());
    }

    [Fact]
    public async Task CancelOrDelete_OfAnotherUser_ChangesNothing()
    {
        string id = (await EnqueueAsync(1))[0];
        Assert.Null(await _store.CancelOrDeleteAsync(id, "bert", default));
        Assert.Equal("queued", await _store.CancelOrDeleteAsync(id, "anna", default));
        Assert.Null(await _store.TakeAsync(Lease, default));
        Assert.Equal("done", await _store.CancelOrDeleteAsync(id, "anna", default));
        Assert.Null(await _store.CancelOrDeleteAsync(id, "anna", default));
    }

    [Fact]
    public async Task Enqueue_WithoutAPlace_IsRefused_AndTakenWhenOneIsFree()
    {
        Assert.True(await _store.EnqueueAsync(New(), 1, default));
        Assert.False(await _store.EnqueueAsync(New(), 1, default));
        Assert.True(await EndAsync((await _store.TakeAsync(Lease, default))!, 1));
        Assert.True(await _store.EnqueueAsync(New(), 1, default));
    }

    [Fact]
    public async Task Stop_OfWhatWasCancelledWhileItRan_NotesItsCostOnce_AndOfWhatWaited_GivesItsMoneyBack()
    {
        EvaluationRecord waiting = New() with { ReservedMicro = 500_000 };
        EvaluationRecord running = New() with { ReservedMicro = 500_000 };
        Assert.True(await _store.EnqueueAsync(running, 9, default));
        EvaluationRecord taken = (await _store.TakeAsync(Lease, default))!;
        Assert.True(await _store.EnqueueAsync(waiting, 9, default));
        Assert.Equal("queued", await _store.CancelOrDeleteAsync(waiting.Id, "anna", default));
        Assert.Equal("running", await _store.CancelOrDeleteAsync(running.Id, "anna", default));
        Assert.False(await EndAsync(taken, 7));
        Assert.True(await _store.StopAsync(taken, CallsOf(7), default));
        Assert.True(await _store.StopAsync(taken, CallsOf(7), default));
        List<Settlement> noted = await _store.ListSettlementsAsync(null, 9, default);
        Assert.Equal(
            new[] { (running.Id, 500_000L, 7L), (waiting.Id, 500_000L, 0L) }.Order(),
            noted.Select(each => (each.EvaluationId, each.ReservedMicro, each.Calls.Sum(call => call.CostMicro))).Order());
    }

    [Fact]
    public async Task Migrate_ByManyAtOnce_IsDoneOnce_AndANewerDatabaseIsRefused()
    {
        await using var fresh = new SqliteDatabase(_folder.File("fresh.db"));
        await using var other = new SqliteDatabase(_folder.File("fresh.db"));
        int[] versions = await Task.WhenAll(
            fresh.MigrateAsync(default), other.MigrateAsync(default), fresh.MigrateAsync(default));
        Assert.All(versions, version => Assert.Equal(Schema.Migrations.Count, version));
        await fresh.WriteAsync(
            transaction => transaction.Command("INSERT INTO schema_version (version) VALUES (99)").RunAsync(default), default);
        InvalidOperationException exception = await Assert.ThrowsAsync<InvalidOperationException>(() => other.MigrateAsync(default));
        Assert.StartsWith("The database has version 99", exception.Message, StringComparison.Ordinal);
    }

    private EvaluationRecord New() => new()
    {
        Id = EvaluationRecord.NewId(_clock.GetUtcNow()),
        UserId = "anna",
        Status = EvaluationRecord.Queued,
        Text = "A text that is long enough.",
        IsMock = true,
        CreatedAt = _clock.GetUtcNow(),
    };

    private async Task<string[]> EnqueueAsync(int count)
    {
        var ids = new List<string>();
        for (int i = 0; i < count; i++)
        {
            EvaluationRecord record = New();
            Assert.True(await _store.EnqueueAsync(record, 100, default));
            ids.Add(record.Id);
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }

        return [.. ids];
    }

    private Task<bool> EndAsync(EvaluationRecord job, long cost) =>
        _store.EndAsync(job, EvaluationRecord.Done, ("{}", null, null), CallsOf(cost), (null, null), default);

    private static ModelCall[] CallsOf(long cost) => [new("anthropic", "a-model", default, cost)];

    private async Task<(long Count, long Sum)> ChargesAsync()
    {
        List<Settlement> all = await _store.ListSettlementsAsync(null, 100, default);
        return (all.Count, all.Sum(each => each.Calls.Sum(call => call.CostMicro)));
    }
}
