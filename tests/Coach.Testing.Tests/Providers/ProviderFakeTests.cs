using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Coach.Testing.Tests;

public sealed class ProviderFakeTests
{
    private static readonly HttpClient Http = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("gemini", "v1beta/models?pageSize=1")]
    [InlineData("openai", "models")]
    [InlineData("anthropic", "v1/models?limit=1")]
    [InlineData("openrouter", "key")]
    [InlineData("openai-compatible", "models")]
    [InlineData("cartesia", "voices?limit=1")]
    public async Task Probe_ByKeyState_AnswersAsTheProviderDoes(string provider, string path)
    {
        await using ProviderFake fake = await ProviderFake.StartAsync(cancellationToken: Token);
        Assert.NotEqual(HttpStatusCode.OK, (await SendAsync(fake, provider, path, key: null)).StatusCode);
        Assert.NotEqual(HttpStatusCode.OK, (await SendAsync(fake, provider, path, "unknown-key")).StatusCode);
        foreach (ProviderKeyState state in Enum.GetValues<ProviderKeyState>())
        {
            fake.SetKey(provider, "the-key", state);
            using HttpResponseMessage response = await SendAsync(fake, provider, path, "the-key");
            string body = await response.Content.ReadAsStringAsync(Token);
            Assert.True(
                response.StatusCode == HttpStatusCode.OK == (state == ProviderKeyState.Valid),
                $"{state}: {(int)response.StatusCode} {body}");
            using var json = System.Text.Json.JsonDocument.Parse(body); // every refusal is the provider's JSON
            Assert.Equal(System.Text.Json.JsonValueKind.Object, json.RootElement.ValueKind);
        }
    }

    [Fact]
    public async Task Requests_KeyInTheWrongPlaces_AreSeen()
    {
        await using ProviderFake fake = await ProviderFake.StartAsync(cancellationToken: Token);
        fake.SetKey("gemini", "the-key");
        await Http.GetAsync(fake.BaseUrl("gemini") + "/v1beta/models?key=the-key", Token);
        using var post = new HttpRequestMessage(HttpMethod.Post, fake.BaseUrl("gemini") + "/v1beta/models/m:countTokens") { Content = new StringContent("the-key") };
        post.Headers.Add("x-other", "the-key");
        await Http.SendAsync(post, Token);

        Assert.Equal(
            [KeyLocation.Url, KeyLocation.OtherHeader | KeyLocation.Body],
            fake.Requests.Select(request => request.KeyLocation));
    }

    [Fact]
    public async Task Anthropic_WithoutAVersion_IsRefused()
    {
        await using ProviderFake fake = await ProviderFake.StartAsync(cancellationToken: Token);
        fake.SetKey("anthropic", "the-key");
        using var request = new HttpRequestMessage(HttpMethod.Get, fake.BaseUrl("anthropic") + "/v1/models");
        request.Headers.Add("x-api-key", "the-key");
        using HttpResponseMessage response = await Http.SendAsync(request, Token);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(
            "anthropic-version: header is required", await response.Content.ReadAsStringAsync(Token),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fail_SeveralTimes_ThenWorksAgain()
    {
        await using ProviderFake fake = await ProviderFake.StartAsync(cancellationToken: Token);
        fake.SetKey("openai", "the-key");
        fake.Fail("openai", ProviderFault.Status(503), times: 2);
        fake.Fail("openai", ProviderFault.HtmlPage(403));
        var statuses = new List<int>();
        for (int i = 0; i < 4; i++)
        {
            using HttpResponseMessage response = await SendAsync(fake, "openai", "models", "the-key");
            statuses.Add((int)response.StatusCode);
        }

        Assert.Equal([503, 503, 403, 200], statuses);
    }

    [Fact]
    public async Task Fail_SlowFirstToken_WaitsOnTheFakesClock()
    {
        var clock = new VirtualClock();
        await using ProviderFake fake = await ProviderFake.StartAsync(clock, Token);
        fake.SetKey("openai", "the-key");
        fake.Fail("openai", ProviderFault.SlowFirstToken(TimeSpan.FromHours(1)));
        Task<HttpResponseMessage> answer = SendAsync(fake, "openai", "models", "the-key");
        await fake.WaitForRequestsAsync(1, Token);
        while (clock.PendingTimers == 0)
        {
            await Task.Yield();
        }

        Assert.False(answer.IsCompleted);
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(HttpStatusCode.OK, (await answer).StatusCode);
    }

    [Fact]
    public async Task Hang_CallerGivesUp_IsCounted()
    {
        await using ProviderFake fake = await ProviderFake.StartAsync(cancellationToken: Token);
        fake.Fail("gemini", ProviderFault.Hang());
        using var cancel = new CancellationTokenSource();
        Task<HttpResponseMessage> answer = Http.GetAsync(fake.BaseUrl("gemini") + "/v1beta/models", cancel.Token);
        await fake.WaitForRequestsAsync(1, Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        await fake.WaitForAbortsAsync(1, Token);
        Assert.Equal(1, fake.AbortedRequests);
    }

    [Fact]
    public async Task Embeddings_OfGemini_AreOnlyNormalisedAtFullLength()
    {
        await using ProviderFake fake = await ProviderFake.StartAsync(cancellationToken: Token);
        fake.SetKey("gemini", "the-key");
        Assert.Equal(1.0, await LengthAsync(""), 3);
        Assert.Equal(0.7, await LengthAsync(",\"outputDimensionality\":256"), 3);

        async Task<double> LengthAsync(string more)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, fake.BaseUrl("gemini") + "/v1beta/models/e:embedContent")
            {
                Content = new StringContent(
                    "{\"content\":{\"parts\":[{\"text\":\"hello world\"}]}" + more + "}", Encoding.UTF8,
                    "application/json"),
            };
            request.Headers.Add("x-goog-api-key", "the-key");
            using HttpResponseMessage response = await Http.SendAsync(request, Token);
            using var json = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsStringAsync(Token));
            return Math.Sqrt(
                json.RootElement.GetProperty("embedding").GetProperty("values").EnumerateArray()
                    .Sum(value => value.GetDouble() * value.GetDouble()));
        }
    }

    [Fact]
    public async Task Names_ThatAreUnknown_AreRefusedWithTheKnownOnes()
    {
        await using ProviderFake fake = await ProviderFake.StartAsync(cancellationToken: Token);
        ArgumentException exception = Assert.Throws<ArgumentException>(() => fake.BaseUrl("nobody"));
        Assert.Contains(
            "gemini, openai, anthropic, openrouter, openai-compatible, cartesia", exception.Message,
            StringComparison.Ordinal);
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await Http.GetAsync(new Uri(fake.BaseUrl("gemini"), "/nobody/x"), Token)).StatusCode);
    }

    private static async Task<HttpResponseMessage> SendAsync(
        ProviderFake fake, string provider, string path, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{fake.BaseUrl(provider)}/{path}");
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Headers.Add("Cartesia-Version", "2026-03-01");
        if (key is not null && provider is "gemini" or "anthropic")
        {
            request.Headers.Add(provider == "gemini" ? "x-goog-api-key" : "x-api-key", key);
        }
        else if (key is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        return await Http.SendAsync(request, Token);
    }
}
