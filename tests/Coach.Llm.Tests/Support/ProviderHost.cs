using Coach.Abstractions;
using Coach.Llm.Hosting;
using Coach.Llm.Pipeline;
using Coach.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Llm.Tests;

/// <summary>A host whose six providers are one fake.</summary>
internal sealed class ProviderHost : IAsyncDisposable
{
    private ProviderHost(ProviderFake fake, ServiceProvider services)
    {
        Fake = fake;
        Services = services;
    }

    public static string[] ChatProviders { get; } =
        [.. BuiltInProviders.Create(new CoachLlmOptions()).All.Where(provider => provider.CreateChat() is not null).Select(provider => provider.Name)];

    public static string[] EmbeddingProviders { get; } =
        [.. BuiltInProviders.Create(new CoachLlmOptions()).All.Where(provider => provider.CreateEmbedding() is not null).Select(provider => provider.Name)];

    public ProviderFake Fake { get; }

    public ServiceProvider Services { get; }

    public static async Task<ProviderHost> StartAsync(
        TimeProvider? time = null, Action<CoachLlmOptions>? configure = null, Action<IServiceCollection>? services = null)
    {
        ProviderFake fake = await ProviderFake.StartAsync(time, TestContext.Current.CancellationToken);
        var host = new TestHost(
            collection =>
            {
                services?.Invoke(collection);
                collection.AddCoachLlm(Configure);
            },
            time ?? TimeProvider.System);
        return new ProviderHost(fake, host.Services);

        void Configure(CoachLlmOptions options)
        {
            options.Gemini.BaseUrl = fake.BaseUrl(ProviderNames.Gemini);
            options.OpenAI.BaseUrl = fake.BaseUrl(ProviderNames.OpenAI);
            options.Anthropic.BaseUrl = fake.BaseUrl(ProviderNames.Anthropic);
            options.OpenRouter.BaseUrl = fake.BaseUrl(ProviderNames.OpenRouter);
            options.OpenAICompatible.BaseUrl = fake.BaseUrl(ProviderNames.OpenAICompatible);
            options.OpenAICompatible.Model = "team-model";
            options.Cartesia.BaseUrl = fake.BaseUrl(ProviderNames.Cartesia);
            if (time is null)
            {
                // On the machine's own clock the limits only guard against hanging: a busy machine is no failure.
                options.Validation.Timeout = TimeSpan.FromMinutes(2);
                (options.Requests.AttemptTimeout, options.Requests.TotalTimeout) = (TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(20));
                (options.Requests.FirstTokenTimeout, options.Requests.IdleTimeout) = (TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(5));
            }

            configure?.Invoke(options);
        }
    }

    /// <summary>A chat client as a session gets it, with a key that the fake accepts.</summary>
    public IChatClient Chat(string provider, string key = "key-of-this-test-0001", string session = "test")
    {
        Fake.SetKey(provider, key);
        return Services.GetRequiredService<ProviderClients>().CreateChat(provider, SessionId.From(session), new ApiKey(provider, Secret.From(key)));
    }

    public async ValueTask DisposeAsync()
    {
        await Services.DisposeAsync();
        await Fake.DisposeAsync();
    }
}
