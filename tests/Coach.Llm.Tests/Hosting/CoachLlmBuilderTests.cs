using Coach.Abstractions;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

public sealed class CoachLlmBuilderTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AddProvider_LambdaThatReturnsAConcreteChatClient_IsLeasedAsIChatClient()
    {
        await using ServiceProvider host = LlmHost.Build(configure: builder => builder.AddProvider("Acme", (_, key) => new AcmeChatClient(key)));
        using ClientLease<IChatClient> lease = await host.GetRequiredService<ISessionClientRegistry>()
            .AcquireAsync<IChatClient>(SessionId.From("s"), LlmHost.Key("acme", "k"), Token);

        Assert.Equal("k", Assert.IsType<AcmeChatClient>(lease.Client).Key.Secret.Reveal());
    }

    [Fact]
    public async Task AddProvider_NameOfABuiltInOne_ReplacesIt()
    {
        await using ServiceProvider host = LlmHost.Build(configure: builder => builder.AddProvider("gemini", (_, key) => new AcmeChatClient(key)));
        using ClientLease<IChatClient> lease = await host.GetRequiredService<ISessionClientRegistry>()
            .AcquireAsync<IChatClient>(SessionId.From("s"), LlmHost.Key("gemini", "k"), Token);
        Assert.IsType<AcmeChatClient>(lease.Client);
    }

    [Fact]
    public void AddCoachLlm_Twice_RegistersOnceAndAppliesBothConfigurations()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddCoachLlm(o => o.MaxOutputTokens = 1);
        int count = services.Count;
        services.AddCoachLlm(o => o.Sessions.MaxSessions = 2);
        Assert.Equal(1, services.Count(service => service.ServiceType == typeof(ISessionClientRegistry)));
        Assert.InRange(services.Count, count, count + 5);
        using ServiceProvider host = services.BuildServiceProvider();
        CoachLlmOptions options = host.GetRequiredService<Microsoft.Extensions.Options.IOptions<CoachLlmOptions>>().Value;
        Assert.Equal((1, 2), (options.MaxOutputTokens, options.Sessions.MaxSessions));
    }

    [Fact]
    public void AddProvider_WrongArguments_Throw()
    {
        CoachLlmBuilder builder = new ServiceCollection().AddCoachLlm();
        Assert.Throws<ArgumentException>(() => builder.AddProvider(" ", (_, key) => new AcmeChatClient(key)));
        Assert.Throws<ArgumentNullException>(() => builder.AddProvider<IChatClient>("x", (Func<IServiceProvider, ApiKey, IChatClient>)null!));
        Assert.Throws<ArgumentNullException>(() => builder.AddKeyValidator("x", null!));
        Assert.Throws<ArgumentNullException>(() => builder.UseSessionKeyStore(null!));
        Assert.Equal("", builder.Name);
    }

    private sealed class AcmeChatClient(ApiKey key) : IChatClient
    {
        public ApiKey Key { get; } = key;

        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
