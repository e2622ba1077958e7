using Coach.Rag.Chat;
using Coach.Rag.Documents;
using Coach.Rag.Indexing;
using Coach.Rag.Tiers;
using Coach.Rag.Vectors;
using Microsoft.Extensions.Logging;

namespace Coach.Rag.Scopes;

/// <summary>What the scopes of a registration share.</summary>
internal sealed record ScopeSetup
{
    public required CoachRagOptions Options { get; init; }

    public required CoachRagScopeOptions Scopes { get; init; }

    public required EmbeddingRegistration Embeddings { get; init; }

    public required KnowledgeSources Sources { get; init; }

    public required IReadOnlyList<IPassageScanner> Scanners { get; init; }

    public required RagInstruments Instruments { get; init; }

    public required RagMetrics Metrics { get; init; }

    public required TimeProvider Time { get; init; }

    public required ILoggerFactory Loggers { get; init; }

    public ILogger<T> Logger<T>() => Loggers.CreateLogger<T>();
}

/// <summary>The services of one open scope: those of a registration, on the scope's file alone.</summary>
internal sealed class ScopeServices : IAsyncDisposable
{
    private readonly IDisposable _claim;
    private readonly ScopeFiles _files;
    private readonly string _name;
    private readonly IndexManager _index;
    private readonly GuardedEmbeddingGenerator _embeddings;
    private readonly KnowledgeSyncService _sync;

    private ScopeServices(ScopeSetup setup, ScopeFiles files, string name, IDisposable claim)
    {
        (_files, _name, _claim) = (files, name, claim);
        TimeProvider time = setup.Time;
        CoachRagOptions options = setup.Options.ForScope(
            files.PathOf(name), setup.Scopes.MaxDocuments, setup.Scopes.MaxBytes);
        _index = IndexOpener.Open(options, time, setup.Logger<IndexManager>());
        _index.IsFileRequired = true;
        if (_index.Store.RefreshFailure is { } failure)
        {
            _index.Dispose();
            throw failure.InnerException as RagException ?? failure;
        }

        _embeddings = new GuardedEmbeddingGenerator(
            setup.Embeddings.Create?.Invoke(null!), setup.Embeddings, options, time, _index.Store.Name);
        _index.Embedder = _embeddings.Identity;
        var recovery = new IndexRecovery(_index, setup.Logger<IndexRecovery>());
        DocumentReaders readers = setup.Sources.CreateReaders(options, time);
        Knowledge = new KnowledgeBase(
            _index, _embeddings, recovery, [], readers, time, setup.Logger<KnowledgeBase>());
        _sync = new KnowledgeSyncService(Knowledge, _index, recovery, time, setup.Logger<KnowledgeSyncService>());
        var tiers = new TierDecision(_index, _embeddings, new SourceStatus(Knowledge));
        var retriever = new Retriever(_index, tiers, _sync, setup.Metrics, time, setup.Logger<Retriever>())
        {
            TellsWhatIsMissing = false,
        };
        Retriever = setup.Scanners.Count == 0
            ? retriever
            : new ScannedRetriever(
                retriever, setup.Scanners, options.TimeLimit, setup.Instruments, time,
                setup.Logger<ScannedRetriever>());
    }

    public KnowledgeBase Knowledge { get; }

    public IRetriever Retriever { get; }

    /// <summary>Opens a scope's file, and goes on with what was left undone.</summary>
    /// <exception cref="RagException">It cannot be opened, or another process has it.</exception>
    public static ScopeServices Open(ScopeSetup setup, ScopeFiles files, string name)
    {
        IDisposable claim = files.Claim(name);
        try
        {
            var services = new ScopeServices(setup, files, name, claim);
            if (files.Exists(name))
            {
                services.Watch();
                services.Knowledge.Resume();
            }

            return services;
        }
        catch
        {
            claim.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Repairs, makes the terms of another analysis anew and erases what is due, as long as it is open.
    /// </summary>
    public void Watch() => _ = _sync.StartAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _sync.DisposeAsync().ConfigureAwait(false);
            await Knowledge.EraseBeforeCloseAsync().ConfigureAwait(false);
            await Knowledge.DisposeAsync().ConfigureAwait(false);
            _embeddings.Dispose();
            _index.Dispose();
        }
        finally
        {
            _files.Tidy(_name);
            _claim.Dispose();
        }
    }
}
