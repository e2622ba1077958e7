using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Coach;
using Coach.Abstractions;
using Coach.Rag;
using Coach.Rag.Chat;
using Coach.Rag.Documents;
using Coach.Rag.Hosting;
using Coach.Rag.Indexing;
using Coach.Rag.Scopes;
using Coach.Rag.Settings;
using Coach.Rag.Tiers;
using Coach.Rag.Vectors;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers Coach.Rag.</summary>
public static class CoachRagServiceCollectionExtensions
{
    /// <summary>
    /// Registers <see cref="IRetriever"/> and <see cref="IKnowledgeBase"/>, reads the section <c>Coach:Rag</c>, and
    /// reads the documents in the background once the host has started.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Changes the options after the configuration was read.</param>
    /// <returns>A builder that adds sources, an index file and embeddings.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static CoachRagBuilder AddCoachRag(
        this IServiceCollection services, Action<CoachRagOptions>? configure = null) =>
        Add(services, "", configure);

    /// <summary>
    /// Registers another knowledge base of its own: <see cref="IRetriever"/> and <see cref="IKnowledgeBase"/> as keyed
    /// services under the name, with options of that name from the section <c>Coach:Rag:NAME</c>.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="name">
    /// The key of the services: lower-case letters, digits and underscores, at most 32. It is shown in metrics and
    /// health.
    /// </param>
    /// <param name="configure">Changes the options after the configuration was read.</param>
    /// <returns>A builder that adds sources, an index file and embeddings to this registration alone.</returns>
    /// <exception cref="ArgumentNullException">
    /// <paramref name="services"/> or <paramref name="name"/> is null.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// <paramref name="name"/> is empty, too long, or has other characters.
    /// </exception>
    public static CoachRagBuilder AddCoachRag(
        this IServiceCollection services, string name, Action<CoachRagOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > 32 || !name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_'))
        {
            throw new ArgumentException(
                "A name has lower-case letters, digits and underscores, at most 32.", nameof(name));
        }

        return Add(services, name, configure);
    }

    private static CoachRagBuilder Add(IServiceCollection services, string name, Action<CoachRagOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        object? key = name.Length == 0 ? null : name;
        if (RegistrationOf(services, key) is null)
        {
            AddOptions(services, name);
            services.TryAddSingleton(TimeProvider.System);
            services.TryAddSingleton<IKnowledgeBases, RegisteredKnowledgeBases>();
            services.TryAddSingleton(provider => new RagInstruments(provider.GetService<IMeterFactory>()));
            int before = services.Count;
            AddIndexing(services, key, name);
            AddRetrieval(services, key, name);
            services.AddKeyedSingleton(key, new RagRegistration([.. services.Skip(before)]));
        }

        if (configure is not null)
        {
            services.Configure(name, configure);
        }

        return new CoachRagBuilder(services, name);
    }

    /// <summary>Puts documents by scope in the place of a registration's one index.</summary>
    internal static void KeepByScope(IServiceCollection services, string name)
    {
        object? key = name.Length == 0 ? null : name;
        ServiceDescriptor known = RegistrationOf(services, key)!;
        var registration = (RagRegistration)(known.IsKeyedService
            ? known.KeyedImplementationInstance
            : known.ImplementationInstance)!;
        if (!registration.TryRemoveFrom(services))
        {
            return;
        }

        services.Remove(known);
        services.AddKeyedSingleton(key, new RagRegistration(null));
        AddScopeOptions(services, name);
        services.AddKeyedSingleton(key, (provider, _) => new RagMetrics(
            provider.GetRequiredService<RagInstruments>(), name));
        services.AddKeyedSingleton(key, (provider, _) => new ScopeTable(ScopeSetupOf(provider, key, name)));
        services.AddKeyedSingleton<IKnowledgeBases>(
            key, (provider, _) => new ScopedKnowledgeBases(Of<ScopeTable>(provider, key)));
        services.AddKeyedSingleton<IRetriever>(key, static (_, _) => throw Unscoped("IRetriever"));
        services.AddKeyedSingleton<IKnowledgeBase>(key, static (_, _) => throw Unscoped("IKnowledgeBase"));
        services.AddSingleton<IComponentHealth>(provider => new ScopeHealth(
            name, Of<ScopeTable>(provider, key), Named<CoachRagOptions>(provider, name)));
        services.AddSingleton<ICallerData>(provider => new CallerDocuments(
            Of<ScopeTable>(provider, key), Of<IKnowledgeBases>(provider, key)));
    }

    private static InvalidOperationException Unscoped(string what) =>
        new(UnscopedUse.Sentence($"There is no {what} without scope"));

    private static ServiceDescriptor? RegistrationOf(IServiceCollection services, object? key) =>
        services.LastOrDefault(
            service => service.ServiceType == typeof(RagRegistration) && Equals(service.ServiceKey, key));

    private static void AddScopeOptions(IServiceCollection services, string name)
    {
        string section = name.Length == 0 ? "Coach:Rag:Scopes" : $"Coach:Rag:{name}:Scopes";
        services.AddOptionsWithValidateOnStart<CoachRagScopeOptions, CoachRagScopeOptionsValidator>(name)
            .Configure<IServiceProvider>((options, provider) =>
            {
                if (OptionsSection.Find(provider, section) is { } values)
                {
                    values.Bind(options);
                }
            });
        services.AddSingleton<IValidateOptions<CoachRagScopeOptions>>(provider => new UnscopedUse(
            services,
            name,
            provider.GetRequiredService<IOptionsMonitor<CoachRagOptions>>(),
            provider.GetRequiredService<IOptionsMonitor<KnowledgeSources>>()));
    }

    // One generator for all scopes, made when the first one is opened: a model is loaded once.
    private static ScopeSetup ScopeSetupOf(IServiceProvider provider, object? key, string name)
    {
        var registration = Named<EmbeddingRegistration>(provider, name);
        var generator = new Lazy<IEmbeddingGenerator<string, Embedding<float>>?>(
            () => registration.Create?.Invoke(provider));
        return new ScopeSetup
        {
            Options = Named<CoachRagOptions>(provider, name),
            Scopes = Named<CoachRagScopeOptions>(provider, name),
            Embeddings = new EmbeddingRegistration
            {
                Create = _ => generator.Value,
                Identity = registration.Identity,
            },
            Sources = Named<KnowledgeSources>(provider, name),
            Scanners = [.. provider.GetServices<IPassageScanner>()],
            Instruments = provider.GetRequiredService<RagInstruments>(),
            Metrics = Of<RagMetrics>(provider, key),
            Time = TimeOf(provider),
            Loggers = provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance,
        };
    }

    private static void AddOptions(IServiceCollection services, string name)
    {
        services.AddOptionsWithValidateOnStart<CoachRagOptions, CoachRagOptionsValidator>(name)
            .Configure<IServiceProvider>((options, provider) =>
            {
                // Not "?.Bind": the binder's generator does not see that call, and a trimmed host would bind by
                // reflection.
                if (OptionsSection.Find(provider, "Coach:Rag", name) is { } section)
                {
                    section.Bind(options);
                }
            });
    }

    // The container disposes what it made last first: the service, the knowledge base, the embedder, the index.
    private static void AddIndexing(IServiceCollection services, object? key, string name)
    {
        services.AddKeyedSingleton(key, (provider, _) =>
            IndexOpener.Open(
                Named<CoachRagOptions>(provider, name), TimeOf(provider), LoggerOf<IndexManager>(provider)));
        services.AddKeyedSingleton(key, (provider, _) =>
        {
            IndexManager index = Of<IndexManager>(provider, key);
            var registration = Named<EmbeddingRegistration>(provider, name);
            var generator = new GuardedEmbeddingGenerator(
                registration.Create?.Invoke(provider), registration, index.Options, TimeOf(provider), index.Store.Name,
                provider.GetService<IEmbeddingCache>());
            index.Embedder = generator.Identity;
            return generator;
        });
        services.AddKeyedSingleton(key, (provider, _) =>
            new IndexRecovery(Of<IndexManager>(provider, key), LoggerOf<IndexRecovery>(provider)));
        services.AddKeyedSingleton(key, (provider, _) =>
        {
            IndexManager index = Of<IndexManager>(provider, key);
            var registered = Named<KnowledgeSources>(provider, name);
            TimeProvider time = TimeOf(provider);
            DocumentReaders readers = registered.CreateReaders(index.Options, time);
            return new KnowledgeBase(
                index,
                Of<GuardedEmbeddingGenerator>(provider, key),
                Of<IndexRecovery>(provider, key),
                registered.Create(index.Options.Knowledge, readers, index.Options, time),
                readers,
                time,
                LoggerOf<KnowledgeBase>(provider));
        });
        services.AddKeyedSingleton(key, (provider, _) => new KnowledgeSyncService(
            Of<KnowledgeBase>(provider, key),
            Of<IndexManager>(provider, key),
            Of<IndexRecovery>(provider, key),
            TimeOf(provider),
            LoggerOf<KnowledgeSyncService>(provider)));
        services.AddKeyedSingleton<IKnowledgeBase>(key, (provider, _) => Of<KnowledgeBase>(provider, key));
        services.AddSingleton<IHostedService>(provider => Of<KnowledgeSyncService>(provider, key));
    }

    private static void AddRetrieval(IServiceCollection services, object? key, string name)
    {
        services.AddKeyedSingleton(key, (provider, _) => new SourceStatus(Of<KnowledgeBase>(provider, key)));
        services.AddKeyedSingleton(key, (provider, _) => new TierDecision(
            Of<IndexManager>(provider, key),
            Of<GuardedEmbeddingGenerator>(provider, key),
            Of<SourceStatus>(provider, key)));
        services.AddKeyedSingleton(key, (provider, _) =>
        {
            RagInstruments instruments = provider.GetRequiredService<RagInstruments>();
            var metrics = new RagMetrics(instruments, name);
            instruments.Add(new IndexGauges(
                metrics,
                Of<IndexManager>(provider, key),
                Of<TierDecision>(provider, key),
                Of<KnowledgeBase>(provider, key)));
            return metrics;
        });
        services.AddKeyedSingleton(key, (provider, _) => new Retriever(
            Of<IndexManager>(provider, key),
            Of<TierDecision>(provider, key),
            Of<KnowledgeSyncService>(provider, key),
            Of<RagMetrics>(provider, key),
            TimeOf(provider),
            LoggerOf<Retriever>(provider)));
        services.AddKeyedSingleton(key, (provider, _) => Scanned(provider, key));
        services.AddSingleton<IComponentHealth>(provider =>
            new DocumentsHealth(name, Of<IKnowledgeBase>(provider, key)));
        services.AddSingleton<IComponentHealth>(provider => new RagHealth(
            name,
            Of<Retriever>(provider, key),
            Of<IndexManager>(provider, key),
            Of<TierDecision>(provider, key),
            Of<SourceStatus>(provider, key)));
    }

    private static IRetriever Scanned(IServiceProvider provider, object? key)
    {
        Retriever retriever = Of<Retriever>(provider, key);
        IPassageScanner[] scanners = [.. provider.GetServices<IPassageScanner>()];
        return scanners.Length == 0
            ? retriever
            : new ScannedRetriever(
                retriever,
                scanners,
                Of<IndexManager>(provider, key).Options.TimeLimit,
                provider.GetRequiredService<RagInstruments>(),
                TimeOf(provider),
                LoggerOf<ScannedRetriever>(provider));
    }

    private static T Of<T>(IServiceProvider provider, object? key)
        where T : notnull => provider.GetRequiredKeyedService<T>(key);

    private static T Named<[DynamicallyAccessedMembers(
        DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] T>(
        IServiceProvider provider, string name)
        where T : class => provider.GetRequiredService<IOptionsMonitor<T>>().Get(name);

    private static TimeProvider TimeOf(IServiceProvider provider) => provider.GetRequiredService<TimeProvider>();

    private static ILogger<T> LoggerOf<T>(IServiceProvider provider) =>
        provider.GetService<ILogger<T>>() ?? NullLogger<T>.Instance;
}
