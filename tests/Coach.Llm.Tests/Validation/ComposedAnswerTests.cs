using System.Text;
using System.Text.Json;
using Coach.Abstractions;
using Coach.Llm.Core;
using Coach.Llm.Hosting;
using Coach.Llm.Pipeline;
using Coach.Llm.Providers;
using Coach.Llm.Resilience;
using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests.Validation;

/// <summary>The cases that no recording covers: one row per known answer, and per way in which an answer can be damaged.</summary>
public sealed partial class ComposedAnswerTests
{
    [Theory]
    [MemberData(nameof(Answers))]
    [MemberData(nameof(DamagedAnswers))]
    public async Task ValidateAsync_KnownOrDamagedAnswer_MapsToItsStatus(string provider, int status, string body, KeyStatus expected)
    {
        foreach (string type in (string[])["application/json", "text/event-stream", "text/html; charset=utf-8"])
        {
            KeyValidation outcome = await ValidateAsync(provider, () => StubHandler.Response(status, body, type));
            Assert.Equal(expected, outcome.Status);
            Assert.Equal(KeyStatuses.IsAuthentic(expected), outcome.IsAuthentic);
        }
    }

    [Theory]
    [InlineData("gemini", "models")]
    [InlineData("openai", "data")]
    [InlineData("anthropic", "data")]
    [InlineData("openai-compatible", "data")]
    public async Task ValidateAsync_GiganticSuccess_IsReadUpToTheLimitAndAccepted(string provider, string member)
    {
        var body = new CountingStream(Encoding.UTF8.GetBytes($"{{\"{member}\":["), Encoding.UTF8.GetBytes("{\"id\":\"x\"},"), total: 1L << 30);
        KeyValidation outcome = await ValidateAsync(provider, () =>
        {
            var response = StubHandler.Response(200, "");
            response.Content = new StreamContent(body);
            return response;
        }, o => o.Validation.MaxResponseBytes = 10_000);

        Assert.Equal(KeyStatus.Valid, outcome.Status);
        Assert.InRange(body.Taken, 1, 10_001);
    }

    [Theory]
    [InlineData(200, KeyStatus.WrongEndpoint)]
    [InlineData(401, KeyStatus.Invalid)]
    [InlineData(429, KeyStatus.RateLimited)]
    [InlineData(500, KeyStatus.Unavailable)]
    public async Task ValidateAsync_GiganticRubbish_IsReadUpToTheLimit(int status, KeyStatus expected)
    {
        var body = new CountingStream([], Encoding.UTF8.GetBytes("rubbish "), total: 1L << 30);
        KeyValidation outcome = await ValidateAsync("openai", () =>
        {
            var response = StubHandler.Response(status, "");
            response.Content = new StreamContent(body);
            return response;
        }, o => o.Validation.MaxResponseBytes = 4096);

        Assert.Equal(expected, outcome.Status);
        Assert.InRange(body.Taken, 1, 4097);
    }

    [Fact]
    public void Classify_EveryPrefixOfEveryRecordedAnswer_GivesOneMeaningAndNeverThrows()
    {
        foreach (string path in Directory.GetFiles(ProviderFixture.Folder, "*.json", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(ProviderFixture.Folder, path)[..^5];
            ProviderFixture fixture = ProviderFixture.Read(name);
            byte[] body = Encoding.UTF8.GetBytes(fixture.Body);
            string provider = name.StartsWith("litellm", StringComparison.Ordinal) ? "openai-compatible" : name.Split(Path.DirectorySeparatorChar)[0];
            ErrorClassification whole = ErrorClassifier.Classify(
                Providers[provider], new ProviderAnswer(fixture.Status, headers: null, "application/json", body, isTruncated: false), DateTimeOffset.UnixEpoch);
            for (int length = 0; length <= body.Length; length++)
            {
                var answer = new ProviderAnswer(fixture.Status, headers: null, "application/json", body.AsMemory(0, length), isTruncated: false);
                ErrorClassification found = ErrorClassifier.Classify(Providers[provider], answer, DateTimeOffset.UnixEpoch);
                Assert.True(Enum.IsDefined(found.Status) && Enum.IsDefined(found.Error));
                Assert.NotEqual(KeyStatus.Valid, found.Status);
                if (fixture.Status == 403 && found.Status == KeyStatus.Restricted)
                {
                    Assert.Equal(KeyStatus.Restricted, whole.Status); // a cut answer never proves more than the whole one
                }
            }
        }
    }

    [Fact]
    public void Classify_EveryByteFlippedInEveryRecordedAnswer_GivesOneMeaningAndNeverThrows()
    {
        foreach (string path in Directory.GetFiles(ProviderFixture.Folder, "*.json", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(ProviderFixture.Folder, path)[..^5];
            ProviderFixture fixture = ProviderFixture.Read(name);
            byte[] body = Encoding.UTF8.GetBytes(fixture.Body);
            string provider = name.StartsWith("litellm", StringComparison.Ordinal) ? "openai-compatible" : name.Split(Path.DirectorySeparatorChar)[0];
            for (int i = 0; i < body.Length; i++)
            {
                body[i] ^= 0xFF;
                Assert.NotEmpty(ErrorClassifier.Classify(Providers[provider], new ProviderAnswer(fixture.Status, null, null, body, false), DateTimeOffset.UnixEpoch).Message);
                body[i] ^= 0xFF;
            }
        }
    }

    [Theory]
    [InlineData("gemini", 404, "model", LlmError.ModelNotFound)]
    [InlineData("gemini", 400, "bad argument", LlmError.RequestRejected)]
    [InlineData("openai", 413, "too large", LlmError.RequestRejected)]
    [InlineData("openai", 422, "unprocessable", LlmError.RequestRejected)]
    public void Classify_RequestIsWrongInItself_BlamesTheRequestNotTheKey(string provider, int status, string message, LlmError expected)
    {
        var answer = new ProviderAnswer(status, null, null, Encoding.UTF8.GetBytes(Google(status, "X", message)), isTruncated: false);
        ErrorClassification found = ErrorClassifier.Classify(Providers[provider], answer, DateTimeOffset.UnixEpoch);

        Assert.Equal(expected, found.Error);
        Assert.False(found.SaysSomethingAboutTheKey);
        Assert.False(found.IsTransient);
        Assert.Null(LlmException.FromAnswer(provider, found).KeyStatus);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("true", true)]
    [InlineData("false", false)]
    public void Classify_ServerSaysWhetherToRetry_IsBelievedForTransientFailuresOnly(string? header, bool expected)
    {
        using var response = new HttpResponseMessage();
        if (header is not null)
        {
            response.Headers.Add("x-should-retry", header);
        }

        ErrorClassification overloaded = ErrorClassifier.Classify(Providers["anthropic"], new ProviderAnswer(529, response.Headers, null, default, false), default);
        ErrorClassification refused = ErrorClassifier.Classify(Providers["anthropic"], new ProviderAnswer(401, response.Headers, null, default, false), default);
        LlmException failure = LlmException.FromAnswer("anthropic", overloaded);
        Assert.Equal(expected, overloaded.IsTransient);
        Assert.Equal(expected, failure.IsTransient);
        Assert.Equal(expected, ResiliencePolicy.IsRetryable(failure));
        Assert.NotNull(FallbackAttempts.Reason(failure, new FallbackOptions())); // another provider may answer all the same
        Assert.False(refused.IsTransient);
    }

    private static ProviderCatalog Providers { get; } = BuiltInProviders.Create(new CoachLlmOptions());

    private static async Task<KeyValidation> ValidateAsync(string provider, Func<HttpResponseMessage> answer, Action<CoachLlmOptions>? options = null)
    {
        await using ServiceProvider services = LlmHost.Build(StubHandler.Always(answer), options: o =>
        {
            o.OpenAICompatible.BaseUrl = new Uri("http://litellm.test");
            options?.Invoke(o);
        });
        return await services.GetRequiredService<IApiKeyValidator>()
            .ValidateAsync(LlmHost.Key(provider, "some-key-0123456789"), TestContext.Current.CancellationToken);
    }
}
