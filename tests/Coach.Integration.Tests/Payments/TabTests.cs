using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Coach.AspNetCore;
using Coach.Integration.Tests.Hosting;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Integration.Tests.Payments;

/// <summary>The session's tab on the server: by hand, through the chat, and what a hostile browser or model gets.</summary>
public sealed class TabTests
{
    private const string Lines = "/api/payments/tabs/main/lines";

    [Fact]
    public async Task Tab_OfASession_IsOrderedBilledAndKeptFromOthers()
    {
        await using ChatHost host = await ChatHost.StartAsync();
        using HttpClient visitor = host.NewVisitor();
        JsonElement menu = await visitor.GetFromJsonAsync<JsonElement>("/api/payments/menu");
        await SendAsync(visitor, HttpMethod.Post, Lines, """{"item":"espresso","quantity":2}""", "k1");
        await SendAsync(visitor, HttpMethod.Post, Lines, """{"item":"espresso","quantity":2}""", "k1");
        await SendAsync(visitor, HttpMethod.Post, Lines, """{"item":"sandwich"}""", "k2");
        using HttpResponseMessage tipped = await SendAsync(
            visitor, HttpMethod.Put, "/api/payments/tabs/main/tip", """{"percent":12.5}""");
        JsonElement tab = await tipped.JsonAsync();
        using HttpResponseMessage paid = await visitor.CreateLinkAsync("pay", """{"tab":"main"}""");
        JsonElement link = await paid.JsonAsync();
        JsonElement billed = await visitor.GetFromJsonAsync<JsonElement>("/api/payments/tabs/main");
        using HttpResponseMessage late = await SendAsync(visitor, HttpMethod.Delete, Lines + "/k2");
        using HttpClient stranger = host.NewVisitor();
        using HttpResponseMessage theirs = await stranger.GetAsync(new Uri("/api/payments/tabs/main", UriKind.Relative));

        Assert.Equal(JsonValueKind.Null, menu.GetProperty("tab").ValueKind);
        Assert.Equal(300, menu.GetProperty("items")[0].GetProperty("price").GetInt64());
        Assert.Equal((1450, 181, 1631), (
            tab.GetProperty("subtotal").GetInt64(), tab.GetProperty("tip").GetInt64(), tab.GetProperty("total").GetInt64()));
        Assert.Equal(1631, link.GetProperty("amount").GetInt64());
        Assert.Equal(link.GetProperty("id").GetString(), billed.GetProperty("link").GetString());
        Assert.True(billed.GetProperty("lines")[0].GetProperty("isBilled").GetBoolean());
        Assert.Equal(HttpStatusCode.UnprocessableEntity, late.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, theirs.StatusCode);
    }

    [Theory]
    [InlineData("""{"item":"espresso","quantity":0}""", "k", 422)]
    [InlineData("""{"item":"espresso","quantity":-1}""", "k", 422)]
    [InlineData("""{"item":"espresso","quantity":100}""", "k", 422)]
    [InlineData("""{"item":"espresso","quantity":1.5}""", "k", 422)]
    [InlineData("""{"item":"espresso","quantity":"2"}""", "k", 422)]
    [InlineData("""{"item":"espresso","quantity":99999999999}""", "k", 422)]
    [InlineData("""{"item":"Espresso"}""", "k", 404)]
    [InlineData("""{"item":"gold","price":1}""", "k", 404)]
    [InlineData("""{}""", "k", 404)]
    [InlineData("""{"item":null}""", "k", 404)]
    [InlineData("""{"item":["espresso"]}""", "k", 422)]
    [InlineData("""[]""", "k", 400)]
    [InlineData("""{"item":"espresso"}""", null, 400)]
    [InlineData("""{"item":"espresso"}""", "two words", 400)]
    [InlineData("""{"item":"espresso"}""", "0123456789012345678901234567890123456789012345678901234567890123x", 400)]
    public async Task Line_ThatIsNone_IsRefusedAndNothingIsOnTheTab(string body, string? key, int expected)
    {
        await using ChatHost host = await ChatHost.StartAsync(waitForKnowledge: false);
        using HttpClient visitor = host.NewVisitor();
        using HttpResponseMessage response = await SendAsync(visitor, HttpMethod.Post, Lines, body, key);
        JsonElement menu = await visitor.GetFromJsonAsync<JsonElement>("/api/payments/menu");

        Assert.Equal(expected, (int)response.StatusCode);
        Assert.Equal(JsonValueKind.Null, menu.GetProperty("tab").ValueKind);
    }

    [Fact]
    public async Task Line_WithAPriceOfTheBrowsers_CostsWhatTheListSays()
    {
        await using ChatHost host = await ChatHost.StartAsync(waitForKnowledge: false);
        using HttpClient visitor = host.NewVisitor();
        using HttpResponseMessage response = await SendAsync(
            visitor, HttpMethod.Post, Lines, """{"item":"coaching","unitPrice":1,"price":1,"amount":1}""", "k");

        Assert.Equal(4500, (await response.JsonAsync()).GetProperty("total").GetInt64());
    }

    [Theory]
    [InlineData("""{"percent":-1}""")]
    [InlineData("""{"percent":100.5}""")]
    [InlineData("""{"percent":"10"}""")]
    [InlineData("""{"percent":1e30}""")]
    public async Task Tip_ThatIsNone_IsRefused(string body)
    {
        await using ChatHost host = await ChatHost.StartAsync(waitForKnowledge: false);
        using HttpClient visitor = host.NewVisitor();
        await SendAsync(visitor, HttpMethod.Post, Lines, """{"item":"espresso"}""", "k");
        using HttpResponseMessage response =
            await SendAsync(visitor, HttpMethod.Put, "/api/payments/tabs/main/tip", body);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
    }

    [Fact]
    public async Task Chat_OrderOfTheGuests_IsPutOnTheTabAtTheListsPrice()
    {
        await using ProviderFake providers = await ProviderFake.StartAsync();
        await using ChatHost host = await ChatHost.StartAsync(settings =>
            settings["Coach:Llm:Gemini:BaseUrl"] = providers.BaseUrl("gemini").ToString());
        using HttpClient visitor = host.NewVisitor();
        providers.SetKey("gemini", "tab-test-key");
        providers.Answer("gemini", ScriptedAnswer.ToolCall(
            "add_to_tab", """{"item":"espresso","quantity":2,"price":1}"""));
        providers.Answer("gemini", ScriptedAnswer.Text("Two espressos are on your tab."));
        using HttpResponseMessage key = await visitor.PostAsJsonAsync(
            "/api/session/keys", new { provider = "gemini", apiKey = "tab-test-key" });
        using HttpResponseMessage answer = await visitor.PostAsJsonAsync(
            "/api/chat", new { message = "Two espressos, please." });
        string stream = await answer.Content.ReadAsStringAsync();
        JsonElement tab = await visitor.GetFromJsonAsync<JsonElement>("/api/payments/tabs/main");

        Assert.Contains("event: done", stream, StringComparison.Ordinal);
        Assert.Equal(600, tab.GetProperty("total").GetInt64());
    }

    [Fact]
    public async Task Menu_WithoutItems_OffersNothingAndNoTool()
    {
        await using ProviderFake providers = await ProviderFake.StartAsync();
        await using ChatHost host = await ChatHost.StartAsync(settings =>
        {
            settings["Coach:Llm:Gemini:BaseUrl"] = providers.BaseUrl("gemini").ToString();
        }, services: services => services.PostConfigure<CoachMenuOptions>(menu => menu.Items.Clear()));
        providers.SetKey("gemini", "menu-test-key");
        providers.Answer("gemini", ScriptedAnswer.Text("There is nothing to order."));
        using HttpClient visitor = host.NewVisitor();
        using HttpResponseMessage response =
            await SendAsync(visitor, HttpMethod.Post, Lines, """{"item":"espresso"}""", "k");
        JsonElement menu = await visitor.GetFromJsonAsync<JsonElement>("/api/payments/menu");

        using HttpResponseMessage key = await visitor.PostAsJsonAsync(
            "/api/session/keys", new { provider = "gemini", apiKey = "menu-test-key" });
        using HttpResponseMessage answer = await visitor.PostAsJsonAsync("/api/chat", new { message = "A coffee?" });
        await answer.Content.ReadAsStringAsync();

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal(0, menu.GetProperty("items").GetArrayLength());
        Assert.DoesNotContain(providers.Requests, request => request.Body.Contains("add_to_tab", StringComparison.Ordinal));
    }

    private static async Task<HttpResponseMessage> SendAsync(
        HttpClient visitor, HttpMethod method, string path, string? body = null, string? key = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        }

        if (key is not null)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        }

        return await visitor.SendAsync(request);
    }
}
