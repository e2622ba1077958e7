using System.Diagnostics.Metrics;
using Coach.Abstractions;
using Coach.Rag;
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
    /// Registers <see cref="IRetriever"/> and <see cref="IKnowledgeBase"/>, reads the section <c>Coach:Rag</c>, and reads the
    /// documents in the background once the host has started.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Changes the options after the configuration was read.</param>
    /// <returns>A builder that adds sources, an index file and embeddings.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static CoachRagBuilder AddCoachRag(this IServiceCollection services, Action<CoachRagOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        bool isNew = !services.Any(service => service.ServiceType == typeof(RagIndex));
        if (isNew)
        {
            services.AddOptionsWithValidateOnStart<CoachRagOptions, CoachRagOptionsValidator>()
                .Configure<IServiceProvider>((options, provider) => provider.GetService<IConfiguration>()?.GetSection("Coach:Rag").Bind(options));
            services.TryAddSingleton(TimeProvider.System);
            services.AddSingleton(CreateIndex);
            services.AddSingleton(CreateEmbeddings);
            services.AddSingleton(provider => new RagParts(provider.GetRequiredService<IOptions<KnowledgeSources>>().Value.Create(Options(provider))));
            services.AddSingleton(provider => new KnowledgeBase(provider.GetRequiredService<RagIndex>(), provider.GetRequiredService<EmbeddingArm>(), Options(provider),
                provider.GetRequiredService<RagParts>().Sources, provider.GetRequiredService<TimeProvider>(), LoggerFor<KnowledgeBase>(provider)));
            services.AddSingleton<IKnowledgeBase>(provider => provider.GetRequiredService<KnowledgeBase>());
            services.AddSingleton(provider => new KnowledgeLoader(provider.GetRequiredService<KnowledgeBase>(), provider.GetRequiredService<RagIndex>(),
                provider.GetRequiredService<RagParts>().Sources, Options(provider), provider.GetRequiredService<TimeProvider>(),
                LoggerFor<KnowledgeLoader>(provider)));
            services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<KnowledgeLoader>());
            services.AddSingleton(provider => new RagMetrics(provider.GetService<IMeterFactory>(), provider.GetRequiredService<RagIndex>(),
                () => provider.GetRequiredService<IRetriever>().Tier));
            services.AddSingleton<IRetriever>(provider => new Retriever(provider.GetRequiredService<RagIndex>(),
                provider.GetRequiredService<KnowledgeLoader>(), provider.GetRequiredService<EmbeddingArm>(), Options(provider), provider.GetRequiredService<RagMetrics>(),
                provider.GetRequiredService<TimeProvider>(), LoggerFor<Retriever>(provider)));
            services.AddSingleton<IComponentHealth>(provider => new RagHealth(provider.GetRequiredService<IRetriever>(), Options(provider)));
        }

        if (configure is not null)
        {
            services.Configure(configure);
        }

        return new CoachRagBuilder(services, "");
    }

    private static RagIndex CreateIndex(IServiceProvider provider)
    {
        string? path = Options(provider).IndexFile;
        return new RagIndex(Store(provider), Options(provider), string.IsNullOrWhiteSpace(path) ? null : () =>
        {
            FileIndexStore.SetAside(path);
            return Store(provider);
        });
    }

    private static EmbeddingArm CreateEmbeddings(IServiceProvider provider)
    {
        EmbeddingSetup setup = provider.GetRequiredService<IOptions<EmbeddingSetup>>().Value;
        var arm = new EmbeddingArm(setup.Create?.Invoke(provider), setup, Options(provider), provider.GetRequiredService<TimeProvider>());
        provider.GetRequiredService<RagIndex>().Embedder = arm.Identity;
        return arm;
    }

    private static CoachRagOptions Options(IServiceProvider provider) => provider.GetRequiredService<IOptions<CoachRagOptions>>().Value;

    private static ILogger<T> LoggerFor<T>(IServiceProvider provider) => provider.GetService<ILogger<T>>() ?? NullLogger<T>.Instance;

    // A file that cannot be read is kept beside the new one: the sources fill that again. Without a file that can be written, memory serves.
    private static IIndexStore Store(IServiceProvider provider)
    {
        string? path = Options(provider).IndexFile;
        if (string.IsNullOrWhiteSpace(path))
        {
            return new MemoryIndexStore();
        }

        ILogger logger = LoggerFor<RagIndex>(provider);
        var fileOptions = new IndexFileOptions { Time = provider.GetRequiredService<TimeProvider>() };
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            return new FileIndexStore(path, fileOptions);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.IndexInMemory(Path.GetFileName(path), RagError.IndexUnavailable);
        }
        catch (RagException e) when (e.Error == RagError.IndexCorrupt)
        {
            try
            {
                FileIndexStore.SetAside(path, fileOptions);
                logger.IndexSetAside(Path.GetFileName(path));
                return new FileIndexStore(path, fileOptions);
            }
            catch (RagException second)
            {
                logger.IndexInMemory(Path.GetFileName(path), second.Error);
            }
        }
        catch (RagException e)
        {
            logger.IndexInMemory(Path.GetFileName(path), e.Error);
        }

        return new MemoryIndexStore();
    }
}

/// <summary>What the parts of one registration share.</summary>
internal sealed record RagParts(IReadOnlyList<KnowledgeSource> Sources);
