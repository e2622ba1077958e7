using System.Runtime.CompilerServices;
using Coach.Llm.Keys;
using Coach.Llm.Pipeline;
using Coach.Llm.Sessions;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Coach.Llm;

/// <summary>Goes on with the registration that <c>AddCoachLlm</c> began.</summary>
public sealed class CoachLlmBuilder
{
    internal CoachLlmBuilder(IServiceCollection services, string name, IHttpClientBuilder httpClient)
    {
        Services = services;
        Name = name;
        HttpClient = httpClient;
        Chat = new CoachChatBuilder(services);
    }

    /// <summary>
    /// The pipeline that answers a question: guards, tools, system prompt, history and stages of the host's own.
    /// </summary>
    public CoachChatBuilder Chat { get; }

    /// <summary>The host's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>The name of this registration; empty for the default one.</summary>
    public string Name { get; }

    /// <summary>
    /// The HTTP client that all providers and validators share: add handlers or a proxy here. Its primary handler keeps
    /// connections for two minutes, follows no redirects and stores no cookies. Of what the host set for all clients it
    /// drops the resilience handlers, because Coach tries again itself; one that is added here stays and multiplies.
    /// </summary>
    public IHttpClientBuilder HttpClient { get; }

    /// <summary>Adds a provider's chat client, or replaces the one that Coach brings along.</summary>
    /// <param name="name">The provider's name; compared in lower case.</param>
    /// <param name="create">Makes a session's client from the session's key. The registry disposes what it
    /// makes.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException"><paramref name="name"/> is null, empty or white space.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="create"/> is null.</exception>
    [OverloadResolutionPriority(1)]
    public CoachLlmBuilder AddProvider(string name, Func<IServiceProvider, ApiKey, IChatClient> create) =>
        AddProvider<IChatClient>(name, create);

    /// <summary>
    /// Adds a provider's chat client, such as a vendor's SDK, and puts round it what Coach's own have: the limits of
    /// session and key, telemetry, the stages of <see cref="Chat"/>, the watch over refused keys, and failures as
    /// <see cref="LlmException"/>s by the same rules. Its retries remain its own.
    /// </summary>
    /// <param name="name">The provider's name; compared in lower case. One of <see cref="ProviderNames"/> has that
    /// provider's rules for failures; others are judged by the form of the body.</param>
    /// <param name="create">Makes a session's client from the session's key. The registry disposes what it
    /// makes.</param>
    /// <param name="failure">Tells what an exception of the client's says of the provider's answer; null for one that
    /// says nothing of it. The exceptions within it are asked about in turn. No connection, time limits and unreadable
    /// JSON need not be told.</param>
    /// <param name="retry">Whether Coach tries again, and keeps its time limits and circuits, as
    /// <c>Coach:Llm:Requests</c> says; then turn the client's own retries off.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException"><paramref name="name"/> is null, empty or white space.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="create"/> or <paramref name="failure"/> is
    /// null.</exception>
    public CoachLlmBuilder AddProvider(
        string name, Func<IServiceProvider, ApiKey, IChatClient> create, Func<Exception, ProviderFailure?> failure,
        bool retry = false)
    {
        ForeignClient foreign = Foreign(name, create, failure, retry);
        return Register<IChatClient>(
            name, create, (clients, client, session, key) => clients.CreateForeign(foreign, client, session, key));
    }

    /// <summary>
    /// Adds a provider's embedding generator, such as a vendor's SDK, and puts round it what Coach's own have: the
    /// limits of session and key, telemetry, the watch over refused keys, vectors of length 1, and failures as
    /// <see cref="LlmException"/>s by the same rules. Batches and retries remain its own.
    /// </summary>
    /// <param name="name">The provider's name, as for a chat client.</param>
    /// <param name="create">Makes a session's client from the session's key. The registry disposes what it
    /// makes.</param>
    /// <param name="failure">Tells what an exception of the client's says of the provider's answer, as for a chat
    /// client.</param>
    /// <param name="retry">Whether Coach tries again, and keeps its time limits and circuits, as
    /// <c>Coach:Llm:Requests</c> says; then turn the client's own retries off.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException"><paramref name="name"/> is null, empty or white space.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="create"/> or <paramref name="failure"/> is
    /// null.</exception>
    public CoachLlmBuilder AddProvider(
        string name, Func<IServiceProvider, ApiKey, IEmbeddingGenerator<string, Embedding<float>>> create,
        Func<Exception, ProviderFailure?> failure, bool retry = false)
    {
        ForeignClient foreign = Foreign(name, create, failure, retry);
        return Register<IEmbeddingGenerator<string, Embedding<float>>>(
            name, create, (clients, client, session, key) => clients.CreateForeign(foreign, client, session, key));
    }

    /// <summary>
    /// Adds a provider's speech, and puts round it what Coach's own has: the limits of session and key, the watch over
    /// refused keys, and failures as <see cref="LlmException"/>s by the same rules, in an answer that is the text
    /// alone. Its retries remain its own.
    /// </summary>
    /// <param name="name">The provider's name, as for a chat client.</param>
    /// <param name="create">Makes a session's client from the session's key. The registry disposes what it
    /// makes.</param>
    /// <param name="failure">Tells what an exception of the client's says of the provider's answer, as for a chat
    /// client.</param>
    /// <param name="retry">Whether Coach tries again, and keeps its time limits and circuits, as
    /// <c>Coach:Llm:Requests</c> says; then turn the client's own retries off.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException"><paramref name="name"/> is null, empty or white space.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="create"/> or <paramref name="failure"/> is
    /// null.</exception>
    public CoachLlmBuilder AddProvider(
        string name, Func<IServiceProvider, ApiKey, ISpeechSynthesizer> create,
        Func<Exception, ProviderFailure?> failure, bool retry = false)
    {
        ForeignClient foreign = Foreign(name, create, failure, retry);
        return Register<ISpeechSynthesizer>(
            name, create, (clients, client, session, key) => clients.CreateForeign(foreign, client, session, key));
    }

    /// <summary>Adds a provider's client of another type, such as an embedding generator.</summary>
    /// <typeparam name="TClient">The type under which <see cref="ISessionClientRegistry"/> leases it.</typeparam>
    /// <param name="name">The provider's name; compared in lower case.</param>
    /// <param name="create">Makes a session's client from the session's key. The registry disposes what it
    /// makes.</param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException"><paramref name="name"/> is null, empty or white space.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="create"/> is null.</exception>
    public CoachLlmBuilder AddProvider<TClient>(string name, Func<IServiceProvider, ApiKey, TClient> create)
        where TClient : class
    {
        ArgumentNullException.ThrowIfNull(create);
        return Register<TClient>(name, (services, _, key, _) => ValueTask.FromResult<object>(create(services, key)));
    }

    /// <summary>Adds a provider's client whose creation waits for something.</summary>
    /// <typeparam name="TClient">The type under which <see cref="ISessionClientRegistry"/> leases it.</typeparam>
    /// <param name="name">The provider's name; compared in lower case.</param>
    /// <param name="create"> Makes a session's client. Its token is cancelled when nobody waits for the client any
    /// more, or its time limit passed.
    /// </param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException"><paramref name="name"/> is null, empty or white space.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="create"/> is null.</exception>
    public CoachLlmBuilder AddProvider<TClient>(
        string name, Func<IServiceProvider, SessionId, ApiKey, CancellationToken, Task<TClient>> create)
        where TClient : class
    {
        ArgumentNullException.ThrowIfNull(create);
        return Register<TClient>(name, async (services, session, key, cancellationToken) =>
            await create(services, session, key, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Adds key validation for a provider, or replaces the one that Coach brings along.</summary>
    /// <param name="name">The provider's name; compared in lower case.</param>
    /// <param name="validate"> Asks the provider. Its outcome is cached and shared like any other; its exceptions reach
    /// the caller, so report failures of the provider as an outcome.
    /// </param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentException"><paramref name="name"/> is null, empty or white space.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="validate"/> is null.</exception>
    public CoachLlmBuilder AddKeyValidator(
        string name, Func<IServiceProvider, ApiKey, CancellationToken, Task<KeyValidation>> validate)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(validate);
        Services.AddSingleton(new CustomKeyValidator(name.ToLowerInvariant(), validate));
        return this;
    }

    /// <summary>Keeps session keys elsewhere than in this process's memory.</summary>
    /// <param name="create"> Makes the store. It is called only with a session, never in mock mode, and never for more
    /// keys than a session may hold.
    /// </param>
    /// <returns>This builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="create"/> is null.</exception>
    public CoachLlmBuilder UseSessionKeyStore(Func<IServiceProvider, ISessionKeyStore> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        Services.Replace(ServiceDescriptor.Singleton<ISessionKeyStore>(services => new GuardedSessionKeyStore(
            create(services), services.GetRequiredService<ReplacedKeys>(),
            services.GetRequiredService<IOptions<CoachLlmOptions>>(),
            services.GetRequiredService<IOptions<CoachHostOptions>>())));
        return this;
    }

    /// <summary>For clients that also need the session, such as those that keep its limits.</summary>
    internal CoachLlmBuilder AddProvider<TClient>(
        string name, Func<IServiceProvider, SessionId, ApiKey, TClient> create)
        where TClient : class =>
        Register<TClient>(
            name, (services, session, key, _) => ValueTask.FromResult<object>(create(services, session, key)));

    private static ForeignClient Foreign(
        string name, Delegate create, Func<Exception, ProviderFailure?> failure, bool retry)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(create);
        ArgumentNullException.ThrowIfNull(failure);
        return new ForeignClient(name.ToLowerInvariant(), failure, retry);
    }

    private CoachLlmBuilder Register<TClient>(
        string name, Func<IServiceProvider, ApiKey, TClient> create,
        Func<ProviderClients, TClient, SessionId, ApiKey, TClient> wrap)
        where TClient : class =>
        Register<TClient>(name, (services, session, key, _) =>
        {
            TClient? client = create(services, key);
            return ValueTask.FromResult<object>(client is null
                ? null!
                : wrap(services.GetRequiredService<ProviderClients>(), client, session, key));
        });

    private CoachLlmBuilder Register<TClient>(string name, ClientFactory create)
        where TClient : class
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Services.AddSingleton(new ProviderRegistration(name.ToLowerInvariant(), typeof(TClient), create));
        return this;
    }
}
