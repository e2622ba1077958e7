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
    public static CoachRagBuilder AddCoachRag(this IServiceCollection services, Action<CoachRagOptions>? configure = null) =>
        Add(services, "", configure);

    /// <summary>
    /// Registers another knowledge base of its own: <see cref="IRetriever"/> and <see cref="IKnowledgeBase"/> as keyed services under
    /// the name, with options of that name from the section <c>Coach:Rag:NAME</c>.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="name">The key of the services: lower-case letters, digits and underscores, at most 32. It is shown in metrics and health.</param>
    /// <param name="configure">Changes the options after the configuration was read.</param>
    /// <returns>A builder that adds sources, an index file and embeddings to this registration alone.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> or <paramref name="name"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty, too long, or has other characters.</exception>
    public static CoachRagBuilder AddCoachRag(this IServiceCollection services, string name, Action<CoachRagOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > 32 || !name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_'))
        {
            throw new ArgumentException("A name has lower-case letters, digits and underscores, at most 32.", nameof(name));
        }

        return Add(services, name, configure);
    }

    private static CoachRagBuilder Add(IServiceCollection services, string name, Action<CoachRagOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        object? key = name.Length == 0 ? null : name;
        if (!services.Any(service => service.ServiceType == typeof(IndexManager) && Equals(service.ServiceKey, key)))
        {
            services.AddOptionsWithValidateOnStart<CoachRagOptions, CoachRagOptionsValidator>(name)
                .Configure<IServiceProvider>((options, provider) =>
                    provider.GetService<IConfiguration>()?.GetSection(name.Length == 0 ? "Coach:Rag" : "Coach:Rag:" + name).Bind(options));
            services.TryAddSingleton(TimeProvider.System);
            services.TryAddSingleton(provider => new RagInstruments(provider.GetService<IMeterFactory>()));
            services.AddKeyedSingleton(key, (provider, _) => new RagServices(provider, name));
            services.AddKeyedSingleton(key, (provider, _) => Of(provider).Index);
            services.AddKeyedSingleton(key, (provider, _) => Of(provider).Embeddings);
            services.AddKeyedSingleton<IKnowledgeBase>(key, (provider, _) => Of(provider).Knowledge);
            services.AddKeyedSingleton<IRetriever>(key, (provider, _) => Of(provider).Retriever);
            services.AddSingleton<IHostedService>(provider => Of(provider).Loader);
            services.AddSingleton<IComponentHealth>(provider => Of(provider).Health);
        }

        if (configure is not null)
        {
            services.Configure(name, configure);
        }

        return new CoachRagBuilder(services, name);

        RagServices Of(IServiceProvider provider) => provider.GetRequiredKeyedService<RagServices>(key);
    }
}
