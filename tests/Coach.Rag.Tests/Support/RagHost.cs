using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Rag.Tests;

/// <summary>A registration of Coach.Rag as an app makes it, without a host.</summary>
internal sealed class RagHost : IAsyncDisposable
{
    private readonly TestHost _host;

    public RagHost(Action<CoachRagBuilder>? build = null, Action<CoachRagOptions>? configure = null, TimeProvider? time = null,
        Action<IServiceCollection>? services = null, FakeLogCollector? logs = null) => _host = new TestHost(
        collection =>
        {
            if (time is null)
            {
                // On the real clock no limit is part of a test: a slow machine must not change an answer.
                collection.Configure<CoachRagOptions>(options => (options.TimeLimit, options.EmbeddingTimeLimit) = (TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(1)));
            }

            services?.Invoke(collection);
            CoachRagBuilder builder = collection.AddCoachRag(configure);
            build?.Invoke(builder);
        },
        time, logs: logs);

    public IRetriever Retriever => _host.Get<IRetriever>();

    public IKnowledgeBase Knowledge => _host.Get<IKnowledgeBase>();

    public T Get<T>()
        where T : notnull => _host.Get<T>();

    public ValueTask DisposeAsync() => _host.DisposeAsync();
}
