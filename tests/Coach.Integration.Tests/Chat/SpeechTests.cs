using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Coach.Integration.Tests.Hosting;
using Coach.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Coach.Integration.Tests.Chat;

/// <summary>Speech over HTTP: a sound, or the text alone and why.</summary>
public sealed class SpeechTests : IAsyncLifetime
{
    private const string Key = "sk_car_canary0123456789abcdef";

    private ProviderFake _providers = null!;
    private ChatHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _providers = await ProviderFake.StartAsync();
        _providers.SetKey("cartesia", Key);
        _host = await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _providers.DisposeAsync();
    }

    [Fact]
    public async Task Speech_WithTheSessionsKey_IsASound()
    {
        using HttpClient visitor = await NewVisitorAsync();
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/speech", """{"text":" Good morning. "}""");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("audio/wav", response.Content.Headers.ContentType?.MediaType);
        Assert.True(response.Headers.CacheControl?.NoStore);
        byte[] sound = await response.Content.ReadAsByteArrayAsync();
        Assert.True(sound.AsSpan().StartsWith("RIFF"u8));
        Assert.Contains("\"transcript\":\"Good morning.\"", _providers.Requests[^1].Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Speech_WithoutAKey_IsTheTextAloneAndWhy()
    {
        using HttpClient visitor = _host.NewVisitor();
        int before = _providers.ReceivedRequests;
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/speech", """{"text":"Good morning."}""");
        await AssertTextOnlyAsync(response, "ERR_KEY_MISSING");
        Assert.Equal(before, _providers.ReceivedRequests);
    }

    [Fact]
    public async Task Speech_ProviderFails_IsTheTextAloneAndWhy()
    {
        using HttpClient visitor = await NewVisitorAsync();
        foreach ((ProviderFault fault, string code) in ((ProviderFault, string)[])
            [
                (ProviderFault.Status(500), "ERR_KEY_UNAVAILABLE"), (ProviderFault.HtmlPage(), "ERR_PROVIDER_FAILED"),
                (ProviderFault.Garbage(), "ERR_PROVIDER_FAILED"),
                (ProviderFault.Status(429, headers: new Dictionary<string, string> { ["retry-after"] = "7" }), "ERR_KEY_RATE_LIMITED"),
                (ProviderFault.Status(200, $$"""{"error_code":"{{Key}}","title":"{{Key}}","message":"{{Key}}"}"""), "ERR_KEY_UNAVAILABLE"),
                (ProviderFault.Status(401), "ERR_KEY_INVALID"),
            ])
        {
            _providers.Fail("cartesia", fault);
            using HttpResponseMessage response = await visitor.PostJsonAsync("/api/speech", """{"text":"Good morning."}""");
            await AssertTextOnlyAsync(response, code);
            Assert.Equal(code == "ERR_KEY_RATE_LIMITED" ? TimeSpan.FromSeconds(7) : null, response.Headers.RetryAfter?.Delta);
        }

        Assert.DoesNotContain(_host.Logs, line => line.Contains(Key, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"text":""}""", 422)]
    [InlineData("""{"text":"  "}""", 422)]
    [InlineData("""{"text":5}""", 422)]
    [InlineData("{}", 422)]
    [InlineData("[]", 400)]
    public async Task Speech_NoText_IsRefusedWithoutACall(string body, int status)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/speech", body);
        await response.AssertProblemAsync(status, "ERR_REQUEST_INVALID");
    }

    [Theory]
    [InlineData(2_000, 503)] // no key; but not too long
    [InlineData(2_001, 422)]
    public async Task Speech_LongerThanTheLimit_IsRefused(int length, int status)
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostAsync("/api/speech", JsonContent.Create(new { text = new string('x', length) }));
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Speech_OfAMockHost_MakesNoCall()
    {
        await using ChatHost host = await StartAsync(values => values["Coach:Mode"] = "mock");
        using HttpClient visitor = host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/speech", """{"text":"Good morning."}""");
        await AssertTextOnlyAsync(response, "ERR_MISSING_SECRET");
    }

    [Fact]
    public async Task Speech_UnlessEnabled_IsNotThere()
    {
        await using ChatHost host = await StartAsync(values => values.Remove("Coach:Speech:Enabled"));
        using HttpClient visitor = host.NewVisitor();
        using HttpResponseMessage response = await visitor.PostJsonAsync("/api/speech", """{"text":"Good morning."}""");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task Settings_WithoutAVoiceOrOutOfRange_EndTheStartByName()
    {
        Assert.Equal(
            [
                "Coach:Speech:MaxTextLength is 20001; it must be between 1 and 20000.",
                "Coach:Speech:Enabled is true and Coach:Llm:Cartesia:Voice is missing; set it to the id of a voice.",
            ],
            await FailuresAsync(new() { ["Coach:Speech:MaxTextLength"] = "20001" }));
        Assert.NotEmpty(await FailuresAsync(
            new() { ["Coach:Llm:Cartesia:Voice"] = "a-voice", ["Coach:Speech:Provider"] = "" }));
    }

    private static async Task<IEnumerable<string>> FailuresAsync(Dictionary<string, string?> values)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection([new("Coach:Speech:Enabled", "true"), .. values]);
        builder.AddCoach();
        await using WebApplication app = builder.Build();
        app.MapCoach();
        return (await Assert.ThrowsAsync<OptionsValidationException>(() => app.StartAsync())).Failures;
    }

    [Fact]
    public async Task Document_TellsTheCall()
    {
        using HttpClient visitor = _host.NewVisitor();
        using HttpResponseMessage response = await visitor.GetAsync("/openapi/v1.json");
        JsonElement call = (await response.JsonAsync()).GetProperty("paths").GetProperty("/api/speech").GetProperty("post");
        Assert.Equal(
            ["200", "400", "401", "403", "413", "415", "422", "429", "500", "503"],
            call.GetProperty("responses").EnumerateObject().Select(item => item.Name).Order());
        Assert.True(call.GetProperty("responses").GetProperty("200").GetProperty("content").TryGetProperty("audio/wav", out _));
        Assert.Contains("ERR_KEY_MISSING", call.GetProperty("responses").GetProperty("503").GetProperty("description").GetString(), StringComparison.Ordinal);
    }

    private static async Task AssertTextOnlyAsync(HttpResponseMessage response, string code)
    {
        await response.AssertProblemAsync(503, code);
        JsonElement problem = await response.JsonAsync();
        Assert.True(problem.GetProperty("isTextOnly").GetBoolean());
        Assert.DoesNotContain(Key, problem.ToString(), StringComparison.Ordinal);
    }

    private Task<ChatHost> StartAsync(Action<Dictionary<string, string?>>? settings = null) => ChatHost.StartAsync(
        values =>
        {
            values["Coach:Speech:Enabled"] = "true";
            values["Coach:Llm:Cartesia:BaseUrl"] = _providers.BaseUrl("cartesia").ToString();
            values["Coach:Llm:Cartesia:Voice"] = "voice-1";
            values["Coach:Llm:Requests:MaxRetries"] = "0";
            values["Coach:Llm:Requests:CircuitMinimumCalls"] = "0";
            settings?.Invoke(values);
        },
        waitForKnowledge: false);

    private async Task<HttpClient> NewVisitorAsync()
    {
        HttpClient visitor = _host.NewVisitor();
        await visitor.AddKeyAsync("cartesia", Key);
        return visitor;
    }
}
