using System.Net.Http.Json;
using System.Text.Json;
using Coach.Testing;
using Memo.Data;
using Memo.Evaluation;
using Memo.Jobs;
using Memo.Operations;
using Memo.Tests.Support;
using Microsoft.Extensions.Configuration;

namespace Memo.Tests.Scenarios;

/// <summary>The same host over PostgreSQL. Skipped where it is not installed.</summary>
public sealed class PostgresTests
{
    private const string Reason = "PostgreSQL is not installed.";

    public static bool IsInstalled => PostgresServer.IsInstalled;

    [Fact(Skip = Reason, SkipUnless = nameof(IsInstalled))]
    public async Task Host_OverPostgres_JudgesLogsInAndKeepsPeopleApart()
    {
        using var server = new PostgresServer();
        using var folder = new TempFolder();
        await using MemoApp app = await MemoApp.StartWithLoginAsync(
            folder.Path, new() { ["ConnectionStrings:Coach"] = server.ConnectionString });
        using HttpClient admin = await app.LoginAsync();
        using HttpClient anna = await app.LoginAsNewUserAsync(admin, "anna");
        JsonElement evaluation = await anna.EvaluateAsync(Texts.Memo);
        Assert.Equal("done", evaluation.GetProperty("status").GetString());
        string id = evaluation.GetProperty("id").GetString()!;
        using HttpResponseMessage other = await admin.GetAsync($"evaluations/{id}");
        await other.ProblemAsync(404, "ERR_NOT_FOUND");
        Assert.Equal(1, (await anna.GetFromJsonAsync<JsonElement>("progress")).GetProperty("points").GetArrayLength());
        Assert.Equal(System.Net.HttpStatusCode.NoContent, (await anna.DeleteAsync("me")).StatusCode);
        Assert.False(File.Exists(folder.File("memo.db")));
    }

    [Fact(Skip = Reason, SkipUnless = nameof(IsInstalled))]
    public async Task Store_OverPostgres_GivesEachJobOnceAndChargesItOnce()
    {
        using var server = new PostgresServer();
        var clock = new VirtualClock(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));
        await using var database = new PostgresDatabase(server.ConnectionString);
        await using var second = new PostgresDatabase(server.ConnectionString);
        int[] versions = await Task.WhenAll(database.MigrateAsync(default), second.MigrateAsync(default));
        Assert.All(versions, version => Assert.Equal(Schema.Migrations.Count, version));
        var store = new EvaluationStore(database, clock);
        var other = new EvaluationStore(second, clock);
        bool[] accepted = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? store : other).EnqueueAsync(
            new EvaluationRecord
            {
                Id = $"{i:D32}",
                UserId = "anna",
                Status = EvaluationRecord.Queued,
                Text = "A text that is long enough.",
                IsMock = true,
                CreatedAt = clock.GetUtcNow(),
            }, 15, default)));
        Assert.Equal(15, accepted.Count(each => each));

        EvaluationRecord?[] taken = await Task.WhenAll(
            Enumerable.Range(0, 30).Select(i => (i % 2 == 0 ? store : other).TakeAsync(TimeSpan.FromSeconds(90), default)));
        EvaluationRecord[] jobs = [.. taken.OfType<EvaluationRecord>()];
        Assert.Equal(jobs.Length, jobs.Select(job => job.Id).Distinct().Count());
        bool[] ended = await Task.WhenAll(jobs.Concat(jobs).Select(
            job => store.EndAsync(job, EvaluationRecord.Done, ("{}", null, null), [new ModelCall("anthropic", "a-model", default, 3)], (null, null), default)));
        Assert.Equal(jobs.Length, ended.Count(each => each));
        List<Settlement> noted = await store.ListSettlementsAsync(null, 100, default);
        Assert.Equal(3 * jobs.Length, noted.Sum(each => each.Calls.Sum(call => call.CostMicro)));
    }

    [Fact(Skip = Reason, SkipUnless = nameof(IsInstalled))]
    public async Task Migrate_ToPostgres_TakesEverythingAlong_AndTwiceIsOnce()
    {
        using var server = new PostgresServer();
        using var folder = new TempFolder();
        string id;
        await using (MemoApp sqlite = await MemoApp.StartAsync(folder.Path))
        {
            id = (await sqlite.Client.EvaluateAsync(Texts.Memo)).GetProperty("id").GetString()!;
        }

        Dictionary<string, string?> settings = new() { ["MEMO_DATA"] = folder.Path, ["DATABASE_URL"] = server.Url };
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        Assert.Equal(0, await Verbs.RunAsync(["migrate", "--to", "postgres"], configuration, TimeProvider.System));
        Assert.Equal(0, await Verbs.RunAsync(["migrate", "--to", "postgres"], configuration, TimeProvider.System));
        await using MemoApp postgres = await MemoApp.StartAsync(folder.Path, new() { ["DATABASE_URL"] = server.Url });
        Assert.Equal(Texts.Memo, await postgres.Client.GetStringAsync($"evaluations/{id}/text"));
        JsonElement history = await postgres.Client.GetFromJsonAsync<JsonElement>("evaluations");
        Assert.Equal(1, history.GetProperty("evaluations").GetArrayLength());
    }
}
