using System.Net;
using System.Text.Json;
using Coach.Integration.Tests.Hosting;

namespace Coach.Integration.Tests.Security;

/// <summary>What a client can learn from a failure alone.</summary>
public sealed class ProblemTests : IAsyncLifetime
{
    private ChatHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await ChatHost.StartAsync(waitForKnowledge: false);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData("/api/chat", """{"message":1}""", "message", "The value of \"message\" is of the wrong type; it must be a text.")]
    [InlineData("/api/chat", """{"message":["a"]}""", "message", "The value of \"message\" is of the wrong type; it must be a text.")]
    [InlineData("/api/chat", """{"message":"a","conversation":{}}""", "conversation", "The value of \"conversation\" is of the wrong type; it must be a text.")]
    [InlineData("/api/chat", """{"message":"a","conversation":false}""", "conversation", "The value of \"conversation\" is of the wrong type; it must be a text.")]
    [InlineData("/api/retrieve", """{"query":"a","top":"3"}""", "top", null)]
    [InlineData("/api/retrieve", """{"query":"a","top":2.5}""", "top", null)]
    [InlineData("/api/retrieve", """{"query":{}}""", "query", null)]
    [InlineData("/api/session/keys", """{"provider":7,"apiKey":"x"}""", "provider", null)]
    [InlineData("/api/session/keys", """{"provider":"gemini","apiKey":[]}""", "apiKey", null)]
    [InlineData("/api/payments/links", """{"amount":"12","currency":"usd"}""", "amount", null)]
    [InlineData("/api/payments/links", """{"amount":12,"currency":1}""", "currency", null)]
    public async Task ValueOfTheWrongType_IsNamedByItsField(string path, string body, string field, string? detail)
    {
        using HttpClient visitor = _host.NewVisitor();
        visitor.DefaultRequestHeaders.Add("Idempotency-Key", "wrong-type");
        using HttpResponseMessage response = await visitor.PostJsonAsync(path, body);
        JsonElement problem = await response.JsonAsync();
        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.Equal(field, problem.GetProperty("field").GetString());
        if (detail is not null)
        {
            Assert.Equal(detail, problem.GetProperty("detail").GetString());
        }
    }

    [Theory]
    [InlineData("GET", "/api/nothing", "ERR_NOT_FOUND")]
    [InlineData("PUT", "/api/chat", "ERR_METHOD_NOT_ALLOWED")]
    [InlineData("POST", "/api/chat", "ERR_MEDIA_TYPE")]
    public async Task Type_LeadsToAPageAboutTheCode(string method, string path, string code)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        string type = (await response.JsonAsync()).GetProperty("type").GetString()!;
        Assert.Equal("/problems/" + code, type);
        using HttpResponseMessage page = await visitor.GetAsync(type);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        Assert.Contains($"<h1>{code}</h1>", await page.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/problems/ERR_MADE_UP")]
    [InlineData("/problems/%3Cscript%3E")]
    public async Task Page_OfNoCode_IsNotThere(string path)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage page = await visitor.GetAsync(path);
        await page.AssertProblemAsync(404, "ERR_NOT_FOUND");
    }
}
