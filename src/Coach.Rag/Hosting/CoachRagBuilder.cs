using System.Diagnostics.CodeAnalysis;
using Coach.Rag.Analysis;
using Coach.Rag.Documents;
using Coach.Rag.Vectors;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Coach.Rag;

/// <summary>Adds to a registration of Coach.Rag.</summary>
public sealed class CoachRagBuilder
{
    internal CoachRagBuilder(IServiceCollection services, string name)
    {
        Services = services;
        Name = name;
    }

    /// <summary>The host's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>The registration's name; empty for the default one.</summary>
    public string Name { get; }

    /// <summary>Keeps the index in a file.</summary>
    /// <param name="path">The file's path; it is made when it does not exist.</param>
    /// <returns>The same builder.</returns>
    public CoachRagBuilder UseIndexFile(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        Services.Configure<CoachRagOptions>(Name, options => options.IndexFile = path);
        return this;
    }

    /// <summary>Adds dense retrieval: vectors of an embedding generator.</summary>
    /// <param name="generator">The generator; passages and questions are sent to it.</param>
    /// <param name="identity">
    /// What the index remembers the generator by; its provider, model and dimension (of a model folder its content,
    /// too) unless given.
    /// </param>
    /// <returns>The same builder.</returns>
    public CoachRagBuilder UseEmbeddings(
        IEmbeddingGenerator<string, Embedding<float>> generator, string? identity = null)
    {
        ArgumentNullException.ThrowIfNull(generator);
        return UseEmbeddings(_ => generator, identity);
    }

    /// <summary>Adds dense retrieval: vectors of an embedding generator that is made when it is first needed.</summary>
    /// <param name="factory">Makes the generator; null when there is none, for example for want of a key.</param>
    /// <param name="identity">
    /// What the index remembers the generator by; its provider, model and dimension (of a model folder its content,
    /// too) unless given.
    /// </param>
    /// <returns>The same builder.</returns>
    public CoachRagBuilder UseEmbeddings(
        Func<IServiceProvider, IEmbeddingGenerator<string, Embedding<float>>?> factory, string? identity = null)
    {
        ArgumentNullException.ThrowIfNull(factory);
        Services.Configure<EmbeddingRegistration>(Name, setup =>
        {
            setup.Create = factory;
            setup.Identity = identity;
        });
        return this;
    }

    /// <summary>
    /// Puts a reader before those that are there. It takes the files that it knows; <c>Coach.Rag.Documents</c> adds
    /// those
    /// of office formats.
    /// </summary>
    /// <param name="reader">The reader.</param>
    /// <returns>The same builder.</returns>
    public CoachRagBuilder WithReader(IDocumentReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        Services.Configure<KnowledgeSources>(Name, sources => sources.Readers.Insert(0, reader));
        return this;
    }

    /// <summary>Reads the files of a folder that a reader takes: text, Markdown and HTML without further
    /// ones.</summary>
    /// <param name="folder">The folder's path.</param>
    /// <returns>The same builder.</returns>
    public CoachRagBuilder WithSource(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        Services.Configure<KnowledgeSources>(Name, sources => sources.Folders.Add(folder));
        return this;
    }

    /// <summary>Reads a source of the app's own.</summary>
    /// <param name="source">The source.</param>
    /// <returns>The same builder.</returns>
    public CoachRagBuilder WithSource(KnowledgeSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        Services.Configure<KnowledgeSources>(Name, sources => sources.Others.Add(source));
        return this;
    }

    /// <summary>
    /// Keeps documents by scope: one index file for each tenant, user, session or name, opened at run time by
    /// <see cref="IKnowledgeBases"/>. There is no <see cref="IRetriever"/> and no <see cref="IKnowledgeBase"/> without
    /// a scope then: what takes one fails when the host starts, or when it is resolved.
    /// </summary>
    /// <param name="folder">The folder of the index files; it is made when the first scope is opened.</param>
    /// <param name="configure">Changes the options after the configuration was read.</param>
    /// <returns>The same builder.</returns>
    public CoachRagBuilder WithScopes(string folder, Action<CoachRagScopeOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        WithScopes(options => options.Folder = folder);
        return configure is null ? this : WithScopes(configure);
    }

    /// <summary>
    /// As <see cref="WithScopes(string, Action{CoachRagScopeOptions}?)"/>, with the folder from the configuration or
    /// the options.
    /// </summary>
    /// <param name="configure">Changes the options after the configuration was read.</param>
    /// <returns>The same builder.</returns>
    public CoachRagBuilder WithScopes(Action<CoachRagScopeOptions>? configure = null)
    {
        CoachRagServiceCollectionExtensions.KeepByScope(Services, Name);
        if (configure is not null)
        {
            Services.Configure(Name, configure);
        }

        return this;
    }

    /// <summary>Reads a source of the app's own that is made of the host's services.</summary>
    /// <param name="create">Makes the source.</param>
    /// <returns>The same builder.</returns>
    public CoachRagBuilder WithSource(Func<IServiceProvider, KnowledgeSource> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        Services.AddOptions<KnowledgeSources>(Name).Configure<IServiceProvider>(
            (sources, provider) => sources.Others.Add(create(provider)));
        return this;
    }

    /// <summary>Adds fixed documents.</summary>
    /// <param name="documents">The documents.</param>
    /// <returns>The same builder.</returns>
    public CoachRagBuilder WithDocuments(params IEnumerable<KnowledgeDocument> documents)
    {
        ArgumentNullException.ThrowIfNull(documents);
        Services.Configure<KnowledgeSources>(Name, sources =>
            sources.Others.Add(
                KnowledgeSource.FromDocuments($"{KnowledgeSources.ListPrefix}{sources.Others.Count}", documents)));
        return this;
    }

    /// <summary>
    /// Adds a language beside English: documents and questions in it are met by the stems of their words. An index that
    /// was made without it is made again from its stored text when the host starts.
    /// </summary>
    /// <param name="language">The language; one of the same code that was added before gives way.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentException">
    /// Its code is not two small letters, is <c>en</c>, or its algorithm's name is not as stated.
    /// </exception>
    public CoachRagBuilder WithLanguage(ILanguageAnalyzer language)
    {
        ArgumentNullException.ThrowIfNull(language);
        TextAnalysis.Check(language);
        Services.Configure<CoachRagOptions>(Name, options => options.Add(language));
        return this;
    }

    /// <summary>
    /// Adds a scanner of passages, asked after those added before it, by every registration of the host.
    /// </summary>
    /// <typeparam name="TScanner">Its type, made once from the host's services.</typeparam>
    /// <returns>The same builder.</returns>
    public CoachRagBuilder WithScanner<[DynamicallyAccessedMembers(
        DynamicallyAccessedMemberTypes.PublicConstructors)] TScanner>()
        where TScanner : class, IPassageScanner
    {
        Services.TryAddEnumerable(ServiceDescriptor.Singleton<IPassageScanner, TScanner>());
        return this;
    }
}
