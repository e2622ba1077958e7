using System.Net;
using System.Text;
using System.Text.Json;

namespace Coach.Testing.Tests.Stripe;

public sealed class StripeFakeTests : IDisposable
{
    private const string Price = "currency=usd&unit_amount=1250&product_data[name]=Tab";

    private readonly VirtualClock _clock = new();
    private readonly StripeFake _fake;
    private readonly HttpClient _http;

    public StripeFakeTests()
    {
        _fake = new StripeFake(options => options.Time = _clock);
        _http = new HttpClient(_fake.CreateHandler()) { BaseAddress = new Uri("https://stripe.test") };
    }

    [Fact]
    public async Task SameKey_SameParameters_ReplaysForADay()
    {
        using HttpResponseMessage first = await PostAsync("/v1/prices", Price, "k1");
        using HttpResponseMessage second = await PostAsync("/v1/prices", Price, "k1");
        Assert.False(first.Headers.Contains("Idempotent-Replayed"));
        Assert.Equal("true", second.Headers.GetValues("Idempotent-Replayed").Single());
        Assert.Equal(first.Headers.GetValues("Request-Id"), second.Headers.GetValues("Original-Request"));
        Assert.Equal(await first.Content.ReadAsStringAsync(), await second.Content.ReadAsStringAsync());

        _clock.Advance(TimeSpan.FromHours(24));
        using HttpResponseMessage third = await PostAsync("/v1/prices", Price, "k1");
        Assert.False(third.Headers.Contains("Idempotent-Replayed"));
        Assert.Equal(2, _fake.Prices.Count);
    }

    [Fact]
    public async Task SameKey_PastTheKeyLifetime_IsANewRequest()
    {
        var fake = new StripeFake(options => (options.Time, options.KeyLifetime) = (_clock, TimeSpan.FromMinutes(1)));
        using var http = new HttpClient(fake.CreateHandler()) { BaseAddress = new Uri("https://stripe.test") };

        (await PostAsync("/v1/prices", Price, "k1", http: http)).Dispose();
        _clock.Advance(TimeSpan.FromSeconds(59));
        (await PostAsync("/v1/prices", Price, "k1", http: http)).Dispose();
        Assert.Single(fake.Prices);
        _clock.Advance(TimeSpan.FromSeconds(1));
        (await PostAsync("/v1/prices", Price, "k1", http: http)).Dispose();

        Assert.Equal(2, fake.Prices.Count);
    }

    [Fact]
    public async Task SameKey_OtherParametersOrEndpoint_IsAnIdempotencyError()
    {
        (await PostAsync("/v1/prices", Price, "k1")).Dispose();

        Assert.Equal(
            (400, "idempotency_error", null, null), await ErrorAsync(PostAsync("/v1/prices", Price + "1", "k1")));
        Assert.Equal(
            (400, "idempotency_error", null, null), await ErrorAsync(PostAsync("/v1/products", "name=x", "k1")));
        Assert.Single(_fake.Prices);
    }

    [Fact]
    public async Task SameKey_WhileRunning_IsInUse()
    {
        _fake.Inject(new StripeFault(StripeFaultKind.Slow) { Delay = TimeSpan.FromSeconds(5) });
        Task<HttpResponseMessage> first = PostAsync("/v1/prices", Price, "k1");

        Assert.Equal(
            (409, "idempotency_error", "idempotency_key_in_use", null),
            await ErrorAsync(PostAsync("/v1/prices", Price, "k1")));
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(HttpStatusCode.OK, (await first).StatusCode);
    }

    [Fact]
    public async Task StoredError_IsReplayed_ValidationAuthenticationAndRateLimitAreNot()
    {
        _fake.Inject(new StripeFault(StripeFaultKind.StoredError));
        (await PostAsync("/v1/prices", Price, "k1")).Dispose();
        using HttpResponseMessage replayed = await PostAsync("/v1/prices", Price, "k1");
        Assert.Equal(HttpStatusCode.InternalServerError, replayed.StatusCode);
        Assert.True(replayed.Headers.Contains("Idempotent-Replayed"));

        Assert.Equal(
            (400, "invalid_request_error", "parameter_missing", "currency"),
            await ErrorAsync(PostAsync("/v1/prices", "unit_amount=1", "k2")));
        _fake.Inject(StripeFault.RateLimited());
        Assert.Equal(
            (429, "invalid_request_error", "rate_limit", null), await ErrorAsync(PostAsync("/v1/prices", Price, "k2")));
        Assert.Equal(401, (await ErrorAsync(PostAsync("/v1/prices", Price, "k2", apiKey: "pk_test_1"))).Status);
        using HttpResponseMessage fresh = await PostAsync("/v1/prices", Price, "k2");
        Assert.Equal(HttpStatusCode.OK, fresh.StatusCode);
    }

    [Fact]
    public async Task LookupKey_IsUniqueAndReadBack()
    {
        (await PostAsync("/v1/prices", Price + "&lookup_key=tab-1", "k1")).Dispose();

        Assert.Equal(
            (400, "invalid_request_error", null, "lookup_key"),
            await ErrorAsync(PostAsync("/v1/prices", Price + "&lookup_key=tab-1", "k2")));
        JsonElement found = await GetAsync("/v1/prices?lookup_keys[]=tab-1");
        Assert.Equal("tab-1", found.GetProperty("data")[0].GetProperty("lookup_key").GetString());
        Assert.Equal(0, (await GetAsync("/v1/prices?lookup_keys[]=tab-2")).GetProperty("data").GetArrayLength());
    }

    [Theory]
    [InlineData("currency=usd&unit_amount=1&product_data[name]=x&colour=red", "parameter_unknown", "colour")]
    [InlineData("currency=usd&unit_amount=100000000&product_data[name]=x", "amount_too_large", "unit_amount")]
    [InlineData("currency=isk&unit_amount=150&product_data[name]=x", "invalid_charge_amount_no_decimal_compatible", "unit_amount")]
    [InlineData("currency=usd&unit_amount=1.5&product_data[name]=x", "parameter_invalid_integer", "unit_amount")]
    [InlineData("currency=xx&unit_amount=1&product_data[name]=x", null, "currency")]
    [InlineData("currency=usd&unit_amount=1&product=prod_none", "resource_missing", "product")]
    public async Task Price_WrongParameter_IsRefusedByName(string form, string? code, string parameter) =>
        Assert.Equal(
            (400, "invalid_request_error", code, parameter), await ErrorAsync(PostAsync("/v1/prices", form, null)));

    [Fact]
    public async Task JsonBody_IsRefused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/prices") { Content = new StringContent("{}", Encoding.UTF8, "application/json") };
        request.Headers.Add("Authorization", "Bearer sk_test_1");

        Assert.Equal(HttpStatusCode.BadRequest, (await _http.SendAsync(request)).StatusCode);
    }

    [Fact]
    public async Task InlinePrice_BeforeItsVersion_IsAnUnknownParameter()
    {
        const string form = "line_items[0][quantity]=1&line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=500&line_items[0][price_data][product_data][name]=x";

        Assert.Equal(
            "parameter_unknown",
            (await ErrorAsync(PostAsync("/v1/payment_links", form, null, version: "2024-04-10"))).Code);
        using HttpResponseMessage now = await PostAsync("/v1/payment_links", form, null, version: "2026-07-29.dahlia");
        Assert.Equal(HttpStatusCode.OK, now.StatusCode);
    }

    [Fact]
    public async Task Link_PayableOnce_TakesOnePaymentAndThenNoVisitor()
    {
        string price = await IdAsync(PostAsync("/v1/prices", Price, null));
        string link = await IdAsync(
            PostAsync(
                "/v1/payment_links",
                $"line_items[0][price]={price}&line_items[0][quantity]=2&restrictions[completed_sessions][limit]=1",
                null));
        StripeFakeSession one = _fake.OpenSession(link)!;
        StripeFakeSession two = _fake.OpenSession(link)!;

        Assert.Equal(2500, _fake.Complete(one.Id)!.AmountTotal);
        Assert.Null(_fake.Complete(two.Id));
        Assert.Null(_fake.OpenSession(link));
        JsonElement listed = await GetAsync($"/v1/checkout/sessions?payment_link={link}&limit=1");
        Assert.True(listed.GetProperty("has_more").GetBoolean());
        Assert.Equal(two.Id, listed.GetProperty("data")[0].GetProperty("id").GetString());
        Assert.Equal("expired", _fake.Expire(two.Id).Status);
    }

    [Fact]
    public async Task RateLimit_PerSecondOfTheClock_Answers429()
    {
        var fake = new StripeFake(options => (options.Time, options.RequestsPerSecond) = (_clock, 2));
        using var http = new HttpClient(fake.CreateHandler()) { BaseAddress = new Uri("https://stripe.test") };
        http.DefaultRequestHeaders.Add("Authorization", "Bearer sk_test_1");
        int[] statuses = [.. await Task.WhenAll(
            Enumerable.Range(0, 3).Select(async _ => (int)(await http.GetAsync("/v1/balance")).StatusCode))];
        Assert.Equal([200, 200, 429], statuses);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/v1/balance")).StatusCode);
    }

    [Fact]
    public async Task Socket_ServesTheSameAndBreaksOnDemand()
    {
        await using StripeFake fake = await StripeFake.StartAsync();
        using var http = new HttpClient { BaseAddress = fake.Url };
        http.DefaultRequestHeaders.Add("Authorization", "Bearer sk_test_1");

        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/v1/balance")).StatusCode);
        foreach (
            StripeFaultKind kind in new[]
            { StripeFaultKind.Reset, StripeFaultKind.Truncate, StripeFaultKind.LoseAnswer })
        {
            fake.Inject(new StripeFault(kind));
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => http.GetStringAsync("/v1/balance"));
        }

        Assert.Equal(4, fake.Requests.Count);
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> PostAsync(
        string path, string form, string? key, string apiKey = "sk_test_1", string? version = null,
        HttpClient? http = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded") };
        request.Headers.Add("Authorization", $"Bearer {apiKey}");
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        if (version is not null)
        {
            request.Headers.Add("Stripe-Version", version);
        }

        return await (http ?? _http).SendAsync(request);
    }

    private async Task<JsonElement> GetAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Authorization", "Bearer sk_test_1");
        using HttpResponseMessage response = await _http.SendAsync(request);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
    }

    private static async Task<string> IdAsync(Task<HttpResponseMessage> call)
    {
        using HttpResponseMessage response = await call;
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("id")
            .GetString()!;
    }

    private static async Task<(
        int Status, string? Type, string? Code, string? Parameter)> ErrorAsync(Task<HttpResponseMessage> call)
    {
        using HttpResponseMessage response = await call;
        JsonElement error =
            JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");
        string? Text(string name) => error.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
        return ((int)response.StatusCode, Text("type"), Text("code"), Text("param"));
    }
}
