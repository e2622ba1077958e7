using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rag.Tests;

/// <summary>A registration of Coach.Rag as an app makes it, without a host.</summary>
internal sealed class RagHost : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    public RagHost(Action<CoachRagBuilder>? build = null, Action<CoachRagOptions>? configure = null, TimeProvider? time = null,
        Action<IServiceCollection>? services = null)
    {
        var collection = new ServiceCollection();
        if (time is not null)
        {
            collection.AddSingleton(time);
        }
        else
        {
            // On the real clock no limit is part of a test: a slow machine must not change an answer.
            collection.Configure<CoachRagOptions>(options => (options.TimeLimit, options.EmbeddingTimeLimit) = (TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(1)));
        }

        services?.Invoke(collection);
        build?.Invoke(collection.AddCoachRag(configure));
        if (build is null)
        {
            collection.AddCoachRag(configure);
        }

        _services = collection.BuildServiceProvider();
    }

    public IRetriever Retriever => _services.GetRequiredService<IRetriever>();

    public IKnowledgeBase Knowledge => _services.GetRequiredService<IKnowledgeBase>();

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
