using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Memo.Tests.Support;

namespace Memo.Tests.Scenarios;

public sealed class RestartTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Jobs_ThatRanOrWaitedWhenTheHostStopped_AreFinishedByTheNextOne()
    {
        string[] ids;
        var first = new GatedModel(_ => GatedModel.Fitting("We ask"));
        await using (MemoApp app = await StartAsync(first))
        {
            ids = [.. await Task.WhenAll(Enumerable.Range(0, 8).Select(i => app.Client.SubmitAsync(Texts.Memo + i)))];
            await first.EnteredAsync(5);
        }

        var second = new GatedModel(_ => GatedModel.Fitting("We ask"));
        second.Open();
        await using MemoApp next = await StartAsync(second);
        foreach (string id in ids)
        {
            Assert.Equal("done", (await next.Client.EventsAsync(id))[^1]);
            JsonElement evaluation = await next.Client.GetFromJsonAsync<JsonElement>($"evaluations/{id}");
            Assert.Equal(4_500, evaluation.GetProperty("costMicro").GetInt64());
        }

        Assert.Equal(8, second.Calls);
    }

    [Fact]
    public async Task Events_WhileAJobRuns_TellEachStateOnce()
    {
        var model = new GatedModel(_ => GatedModel.Fitting("We ask"));
        await using MemoApp app = await StartAsync(model);
        string id = await app.Client.SubmitAsync(Texts.Memo);
        await model.EnteredAsync(1);
        Task<string[]> watching = app.Client.EventsAsync(id);
        model.Open();
        string[] states = await watching;
        Assert.Equal("done", states[^1]);
        Assert.Equal(states.Distinct(), states);
    }

    [Fact]
    public async Task Folder_ThatAnotherHostHolds_IsRefused()
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        InvalidOperationException exception = await Assert.ThrowsAsync<InvalidOperationException>(
            () => MemoApp.StartAsync(_folder.Path));
        Assert.Contains("If another host uses it, stop that one", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Database_ThatCannotBeWritten_IsA503WithItsCode_AndNothingIsLost()
    {
        await using MemoApp app = await MemoApp.StartAsync(_folder.Path);
        string id = (await app.Client.EvaluateAsync(Texts.Memo)).GetProperty("id").GetString()!;

        // A writer that never ends is what a full or read-only disk looks like from here, for root too.
        using (var blocker = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={_folder.File("memo.db")};Pooling=False"))
        {
            blocker.Open();
            using Microsoft.Data.Sqlite.SqliteCommand begin = blocker.CreateCommand();
            begin.CommandText = "BEGIN IMMEDIATE";
            begin.ExecuteNonQuery();
            using HttpResponseMessage refused = await app.Client.PostAsJsonAsync("evaluations", new { text = Texts.Memo });
            await refused.ProblemAsync(503, "ERR_STORE_UNAVAILABLE");
            Assert.NotNull(refused.Headers.RetryAfter);
            Assert.Equal(HttpStatusCode.OK, (await app.Client.GetAsync($"evaluations/{id}")).StatusCode);
        }

        Assert.Equal("done", (await app.Client.EvaluateAsync(Texts.Memo)).GetProperty("status").GetString());
    }

    private Task<MemoApp> StartAsync(GatedModel model) =>
        MemoApp.StartAsync(_folder.Path, new() { ["COACH_MODE"] = "real" }, model);
}
