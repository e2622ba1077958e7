using System.Net.Http.Json;
using System.Text.Json;
using Coach.Testing;
using Coach.Usage;
using Memo.Costs;
using Memo.Data;
using Memo.Jobs;
using Memo.People;
using Memo.Tests.Support;

namespace Memo.Tests.Costs;

public sealed class JobBudgetTests : IDisposable
{
    private const long Cost = (1_000 * 3) + (100 * 15);

    private readonly TempFolder _folder = new();
    private readonly VirtualClock _clock = new(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));

    public JobBudgetTests()
    {
        AppFixture.RaiseLimits(_folder);
        Limits("cost_limit_per_day: 1.00", "cost_limit_per_month: 1.50");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Submit_WhatIsSetAside_CountsAgainstTheDay_UntilItIsSettledWithWhatItCost()
    {
        GatedModel model = Model();
        await using MemoApp app = await StartAsync(model);
        string[] ids = [await app.Client.SubmitAsync(Texts.Memo + 1), await app.Client.SubmitAsync(Texts.Memo + 2)];
        JsonElement problem = await RefusedAsync(app);
        Assert.Contains("cost_limit_per_day", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(43_200, problem.GetProperty("retryAfterSeconds").GetInt32());
        model.Open();
        foreach (string id in ids)
        {
            Assert.Equal("done", (await app.Client.EventsAsync(id))[^1]);
        }

        await app.Get<JobBudget>().SettleAllAsync(TestContext.Current.CancellationToken);
        Assert.Equal((2 * Cost, 0), await UsedAsync(app, CostLimits.Day));
        Assert.Equal("done", (await app.Client.EvaluateAsync(Texts.Memo + 3)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Settle_RepeatedAfterAKill_BooksEachEvaluationOnce()
    {
        await using MemoApp app = await StartAsync(Open(Model()));
        string id = (await app.Client.EvaluateAsync(Texts.Memo)).GetProperty("id").GetString()!;
        JobBudget budget = app.Get<JobBudget>();
        await budget.SettleAllAsync(TestContext.Current.CancellationToken);

        // What a host leaves that is killed after it booked and before it forgot.
        await app.Get<MemoDatabase>().WriteAsync(
            transaction => transaction.Command(
                "INSERT INTO settlements (evaluation_id, user_id, reserved_at, reserved_micro, calls) VALUES (@id, 'local', "
                + "@at, 500000, @calls)",
                ("@id", id), ("@at", _clock.GetUtcNow()),
                ("@calls", $$$"""[{"Provider":"anthropic","Model":"m","Counts":{},"CostMicro":{{{Cost}}}}]"""))
                .RunAsync(default), default);
        await budget.SettleAllAsync(TestContext.Current.CancellationToken);
        Assert.Equal((Cost, 0), await UsedAsync(app, CostLimits.Month));
        CostEntry entry = Assert.Single(await budget.EntriesAsync(MemoUser.LocalId, default));
        Assert.Equal((id, Cost, "usd", 1_000L, 100L), (
            entry.EvaluationId, entry.CostMicro, entry.Currency, entry.InputTokens, entry.OutputTokens));
        Assert.Empty(await app.Get<EvaluationStore>().ListSettlementsAsync(null, 10, default));
        LedgerVerification books = await app.Get<IUsageLedger>().VerifyAsync();
        Assert.Empty(books.Problems);
    }

    [Fact]
    public async Task Reserve_ByAHostThatIsKilledBeforeTheJobIsThere_LeavesNothingWhenItsLeaseEnds()
    {
        await using MemoApp app = await StartAsync(Model());
        EvaluationRecord lost = Record();
        Assert.Equal(500_000, await app.Get<JobBudget>().ReserveAsync(lost, default));
        await app.Client.SubmitAsync(Texts.Memo);
        await RefusedAsync(app);
        for (int i = 0; i < 5; i++)
        {
            await app.Get<JobBudget>().HoldAllAsync(default);
            _clock.Advance(TimeSpan.FromSeconds(30));
        }

        Assert.Equal((0, 500_000), await UsedAsync(app, CostLimits.Day));
        await app.Client.SubmitAsync(Texts.Memo + 2);
    }

    [Fact]
    public async Task Cancel_OfAJobThatWaits_GivesItsMoneyBack_OfOneThatRuns_BooksAnEstimate()
    {
        Limits("cost_limit_per_day: 4.00", "cost_limit_per_month: 9.00");
        GatedModel model = Model();
        await using MemoApp app = await StartAsync(model);
        string[] ids = [.. await Task.WhenAll(Enumerable.Range(0, 6).Select(i => app.Client.SubmitAsync(Texts.Memo + i)))];
        await model.EnteredAsync(5);
        Assert.Equal((0, 3_000_000), await UsedAsync(app, CostLimits.Day));
        EvaluationStore store = app.Get<EvaluationStore>();
        string waiting = (await store.ListReservedAsync(default)).Single(job => job.Status == "queued").Id;
        (await app.Client.DeleteAsync($"evaluations/{waiting}")).Dispose();
        Assert.Equal((0, 2_500_000), await UsedAsync(app, CostLimits.Day));

        EvaluationRecord running = (await store.FindAsync(ids.First(id => id != waiting), default))!;
        (await app.Client.DeleteAsync($"evaluations/{running.Id}")).Dispose();
        model.Open();
        await app.DisposeAsync(); // its workers have ended then
        await using var database = new SqliteDatabase(_folder.File("memo.db"));
        EvaluationRecord stopped = (await new EvaluationStore(database, _clock).FindAsync(running.Id, default))!;
        Assert.Equal("cancelled", stopped.Status);
        Assert.InRange(stopped.CostMicro, 1, 500_000);
    }

    [Fact]
    public async Task Limits_ThatAreEdited_HoldAtOnce_AndARequestThatMayCostMoreIsNotAsked()
    {
        GatedModel model = Open(Model());
        await using MemoApp app = await StartAsync(model);
        using HttpResponseMessage edited = await app.Client.PutAsync(
            "admin/config/llm", Yaml("cost_management: {cost_limit_per_request: 0.01}"));
        Assert.True(edited.IsSuccessStatusCode, await edited.Content.ReadAsStringAsync());
        JsonElement failed = await app.Client.EvaluateAsync(Texts.Memo);
        Assert.Equal("failed", failed.GetProperty("status").GetString());
        Assert.Equal("ERR_BUDGET_EXCEEDED", failed.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(0, model.Calls);
        using HttpResponseMessage none = await app.Client.PutAsync(
            "admin/config/llm", Yaml("cost_management: {cost_limit_per_day: 0.10}"));
        Assert.True(none.IsSuccessStatusCode);
        await RefusedAsync(app);
    }

    [Fact]
    public async Task Prices_OfAPriceFile_AreUsed_AndLlmYamlHoldsForModelsThatItDoesNotName()
    {
        File.WriteAllText(_folder.File("prices.json"), """
            {"version": 1, "currency": "usd",
             "prices": [{"provider": "anthropic", "model": "claude-sonnet-*", "input": "1", "output": "2"}]}
            """);
        await using MemoApp app = await StartAsync(
            Open(Model()), new() { ["Coach:Usage:PriceFile"] = _folder.File("prices.json") });
        JsonElement done = await app.Client.EvaluateAsync(Texts.Memo);
        Assert.Equal(1_000 + 200, done.GetProperty("costMicro").GetInt64());
        UsageRecorder rates = app.Get<UsageRecorder>();
        Assert.Equal(Cost, rates.Price("openai", "gpt-6-luna", new UsageCounts { Input = 1_000, Output = 100 }).Micros);
    }

    [Theory]
    [InlineData("""{"version": 1, "currency": "eur", "prices": []}""", "prices in eur")]
    [InlineData("""{"version": 1, "currency": "usd", "prices": [{"model": "x"}]}""", "Coach:Usage:PriceFile: ")]
    public async Task Prices_OfAFileThatCannotBeUsed_EndTheStart(string file, string said)
    {
        File.WriteAllText(_folder.File("prices.json"), file);
        InvalidOperationException exception = await Assert.ThrowsAsync<InvalidOperationException>(
            () => StartAsync(Model(), new() { ["Coach:Usage:PriceFile"] = _folder.File("prices.json") }));
        Assert.Contains(said, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Migrate_FromAnEarlierVersionsTables_BooksItsChargesOnce_OnTheirDayAndMonth()
    {
        DateTimeOffset now = _clock.GetUtcNow();
        await using (var old = new SqliteDatabase(_folder.File("memo.db")))
        {
            await old.WriteAsync(
                async transaction =>
                {
                    await transaction.Command("CREATE TABLE schema_version (version BIGINT NOT NULL)").RunAsync(default);
                    await transaction.Command(Schema.Migrations[0]).RunAsync(default);
                    await transaction.Command(Schema.Migrations[1]).RunAsync(default);
                    await transaction.Command("INSERT INTO schema_version (version) VALUES (2)").RunAsync(default);
                    (string Id, string User, DateTimeOffset At, long Cost)[] charges =
                    [
                        ("a", "local", now, 200_000), ("b", "local", now.AddDays(-3), 300_000),
                        ("c", "", now.AddDays(-4), 10_000), ("d", "local", now.AddDays(-40), 900_000),
                    ];
                    foreach ((string id, string user, DateTimeOffset at, long cost) in charges)
                    {
                        await transaction.Command(
                            "INSERT INTO charges (evaluation_id, user_id, at, cost_micro) VALUES (@id, @user, @at, @cost)",
                            ("@id", id), ("@user", user), ("@at", at), ("@cost", cost)).RunAsync(default);
                    }

                    return 0;
                }, default);
        }

        for (int start = 0; start < 2; start++)
        {
            await using MemoApp app = await StartAsync(Model());
            Assert.Equal((200_000, 0), await UsedAsync(app, CostLimits.Day));
            Assert.Equal((510_000, 0), await UsedAsync(app, CostLimits.Month));
            List<CostEntry> entries = await app.Get<JobBudget>().EntriesAsync(MemoUser.LocalId, default);
            Assert.Equal(["a", "b", "d"], entries.Select(entry => entry.EvaluationId).Order());
            Assert.Equal(1_400_000, entries.Sum(entry => entry.CostMicro));
        }
    }

    [Fact]
    public async Task DeleteMe_TakesTheNameOffTheBooks_AndLeavesTheSum()
    {
        await using MemoApp app = await StartAsync(Open(Model()));
        await app.Client.EvaluateAsync(Texts.Memo);
        await app.Get<JobBudget>().SettleAllAsync(default);
        JsonElement export = await app.Client.GetFromJsonAsync<JsonElement>("me/export");
        Assert.Equal(Cost, export.GetProperty("costs").EnumerateArray().Single().GetProperty("costMicro").GetInt64());
        (await app.Client.DeleteAsync("me")).Dispose();
        Assert.Empty(await app.Get<JobBudget>().EntriesAsync(MemoUser.LocalId, default));
        MicroAmount all = await app.Get<IUsageLedger>().GetBalanceAsync(LedgerAccount.AppUsage, "usd");
        Assert.Equal(Cost, all.Micros);
        Assert.Equal((Cost, 0), await UsedAsync(app, CostLimits.Day));
    }

    private static GatedModel Model() => new(_ => GatedModel.Fitting("We ask"));

    private static GatedModel Open(GatedModel model)
    {
        model.Open();
        return model;
    }

    private static StringContent Yaml(string text) => new(text, System.Text.Encoding.UTF8, "application/yaml");

    private static async Task<JsonElement> RefusedAsync(MemoApp app)
    {
        using HttpResponseMessage refused = await app.Client.PostAsJsonAsync("evaluations", new { text = Texts.Memo });
        return await refused.ProblemAsync(429, "ERR_BUDGET_EXCEEDED");
    }

    private static async Task<(long Used, long Reserved)> UsedAsync(MemoApp app, string limit)
    {
        IReadOnlyList<BudgetStatus> all = await app.Get<IBudget>().GetStatusAsync(JobBudget.CallerOf("local"));
        BudgetStatus status = all.Single(each => each.Limit == limit);
        return (status.Used, status.Reserved);
    }

    private EvaluationRecord Record() => new()
    {
        Id = EvaluationRecord.NewId(_clock.GetUtcNow()),
        UserId = MemoUser.LocalId,
        Status = EvaluationRecord.Queued,
        Text = Texts.Memo,
        IsMock = false,
        CreatedAt = _clock.GetUtcNow(),
    };

    private void Limits(params string[] lines) => File.WriteAllText(
        _folder.File("config/llm.yaml"), "performance_optimization: {max_response_time: 300}\ncost_management:\n  "
        + string.Join("\n  ", lines) + "\n");

    private Task<MemoApp> StartAsync(GatedModel model, Dictionary<string, string?>? settings = null) => MemoApp.StartAsync(
        _folder.Path, new(settings ?? []) { ["COACH_MODE"] = "real" }, model, _clock);
}
