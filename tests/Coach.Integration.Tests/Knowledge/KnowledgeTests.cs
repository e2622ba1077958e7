using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Coach.Integration.Tests.Hosting;

namespace Coach.Integration.Tests.Knowledge;

/// <summary>The account of the documents, and files that come and go over HTTP.</summary>
public sealed class KnowledgeTests : IAsyncLifetime
{
    private TempFolder _knowledge = null!;
    private ChatHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _knowledge = new TempFolder();
        Directory.CreateDirectory(_knowledge.File("deep"));
        File.WriteAllText(_knowledge.File("harbour.md"), "# Harbour\n\nThe ferry leaves from pier four.\n");
        File.WriteAllText(_knowledge.File("deep/lamp.md"), "# Lamp\n\nThe lamp burns whale oil.\n");
        File.WriteAllBytes(_knowledge.File("movie.mp4"), [0, 0, 0, 24, 102, 116, 121, 112, 1, 2, 3]);
        _host = await ChatHost.StartAsync(
            settings =>
            {
                settings["Coach:Knowledge:AllowEditing"] = "true";
                settings["Coach:Knowledge:MaxUploadBytes"] = "100000";
            },
            _knowledge.Path);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _knowledge.Dispose();
    }

    [Fact]
    public async Task Account_OfAFolder_TellsWhatWasReadAndWhatWasNot()
    {
        using HttpClient visitor = _host.NewVisitor();
        JsonElement account = await SyncedAsync(visitor);
        Assert.Equal(2, account.GetProperty("read").GetInt32());
        JsonElement skipped = Assert.Single(account.GetProperty("skipped").EnumerateArray());
        Assert.Equal("movie.mp4", skipped.GetProperty("id").GetString());
        Assert.Equal("noReader", skipped.GetProperty("kind").GetString());
        Assert.NotEmpty(skipped.GetProperty("reason").GetString()!);
        Assert.Equal(1, account.GetProperty("kinds").GetProperty(".mp4").GetInt32());
        Assert.Empty(account.GetProperty("failed").EnumerateArray());
    }

    [Fact]
    public async Task Upload_AFile_IsReadAnsweredFromShownAndRemoved()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage added = await UploadAsync(
            visitor, ("C:\\Users\\me\\garden notes.md", "# Garden\n\nThe gardener prunes the rose hedge in March.\n"));
        Assert.Equal(HttpStatusCode.Accepted, added.StatusCode);
        (string name, JsonElement done) = (await EventsAsync(added))[^1];
        Assert.Equal("done", name);
        Assert.Equal(1, done.GetProperty("added").GetInt32());
        string id = done.GetProperty("ids")[0].GetString()!;
        Assert.Equal("upload/garden notes.md", id);

        ChatReply reply = await visitor.AskAsync("When does the gardener prune the rose hedge?");
        Assert.Equal("garden notes.md", reply.Passages[0].GetProperty("source").GetString());

        JsonElement document = await visitor.GetFromJsonAsync<JsonElement>("/api/knowledge/" + id);
        Assert.Contains("rose hedge", document.GetProperty("passages")[0].GetProperty("text").GetString());

        using HttpResponseMessage removed = await visitor.DeleteAsync("/api/knowledge/" + id);
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        using HttpResponseMessage gone = await visitor.GetAsync("/api/knowledge/" + id);
        await gone.AssertProblemAsync(404, "ERR_NOT_FOUND");
    }

    [Fact]
    public async Task Document_OfAFolder_IsShownByItsSourceAndCannotBeRemoved()
    {
        using HttpClient visitor = _host.NewVisitor();
        await SyncedAsync(visitor);
        JsonElement document = await visitor.GetFromJsonAsync<JsonElement>("/api/knowledge/deep/lamp.md");
        JsonElement passage = document.GetProperty("passages")[0];
        Assert.Contains("whale oil", passage.GetProperty("text").GetString());
        Assert.Equal("Lamp", passage.GetProperty("heading").GetString());
        using HttpResponseMessage removed = await visitor.DeleteAsync("/api/knowledge/deep/lamp.md");
        await removed.AssertProblemAsync(404, "ERR_NOT_FOUND");
    }

    [Fact]
    public async Task Upload_OfWhatCannotBeRead_SaysWhyAndTakesTheRest()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage added = await UploadAsync(
            visitor, ("a.bin", "\0\u0001\u0002\u0003\0"), ("b.txt", "The key hangs behind the blue door."));
        (string name, JsonElement done) = (await EventsAsync(added))[^1];
        Assert.Equal(("done", 1), (name, done.GetProperty("added").GetInt32()));
        Assert.Equal("upload/a.bin", Assert.Single(done.GetProperty("failed").EnumerateArray()).GetProperty("id").GetString());
    }

    [Fact]
    public async Task Upload_OutOfShape_IsRefused()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage json = await visitor.PostJsonAsync("/api/knowledge", "{}");
        await json.AssertProblemAsync(415, "ERR_MEDIA_TYPE");
        using HttpResponseMessage none = await visitor.PostAsync("/api/knowledge", new MultipartFormDataContent { { new StringContent("x"), "note" } });
        await none.AssertProblemAsync(422, "ERR_REQUEST_INVALID");
        using HttpResponseMessage nameless = await UploadAsync(visitor, ("..", "text"));
        await nameless.AssertProblemAsync(422, "ERR_REQUEST_INVALID");
        using HttpResponseMessage large = await UploadAsync(visitor, ("large.txt", new string('a', 200_000)));
        await large.AssertProblemAsync(413, "ERR_TOO_LARGE");
        using var cut = new ByteArrayContent("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nhalf"u8.ToArray());
        cut.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=b");
        using HttpResponseMessage half = await visitor.PostAsync("/api/knowledge", cut);
        await half.AssertProblemAsync(400, "ERR_REQUEST_INVALID");
    }

    [Fact]
    public async Task Editing_UnlessTheHostAllowsIt_IsNotMapped()
    {
        await using ChatHost host = await ChatHost.StartAsync(knowledge: _knowledge.Path);
        using HttpClient visitor = host.NewVisitor();
        using HttpResponseMessage added = await UploadAsync(visitor, ("b.txt", "text"));
        await added.AssertProblemAsync(405, "ERR_METHOD_NOT_ALLOWED");
        using HttpResponseMessage read = await visitor.GetAsync("/api/knowledge/harbour.md");
        await read.AssertProblemAsync(404, "ERR_NOT_FOUND");
        JsonElement config = await visitor.GetFromJsonAsync<JsonElement>("/api/config");
        Assert.False(config.GetProperty("features").GetProperty("knowledgeEditing").GetBoolean());
    }

    private static async Task<JsonElement> SyncedAsync(HttpClient visitor)
    {
        long started = TimeProvider.System.GetTimestamp();
        JsonElement account = await visitor.GetFromJsonAsync<JsonElement>("/api/knowledge");
        while (account.GetProperty("at").ValueKind == JsonValueKind.Null)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < ChatHost.HangLimit, "the folder was not read");
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
            account = await visitor.GetFromJsonAsync<JsonElement>("/api/knowledge");
        }

        return account;
    }

    private static async Task<HttpResponseMessage> UploadAsync(
        HttpClient visitor, params (string Name, string Text)[] files)
    {
        using var form = new MultipartFormDataContent();
        foreach ((string name, string text) in files)
        {
            form.Add(new ByteArrayContent(System.Text.Encoding.UTF8.GetBytes(text)), "file", name);
        }

        return await visitor.PostAsync("/api/knowledge", form);
    }

    private static async Task<List<(string Event, JsonElement Data)>> EventsAsync(HttpResponseMessage response)
    {
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        string body = await response.Content.ReadAsStringAsync();
        return [.. body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(block => block.Split('\n'))
            .Select(lines => (lines[0]["event: ".Length..], JsonDocument.Parse(lines[1]["data: ".Length..]).RootElement))];
    }
}
