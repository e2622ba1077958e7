using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Coach.Integration.Tests.Hosting;

namespace Coach.Integration.Tests.Chat;

/// <summary>What a page asks besides: the conversation, the documents, what the host offers.</summary>
public sealed class ContractTests : IAsyncLifetime
{
    private ChatHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await ChatHost.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Config_TellsModeProvidersLimitsAndFeatures()
    {
        using HttpClient visitor = _host.NewVisitor();
        JsonElement config = await (await visitor.GetAsync("/api/config")).JsonAsync();
        Assert.Equal("auto", config.GetProperty("mode").GetString());
        Assert.Contains("gemini", config.GetProperty("providers").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal(8_000, config.GetProperty("limits").GetProperty("maxMessageLength").GetInt32());
        Assert.Equal(65_536, config.GetProperty("limits").GetProperty("maxBodyBytes").GetInt32());
        Assert.True(config.GetProperty("features").GetProperty("keys").GetBoolean());
        Assert.False(config.GetProperty("features").GetProperty("speech").GetBoolean());
    }

    [Fact]
    public async Task Conversation_WithoutAnything_IsEmptyAndOneOfAWrongNameIsRefused()
    {
        using HttpClient visitor = _host.NewVisitor();
        JsonElement conversation = await (await visitor.GetAsync("/api/chat")).JsonAsync();
        Assert.Empty(conversation.GetProperty("messages").EnumerateArray());
        using HttpResponseMessage refused = await visitor.GetAsync("/api/chat?conversation=%0a");
        await refused.AssertProblemAsync(422, "ERR_REQUEST_INVALID");
    }

    [Fact]
    public async Task Retrieve_GivesPassagesWithWhatEachMethodGave()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostAsync(
            "/api/retrieve", JsonContent.Create(new { query = "What is the session cookie called?", top = 3 }));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        JsonElement found = await response.JsonAsync();
        JsonElement[] passages = [.. found.GetProperty("passages").EnumerateArray()];
        Assert.InRange(passages.Length, 1, 3);
        Assert.Equal(1, passages[0].GetProperty("n").GetInt32());
        Assert.NotEqual("none", found.GetProperty("ragTier").GetString());
        Assert.Contains(
            passages,
            passage => passage.GetProperty("scores").GetProperty("lexical").ValueKind == JsonValueKind.Number);
    }

    [Theory]
    [InlineData("""{"query":""}""")]
    [InlineData("""{"query":42}""")]
    [InlineData("""{"query":"hi","top":0}""")]
    [InlineData("""{"query":"hi","top":51}""")]
    [InlineData("""{"query":"hi","top":"many"}""")]
    public async Task Retrieve_OfAWrongValue_NamesTheField(string body)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/retrieve", body);
        await response.AssertProblemAsync(422, "ERR_REQUEST_INVALID");
        string field = body.Contains("top", StringComparison.Ordinal) ? "top" : "query";
        Assert.Contains(field, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }
}
