using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Coach.Integration.Tests.Hosting;

namespace Coach.Integration.Tests.Chat;

/// <summary>What a caller said and was answered, seen again, renamed, exported, asked anew and forgotten.</summary>
public sealed class ConversationTests : IAsyncLifetime
{
    private TempFolder _knowledge = null!;
    private ChatHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _knowledge = new TempFolder();
        File.WriteAllText(
            _knowledge.File("harbour.md"),
            "# Harbour guide\n\nThe ferry leaves from pier four.\n\nThe lamp burns whale oil.\n");
        _host = await ChatHost.StartAsync(
            settings => settings["Coach:Chat:FeedbackPath"] = _knowledge.File("feedback.jsonl"), _knowledge.Path);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _knowledge.Dispose();
    }

    [Fact]
    public async Task Show_AfterAnAnswer_HoldsItsTextAndCitations()
    {
        using HttpClient visitor = _host.NewVisitor();
        ChatReply reply = await visitor.AskAsync("Where does the ferry leave?");

        JsonElement[] messages = await MessagesAsync(visitor);

        Assert.Equal(["user", "assistant"], messages.Select(message => message.GetProperty("role").GetString()));
        Assert.Equal("Where does the ferry leave?", messages[0].GetProperty("text").GetString());
        Assert.Empty(messages[0].GetProperty("citations").EnumerateArray());
        Assert.Equal(reply.Text, messages[1].GetProperty("text").GetString());
        Assert.Equal(
            reply.Passages.Select(passage => passage.GetRawText()),
            messages[1].GetProperty("citations").EnumerateArray().Select(citation => citation.GetRawText()));
        using HttpClient stranger = _host.NewVisitor();
        Assert.Empty(await MessagesAsync(stranger));
    }

    [Fact]
    public async Task Ask_InPlaceOfATurn_ForgetsItAndWhatFollowed()
    {
        using HttpClient visitor = _host.NewVisitor();
        await visitor.AskAsync("Where does the ferry leave?");
        await visitor.AskAsync("What does the lamp burn?");
        await visitor.AskAsync("Which pier is it?");

        using HttpResponseMessage again = await visitor.PostJsonAsync(
            "/api/chat", """{"message":"What oil does the lamp burn?","replaces":2}""");
        await ChatReply.ReadAsync(again);

        JsonElement[] messages = await MessagesAsync(visitor);
        Assert.Equal(
            ["Where does the ferry leave?", "What oil does the lamp burn?"],
            messages.Where((_, index) => index % 2 == 0).Select(message => message.GetProperty("text").GetString()));
    }

    [Theory]
    [InlineData("""{"message":"a","replaces":0}""", 422)]
    [InlineData("""{"message":"a","replaces":-1}""", 422)]
    [InlineData("""{"message":"a","replaces":"one"}""", 422)]
    [InlineData("""{"message":"a","replaces":1.5}""", 422)]
    [InlineData("""{"message":"a","provider":""}""", 422)]
    [InlineData("""{"message":"a","provider":"a b"}""", 422)]
    [InlineData("""{"message":"a","model":"a b"}""", 422)]
    [InlineData("""{"message":"a","model":5}""", 422)]
    [InlineData("""{"message":"a","replaces":99}""", 200)]
    [InlineData("""{"message":"a","replaces":null,"provider":null,"model":null}""", 200)]
    public async Task Ask_WithChoices_TakesOnlyWhatCanBeMeant(string body, int status)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/chat", body);
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Ask_OfAProviderWithoutAKey_SaysWhichKeyIsMissing()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostJsonAsync(
            "/api/chat", """{"message":"hello","provider":"anthropic"}""");
        Assert.Contains("anthropic", (await response.Content.ReadAsStringAsync()), StringComparison.Ordinal);
        await response.AssertProblemAsync(422, "ERR_KEY_MISSING");
    }

    [Fact]
    public async Task Conversations_AreListedRenamedExportedAndForgotten()
    {
        using HttpClient visitor = _host.NewVisitor();
        await visitor.AskAsync("Where does the ferry leave?", "one");
        await visitor.AskAsync("What does the lamp burn?", "two");

        JsonElement list = await visitor.GetFromJsonAsync<JsonElement>("/api/conversations");
        Assert.Equal(
            ["one", "two"],
            list.GetProperty("conversations").EnumerateArray().Select(item => item.GetProperty("id").GetString()).Order());

        using HttpResponseMessage renamed = await visitor.PatchAsJsonAsync(
            "/api/conversations/one", new { title = "  Ferry\n and   pier " });
        Assert.Equal("Ferry and pier", (await renamed.JsonAsync()).GetProperty("title").GetString());

        using HttpResponseMessage export = await visitor.GetAsync("/api/conversations/one/export");
        Assert.Equal("attachment", export.Content.Headers.ContentDisposition!.DispositionType);
        JsonElement whole = await export.JsonAsync();
        Assert.Equal("Ferry and pier", whole.GetProperty("title").GetString());
        Assert.Equal(2, whole.GetProperty("messages").GetArrayLength());

        using HttpResponseMessage gone = await visitor.DeleteAsync("/api/conversations/one");
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        using HttpResponseMessage again = await visitor.DeleteAsync("/api/conversations/one");
        await again.AssertProblemAsync(404, "ERR_NOT_FOUND");
    }

    [Theory]
    [InlineData("GET", "/api/conversations/two/export")]
    [InlineData("DELETE", "/api/conversations/two")]
    [InlineData("DELETE", "/api/conversations/a%20b")]
    [InlineData("PATCH", "/api/conversations/two")]
    [InlineData("PATCH", "/api/conversations/%22")]
    public async Task Conversations_OfAnother_AreNotThere(string method, string path)
    {
        using HttpClient owner = _host.NewVisitor();
        await owner.AskAsync("What does the lamp burn?", "two");
        using HttpClient stranger = _host.NewVisitor();
        using HttpResponseMessage response = await stranger.SendAsync(
            new HttpRequestMessage(new HttpMethod(method), path) { Content = JsonContent.Create(new { title = "mine" }) });
        await response.AssertProblemAsync(404, "ERR_NOT_FOUND");
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"title":" \n"}""")]
    [InlineData("""{"title":7}""")]
    public async Task Rename_WithoutATitle_IsRefused(string body)
    {
        using HttpClient visitor = _host.NewVisitor();
        await visitor.AskAsync("What does the lamp burn?", "two");
        using HttpResponseMessage response = await visitor.PatchAsync(
            "/api/conversations/two", new StringContent(body, System.Text.Encoding.UTF8, "application/json"));
        await response.AssertProblemAsync(422, "ERR_REQUEST_INVALID");
    }

    [Fact]
    public async Task Feedback_IsAppendedAsALine_WithoutTheSession()
    {
        using HttpClient visitor = _host.NewVisitor();
        string session = (await visitor.GetFromJsonAsync<JsonElement>("/api/session"))
            .GetProperty("sessionId").GetString()!;
        using HttpResponseMessage said = await visitor.PostJsonAsync(
            "/api/feedback", """{"turn":1,"rating":"down","note":"It was\nold."}""");
        Assert.Equal(HttpStatusCode.NoContent, said.StatusCode);

        string line = Assert.Single(await File.ReadAllLinesAsync(_knowledge.File("feedback.jsonl")));
        JsonElement kept = JsonDocument.Parse(line).RootElement;
        Assert.Equal(
            ("1", "down", "It was\nold.", "default"),
            (kept.GetProperty("turn").GetString(), kept.GetProperty("rating").GetString(),
                kept.GetProperty("note").GetString(), kept.GetProperty("conversation").GetString()));
        Assert.DoesNotContain(session, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CallerData_IsHandedOutAndErasedAtOnce()
    {
        using HttpClient visitor = _host.NewVisitor();
        await visitor.AskAsync("Where does the ferry leave?");
        using HttpResponseMessage said = await visitor.PostJsonAsync("/api/feedback", """{"turn":1,"rating":1}""");
        Assert.Equal(HttpStatusCode.NoContent, said.StatusCode);
        using HttpClient other = _host.NewVisitor();
        await other.AskAsync("What does the lamp burn?");
        using HttpResponseMessage theirs = await other.PostJsonAsync("/api/feedback", """{"turn":1,"rating":"down"}""");

        JsonElement export = await visitor.GetFromJsonAsync<JsonElement>("/api/caller/export");
        Assert.Contains(
            "ferry", Assert.Single(export.GetProperty("conversations").EnumerateArray()).GetRawText(), StringComparison.Ordinal);
        Assert.Equal("up", Assert.Single(export.GetProperty("feedback").EnumerateArray()).GetProperty("rating").GetString());
        Assert.Empty(export.GetProperty("keys").EnumerateArray());
        Assert.Empty(export.GetProperty("payments").EnumerateArray());

        using HttpResponseMessage erase = await visitor.DeleteAsync("/api/caller");
        JsonElement erased = (await erase.JsonAsync()).GetProperty("erased");
        Assert.Equal((1, 1), (erased.GetProperty("conversations").GetInt32(), erased.GetProperty("feedback").GetInt32()));
        Assert.Empty(await MessagesAsync(visitor));
        Assert.Equal(2, (await MessagesAsync(other)).Length);
        Assert.Contains("\"down\"", Assert.Single(await File.ReadAllLinesAsync(_knowledge.File("feedback.jsonl"))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{}""", "turn")]
    [InlineData("""{"turn":0,"rating":"up"}""", "turn")]
    [InlineData("""{"turn":[1],"rating":"up"}""", "turn")]
    [InlineData("""{"turn":1}""", "rating")]
    [InlineData("""{"turn":1,"rating":"sideways"}""", "rating")]
    [InlineData("""{"turn":1,"rating":5}""", "rating")]
    [InlineData("""{"turn":1,"rating":"up","note":7}""", "note")]
    [InlineData("""{"turn":1,"rating":"up","conversation":"a b"}""", "conversation")]
    public async Task Feedback_OutOfShape_NamesTheField(string body, string field)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/feedback", body);
        Assert.Equal(422, (int)response.StatusCode);
        Assert.Equal(field, (await response.JsonAsync()).GetProperty("field").GetString());
    }

    private static async Task<JsonElement[]> MessagesAsync(HttpClient visitor) =>
        [.. (await visitor.GetFromJsonAsync<JsonElement>("/api/chat")).GetProperty("messages").EnumerateArray()];
}
