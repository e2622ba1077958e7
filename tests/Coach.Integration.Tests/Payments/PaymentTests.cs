using System.Net;
using System.Text.Json;
using Coach.Integration.Tests.Hosting;
using Coach.Testing;

namespace Coach.Integration.Tests.Payments;

/// <summary>A tab paid through the sample: simulated, and against a Stripe that keeps its own books.</summary>
public sealed class PaymentTests : IAsyncLifetime
{
    private const string Order = """{"amount":1250,"currency":"usd","description":"Two espressos"}""";
    private StripeFake _stripe = null!;
    private ChatHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _stripe = await StripeFake.StartAsync();
        _host = await ChatHost.StartAsync(UseStripe);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _stripe.DisposeAsync();
    }

    [Fact]
    public async Task Create_WithoutAStripeKey_IsSimulatedAndSaysSo()
    {
        await using ChatHost host = await ChatHost.StartAsync();
        using HttpClient visitor = host.NewVisitor();
        using HttpResponseMessage response = await visitor.CreateLinkAsync("tab-1", Order);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        JsonElement link = await response.JsonAsync();
        Assert.True(link.GetProperty("isSimulated").GetBoolean());
        Assert.Equal("pending", link.GetProperty("status").GetString());
        Assert.Equal(1250, link.GetProperty("amount").GetInt64());
        Assert.Equal("usd", link.GetProperty("currency").GetString());
    }

    [Fact]
    public async Task Create_ThenReplay_GivesTheSameLinkWithoutASecondOne()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage first = await visitor.CreateLinkAsync("tab-1", Order);
        Assert.Equal(HttpStatusCode.Created, first.StatusCode);
        JsonElement created = await first.JsonAsync();
        Assert.False(created.GetProperty("isSimulated").GetBoolean());
        using HttpResponseMessage again = await visitor.CreateLinkAsync("tab-1", Order);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Equal(created.GetProperty("id").GetString(), (await again.JsonAsync()).GetProperty("id").GetString());
        Assert.Single(_stripe.Links);
        Assert.All(
            _stripe.Requests, request => Assert.DoesNotContain("sk_test_", request.Path, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Create_AsTheVisitorsFirstCallThatFails_LeavesTheSessionItBegan()
    {
        using HttpClient visitor = _host.NewVisitor();
        _stripe.Inject(StripeFault.Status(402), "POST", "/v1/prices");
        using HttpResponseMessage refused = await visitor.CreateLinkAsync("tab-1", Order);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.Single(refused.Headers.GetValues("Set-Cookie"));

        // The same session again: its key means the same operation, and no other session's.
        using HttpResponseMessage created = await visitor.CreateLinkAsync("tab-1", Order);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.False(created.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task Create_KeyAndDescriptionOfFullLength_IsTaken()
    {
        using HttpClient visitor = _host.NewVisitor();
        string order = $$"""{"amount":1250,"currency":"usd","description":"{{new string('d', 250)}}"}""";
        using HttpResponseMessage created = await visitor.CreateLinkAsync(new string('k', 200), order);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        using HttpResponseMessage longer = await visitor.CreateLinkAsync(
            "tab-2", order.Replace("ddd", "dddd", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, longer.StatusCode);
    }

    [Fact]
    public async Task Delete_OwnLink_ClosesItAtStripeAndStaysClosed()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage first = await visitor.CreateLinkAsync("tab-1", Order);
        string id = (await first.JsonAsync()).GetProperty("id").GetString()!;
        for (int attempt = 0; attempt < 2; attempt++)
        {
            using HttpResponseMessage closed = await visitor.DeleteAsync($"/api/payments/links/{id}");
            Assert.Equal(HttpStatusCode.OK, closed.StatusCode);
            Assert.Equal("expired", (await closed.JsonAsync()).GetProperty("status").GetString());
        }

        Assert.False(Assert.Single(_stripe.Links).IsActive);
        using HttpResponseMessage after = await visitor.GetAsync($"/api/payments/links/{id}");
        Assert.Equal("expired", (await after.JsonAsync()).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Delete_AnotherSessionsLink_Is404AndLeavesItOpen()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage first = await visitor.CreateLinkAsync("tab-1", Order);
        string id = (await first.JsonAsync()).GetProperty("id").GetString()!;
        using HttpClient stranger = _host.NewVisitor();
        using HttpResponseMessage refused = await stranger.DeleteAsync($"/api/payments/links/{id}");
        await refused.AssertProblemAsync(404, "ERR_NOT_FOUND");
        Assert.True(Assert.Single(_stripe.Links).IsActive);
    }

    [Fact]
    public async Task Create_TwentyAtOnceWithOneKey_MakesOneLink()
    {
        using HttpClient visitor = _host.NewVisitor();
        await visitor.GetAsync("/api/session");
        HttpResponseMessage[] responses = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => visitor.CreateLinkAsync("tab-race", Order)));
        Assert.All(responses, response => Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode}"));
        Assert.Single(responses, response => response.StatusCode == HttpStatusCode.Created);
        Assert.Single(_stripe.Links);
    }

    [Fact]
    public async Task Create_SameKeyOtherAmount_IsAConflict()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage first = await visitor.CreateLinkAsync("tab-1", Order);
        using HttpResponseMessage other = await visitor.CreateLinkAsync("tab-1", """{"amount":1300,"currency":"usd","description":"Two espressos"}""");
        await other.AssertProblemAsync(409, "ERR_IDEMPOTENCY_CONFLICT");
    }

    [Fact]
    public async Task Create_SameKeyInAnotherSession_IsAnotherPurchase()
    {
        using HttpClient one = _host.NewVisitor();
        using HttpClient two = _host.NewVisitor();
        string first = (await (await one.CreateLinkAsync("tab-1", Order)).JsonAsync()).GetProperty("id").GetString()!;
        string second = (await (await two.CreateLinkAsync("tab-1", Order)).JsonAsync()).GetProperty("id").GetString()!;
        Assert.NotEqual(first, second);
        using HttpResponseMessage foreign = await two.GetAsync($"/api/payments/links/{first}");
        await foreign.AssertProblemAsync(404, "ERR_NOT_FOUND");
        Assert.Equal(HttpStatusCode.OK, (await one.GetAsync($"/api/payments/links/{first}")).StatusCode);
    }

    [Theory]
    [InlineData("""{"amount":0,"currency":"usd"}""")]
    [InlineData("""{"amount":-1,"currency":"usd"}""")]
    [InlineData("""{"amount":1.5,"currency":"usd"}""")]
    [InlineData("""{"amount":"12","currency":"usd"}""")]
    [InlineData("""{"amount":99999999999,"currency":"usd"}""")]
    [InlineData("""{"amount":1250,"currency":"xx"}""")]
    [InlineData("""{"amount":1250}""")]
    [InlineData("""{"amount":1250,"currency":42}""")]
    [InlineData("""{"amount":1001,"currency":"kwd"}""")]
    [InlineData("""{"amount":1250,"currency":"usd","description":5}""")]
    [InlineData("""{"amount":1250,"currency":"usd","description":["tea"]}""")]
    [InlineData("""{"amount":1250,"currency":"usd","description":"\ud800"}""")]
    public async Task Create_BadAmountCurrencyOrDescription_Is422BeforeAnyRequest(string body)
    {
        using HttpClient visitor = _host.NewVisitor();
        int before = _stripe.Requests.Count(request => request.Method == "POST");
        using HttpResponseMessage response = await visitor.CreateLinkAsync("tab-1", body);
        await response.AssertProblemAsync(422, "ERR_REQUEST_INVALID");
        Assert.Equal(before, _stripe.Requests.Count(request => request.Method == "POST"));
    }

    [Fact]
    public async Task Create_NameThatIsNoText_Is400()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.CreateLinkAsync("tab-1", """{"amount":1250,"currency":"usd","a\ud800":1}""");
        await response.AssertProblemAsync(400, "ERR_REQUEST_INVALID");
    }

    [Theory]
    [InlineData("""{"amount":1250,"currency":"usd"}""")]
    [InlineData("""{"amount":1250,"currency":"usd","description":null}""")]
    [InlineData("""{"amount":1250,"currency":"usd","description":"  "}""")]
    public async Task Create_WithoutADescription_IsCreated(string body)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.CreateLinkAsync("tab-1", body);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("with space")]
    [InlineData(
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901")]
    public async Task Create_NoUsableIdempotencyKey_Is400(string? key)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.CreateLinkAsync(key, Order);
        await response.AssertProblemAsync(400, "ERR_REQUEST_INVALID");
    }

    [Fact]
    public async Task Webhook_PaidTwice_SettlesTheLinkOnce()
    {
        using HttpClient visitor = _host.NewVisitor();
        string id = (await (await visitor.CreateLinkAsync("tab-1", Order)).JsonAsync()).GetProperty("id").GetString()!;
        (byte[] body, string signature) = PayAndSign(id);
        for (int delivery = 0; delivery < 2; delivery++)
        {
            using HttpResponseMessage response = await DeliverAsync(visitor, body, signature);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        JsonElement link = await (await visitor.GetAsync($"/api/payments/links/{id}")).JsonAsync();
        Assert.Equal("succeeded", link.GetProperty("status").GetString());
    }

    [Fact]
    public async Task Webhook_WrongSignatureOrHugeBody_IsRefused()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage forged = await DeliverAsync(visitor, """{"id":"evt_1"}"""u8.ToArray(), "t=1700000000,v1=00");
        await forged.AssertProblemAsync(400, "ERR_WEBHOOK_INVALID");
        using HttpResponseMessage unsigned = await DeliverAsync(visitor, """{"id":"evt_1"}"""u8.ToArray(), "");
        await unsigned.AssertProblemAsync(400, "ERR_WEBHOOK_INVALID");
        using HttpResponseMessage huge = await DeliverAsync(visitor, new byte[600 * 1024], "t=1700000000,v1=00");
        await huge.AssertProblemAsync(413, "ERR_TOO_LARGE");
    }

    private static async Task<HttpResponseMessage> DeliverAsync(HttpClient client, byte[] body, string signature)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Post, "/api/payments/webhook")
        { Content = new ByteArrayContent(body) };
        request.Headers.TryAddWithoutValidation("Stripe-Signature", signature);
        return await client.SendAsync(request);
    }

    private (byte[] Body, string Signature) PayAndSign(string link)
    {
        StripeFakeSession session = _stripe.Pay(link)!;
        StripeWebhook webhook = _stripe.BuildWebhook("checkout.session.completed", session.Id);
        return (webhook.Body.ToArray(), webhook.SignatureHeader);
    }

    private void UseStripe(Dictionary<string, string?> values)
    {
        values["Coach:Payments:Stripe:BaseUrl"] = _stripe.Url.ToString();
        values["STRIPE_API_KEY"] = "sk_test_integration";
        values["STRIPE_WEBHOOK_SECRET"] = _stripe.WebhookSecret;
    }
}
