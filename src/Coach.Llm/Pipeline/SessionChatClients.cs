using System.Diagnostics.Metrics;
using Coach.Llm.Pipeline;
using Coach.Llm.Sessions;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Coach.Llm;

/// <summary>
/// Joins a session's keys for several chat providers into one client that falls back from one to the next
/// (<c>Coach:Llm:Fallback</c>, <c>Coach:Llm:ChatOrder</c>). It knows no keys but the session's own: never the host's,
/// never a mock.
/// </summary>
/// <remarks>
/// Safe for concurrent use. A provider's client is leased when it is first asked and only while it answers. A provider
/// that failed is passed over by this session's later clients too, until its cool-down ends.
/// </remarks>
public sealed class SessionChatClients
{
    private const int MaxTargets = 10;

    private readonly ISessionClientRegistry _registry;
    private readonly ISessionKeyStore _keys;
    private readonly Func<string, bool> _canChat;
    private readonly FallbackOptions _options;
    private readonly string[] _order;
    private readonly FallbackServices _services;
    private readonly SessionCalls _calls;
    private readonly SessionTargetCooldowns _coolDowns;

    internal SessionChatClients(
        ISessionClientRegistry registry,
        ISessionKeyStore keys,
        ProviderFactories factories,
        IOptions<CoachLlmOptions> options,
        SessionCalls calls,
        FallbackServices services)
    {
        (_registry, _keys, _calls, _services) = (registry, keys, calls, services);
        _canChat = provider => factories.Has(provider, typeof(IChatClient));
        _options = options.Value.Fallback;
        _order = [.. options.Value.ChatOrder.Select(name => name.ToLowerInvariant()).Concat(ProviderNames.All)];
        _coolDowns = new SessionTargetCooldowns(
            services.Time, options.Value.Sessions.MaxSessions, services.Cooldowns);
    }

    /// <summary>
    /// Reads the session's keys from the <see cref="ISessionKeyStore"/> and joins those that can chat, in the
    /// configured order.
    /// </summary>
    /// <param name="session">The session.</param>
    /// <param name="cancellationToken">Ends the wait for the store.</param>
    /// <returns> The client, of at most 10 keys, to be disposed after use; null if the session holds no key of a chat
    /// provider. What it answers names the provider under <see cref="FallbackChatClient.TargetProperty"/>.
    /// </returns>
    public async ValueTask<FallbackChatClient?> OpenAsync(
        SessionId session, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<ApiKey> ordered = Order(await _keys.ListAsync(session, cancellationToken).ConfigureAwait(false));
        return ordered.Count == 0 ? null : Open(session, [.. ordered.Take(MaxTargets)]);
    }

    /// <summary>Those of the keys whose provider can chat, in the order in which they are asked.</summary>
    /// <param name="keys">A session's keys.</param>
    /// <returns>By <c>Coach:Llm:ChatOrder</c>, then as in <see cref="ProviderNames.All"/>, then other providers as
    /// given.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="keys"/> is null.</exception>
    public IReadOnlyList<ApiKey> Order(IEnumerable<ApiKey> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return [.. keys.Where(key => _canChat(key.Provider)).OrderBy(Rank)];

        int Rank(ApiKey key) => Array.IndexOf(_order, key.Provider) is >= 0 and int rank ? rank : int.MaxValue;
    }

    /// <summary>
    /// Joins keys in the order given. No client is made yet, so this takes no place among the sessions and cannot fail
    /// for want of one.
    /// </summary>
    /// <param name="session">The session to which all keys belong.</param>
    /// <param name="keys">1 to 10 keys of different providers, the preferred one first.</param>
    /// <returns>The client, to be disposed after use.</returns>
    /// <exception cref="ArgumentException">There are none or too many keys, or two for one provider.</exception>
    /// <exception cref="LlmException"><see cref="LlmError.SessionRequired"/>.</exception>
    public FallbackChatClient Open(SessionId session, IReadOnlyList<ApiKey> keys) =>
        Open(session, keys, (_, client) => client);

    // As the other, with something put round each provider's client.
    internal FallbackChatClient Open(
        SessionId session, IReadOnlyList<ApiKey> keys, Func<string, IChatClient, IChatClient> wrap)
    {
        ArgumentNullException.ThrowIfNull(keys);
        if (session.IsEmpty)
        {
            throw LlmException.SessionRequired();
        }

        ApiKey[] own = [.. keys];
        if (own.Length is 0 or > MaxTargets || own.DistinctBy(key => key.Provider).Count() < own.Length)
        {
            throw new ArgumentException($"Give 1 to {MaxTargets} keys, each for another provider.", nameof(keys));
        }

        FallbackTarget[] targets = [.. own.Select(Target)];
        return new FallbackChatClient(
            new FallbackTargets(targets, _options, _services, _coolDowns.Of(session, own)), _services.Time);

        FallbackTarget Target(ApiKey key) =>
            new(key.Provider, wrap(key.Provider, new LeasedChatClient(_registry, _calls, session, key)));
    }
}
