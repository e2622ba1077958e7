using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Coach.Rag;

/// <summary>The parts of one registration, each made when it is first needed.</summary>
internal sealed class RagServices : IAsyncDisposable
{
    private readonly IServiceProvider _provider;
    private readonly CoachRagOptions _options;
    private readonly TimeProvider _time;
    private readonly Lazy<IndexManager> _index;
    private readonly Lazy<GuardedEmbeddingGenerator> _embeddings;
    private readonly Lazy<IReadOnlyList<KnowledgeSource>> _sources;
    private readonly Lazy<SourceStatus> _state;
    private readonly Lazy<IndexRecovery> _recovery;
    private readonly Lazy<KnowledgeBase> _knowledge;
    private readonly Lazy<KnowledgeSyncService> _loader;
    private readonly Lazy<Retriever> _retriever;
    private readonly Lazy<RagHealth> _health;

    public RagServices(IServiceProvider provider, string name)
    {
        _provider = provider;
        _options = Named<CoachRagOptions>(name);
        _time = provider.GetRequiredService<TimeProvider>();
        _index = new Lazy<IndexManager>(OpenIndex);
        _embeddings = new Lazy<GuardedEmbeddingGenerator>(() => CreateEmbeddings(Named<EmbeddingRegistration>(name)));
        _sources = new Lazy<IReadOnlyList<KnowledgeSource>>(() => Named<KnowledgeSources>(name).Create(_options));
        _recovery = new Lazy<IndexRecovery>(() => new IndexRecovery(Index, LoggerFor<IndexRecovery>()));
        _knowledge = new Lazy<KnowledgeBase>(() =>
            new KnowledgeBase(Index, Embeddings, _recovery.Value, _options, _sources.Value, _time, LoggerFor<KnowledgeBase>()));
        _state = new Lazy<SourceStatus>(() => new SourceStatus(_sources.Value, () => Knowledge.Skipped));
        _loader = new Lazy<KnowledgeSyncService>(() =>
            new KnowledgeSyncService(Knowledge, Index, _recovery.Value, _sources.Value, _options, _time, LoggerFor<KnowledgeSyncService>()));
        _retriever = new Lazy<Retriever>(() => new Retriever(Index, Loader, _recovery.Value, Embeddings, _state.Value, _options,
            new RagMetrics(provider.GetRequiredService<RagInstruments>(), name, Index, () => Retriever!.Tier), _time, LoggerFor<Retriever>()));
        _health = new Lazy<RagHealth>(() => new RagHealth(name, Retriever, Index, Embeddings, _state.Value, _options));
    }

    public IndexManager Index => _index.Value;

    public GuardedEmbeddingGenerator Embeddings => _embeddings.Value;

    public KnowledgeBase Knowledge => _knowledge.Value;

    public KnowledgeSyncService Loader => _loader.Value;

    public Retriever Retriever => _retriever.Value;

    public RagHealth Health => _health.Value;

    public async ValueTask DisposeAsync()
    {
        if (_loader.IsValueCreated)
        {
            await Loader.DisposeAsync().ConfigureAwait(false);
        }

        if (_knowledge.IsValueCreated)
        {
            await Knowledge.DisposeAsync().ConfigureAwait(false);
        }

        if (_index.IsValueCreated)
        {
            Index.Dispose();
        }
    }

    private IndexManager OpenIndex()
    {
        string? path = _options.IndexFile;
        if (string.IsNullOrWhiteSpace(path))
        {
            return new IndexManager(new MemoryIndexStore(), _options);
        }

        (IIndexStore store, string? damage) = IndexOpener.Open(path, _time, LoggerFor<IndexManager>());
        var index = new IndexManager(store, _options, () =>
        {
            FileIndexStore.SetAside(path);
            return IndexOpener.Open(path, _time, LoggerFor<IndexManager>()).Store;
        });
        if (damage is not null)
        {
            index.Report(damage);
        }

        return index;
    }

    private GuardedEmbeddingGenerator CreateEmbeddings(EmbeddingRegistration setup)
    {
        var generator = new GuardedEmbeddingGenerator(setup.Create?.Invoke(_provider), setup, _options, _time, Index.Store.Name);
        Index.Embedder = generator.Identity;
        return generator;
    }

    private T Named<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] T>(string name)
        where T : class => _provider.GetRequiredService<IOptionsMonitor<T>>().Get(name);

    private ILogger<T> LoggerFor<T>() => _provider.GetService<ILogger<T>>() ?? NullLogger<T>.Instance;
}
