using System.Text;
using System.Text.Json;
using Coach.Abstractions;
using Coach.AspNetCore.Sessions;
using Coach.Llm;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Coach.AspNetCore.Tests.Sessions;

public sealed class KeyEndpointsTests : IDisposable
{
    private static readonly SessionId Session = SessionId.From("0123456789abcdef0123456789abcdef");

    private readonly Validator _validator = new();
    private readonly IHost _host;

    public KeyEndpointsTests()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.AddCoach();
        builder.Services.AddLogging();
        builder.Services.AddSingleton<IApiKeyValidator>(_validator);
        _host = builder.Build();
    }

    private KeyEndpoints Endpoints => _host.Services.GetRequiredService<KeyEndpoints>();

    private ISessionKeyStore Keys => _host.Services.GetRequiredService<ISessionKeyStore>();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task AddAsync_ValidKey_IsStored()
    {
        HttpContext context = Request("""{"provider":"gemini","apiKey":" some-key "}""");
        await (await Endpoints.AddAsync(context)).ExecuteAsync(context);

        Assert.Equal(200, context.Response.StatusCode);
        Assert.Equal([new ApiKey("gemini", Secret.From("some-key"))], await Keys.ListAsync(Session, Token));
    }

    [Fact]
    public async Task AddAsync_SessionEndedWhileTheKeyIsChecked_KeepsNothingAndSaysSo()
    {
        _validator.Meanwhile = () => _host.Services.GetRequiredService<SessionEnd>().EndAsync(Session);
        HttpContext context = Request("""{"provider":"gemini","apiKey":"some-key"}""");
        await (await Endpoints.AddAsync(context)).ExecuteAsync(context);

        Assert.Equal(401, context.Response.StatusCode);
        context.Response.Body.Position = 0;
        using JsonDocument problem = await JsonDocument.ParseAsync(context.Response.Body, cancellationToken: Token);
        Assert.Equal("ERR_SESSION_REQUIRED", problem.RootElement.GetProperty("code").GetString());
        Assert.Empty(await Keys.ListAsync(Session, Token));
        Assert.Equal(0, Keys.SessionCount);
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("\"  \"")]
    [InlineData("null")]
    [InlineData("\"\\t\"")]
    public async Task AddAsync_NoKey_IsMissingAtTheProviderThatWasNamed(string apiKey)
    {
        HttpContext context = Request($$"""{"provider":" Gemini ","apiKey":{{apiKey}}}""");
        await (await Endpoints.AddAsync(context)).ExecuteAsync(context);

        Assert.Equal(422, context.Response.StatusCode);
        Assert.Equal("gemini", _validator.Provider);
    }

    [Theory]
    [InlineData("42")]
    [InlineData("[\"some-key\"]")]
    [InlineData("\"\\ud800\"")]
    public async Task AddAsync_KeyThatIsNoText_IsMissingToo(string apiKey)
    {
        HttpContext context = Request($$"""{"provider":"gemini","apiKey":{{apiKey}}}""");
        await (await Endpoints.AddAsync(context)).ExecuteAsync(context);

        context.Response.Body.Position = 0;
        using JsonDocument problem = await JsonDocument.ParseAsync(context.Response.Body, cancellationToken: Token);
        Assert.Equal("ERR_KEY_MISSING", problem.RootElement.GetProperty("code").GetString());
        Assert.Equal("missing", problem.RootElement.GetProperty("keyStatus").GetString());
        Assert.Null(_validator.Provider);
    }

    [Fact]
    public async Task AddAsync_KeyOfWhichTheProviderSaysNothing_HasAnUnknownAuthenticity()
    {
        _validator.Answer = new KeyValidation(
            KeyStatus.RegionBlocked, "Not from here.", IsAuthentic: null, RetryAfter: TimeSpan.FromSeconds(2.5));
        HttpContext context = Request("""{"provider":"gemini","apiKey":"some-key"}""");
        await (await Endpoints.AddAsync(context)).ExecuteAsync(context);

        context.Response.Body.Position = 0;
        using JsonDocument problem = await JsonDocument.ParseAsync(context.Response.Body, cancellationToken: Token);
        Assert.Equal("regionBlocked", problem.RootElement.GetProperty("keyStatus").GetString());
        Assert.Equal(JsonValueKind.Null, problem.RootElement.GetProperty("isAuthentic").ValueKind);
        Assert.Equal(3, problem.RootElement.GetProperty("retryAfterSeconds").GetInt32());
        Assert.Equal("about:blank", problem.RootElement.GetProperty("type").GetString());
    }

    private HttpContext Request(string body)
    {
        var context = new DefaultHttpContext { RequestServices = _host.Services };
        context.Request.Method = "POST";
        context.Request.ContentType = "application/json";
        context.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body));
        context.Response.Body = new MemoryStream();
        context.Features.Set(new CoachSession(Session, DateTimeOffset.MaxValue));
        return context;
    }

    /// <summary>Finds every key valid; something may happen while it looks.</summary>
    private sealed class Validator : IApiKeyValidator
    {
        public Func<Task>? Meanwhile { get; set; }

        public string? Provider { get; private set; }

        public KeyValidation Answer { get; set; } = new(KeyStatus.Valid, "Fine.", IsAuthentic: true);

        public Task<KeyValidation> ValidateAsync(ApiKey? key, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public async Task<KeyValidation> ValidateAsync(
            ApiKey? key, string tenant, CancellationToken cancellationToken = default)
        {
            await (Meanwhile?.Invoke() ?? Task.CompletedTask);
            return key is null
                ? new KeyValidation(KeyStatus.Missing, "No key was given.", IsAuthentic: false)
                : Answer;
        }

        public Task<KeyValidation> ValidateAsync(
            string provider, string? key, string tenant, CancellationToken cancellationToken = default)
        {
            Provider = provider;
            return ValidateAsync(
                string.IsNullOrWhiteSpace(key) ? null : new ApiKey(provider, Secret.From(key)),
                tenant,
                cancellationToken);
        }
    }
}
