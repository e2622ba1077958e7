using System.Collections.Concurrent;
using Coach.Llm.Core;
using Coach.Llm.Providers;
using Coach.Llm.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Coach.Llm.Resilience;

/// <summary>The policies of a host: one per provider and key class.</summary>
internal sealed class ProviderResilience(
    IServiceProvider services, HostKeys hostKeys, LlmRequestOptions options, TimeProvider time,
    LlmTelemetry telemetry)
{
    private readonly ConcurrentDictionary<(string Provider, KeyOwnership KeyOwnership),
    Lazy<ResiliencePolicy>> _policies = new();
    private readonly ResilienceServices _shared = new(
        time,
        new JitterSource(services.GetService<Random>()),
        telemetry,
        services.GetService<ILoggerFactory>()?.CreateLogger("Coach.Llm") ?? NullLogger.Instance,
        services.GetService<ICooldownStore>());

    /// <summary>The policies in use so far.</summary>
    public IEnumerable<ResiliencePolicy> Used =>
        _policies.Values.Where(policy => policy.IsValueCreated).Select(policy => policy.Value);

    public ResiliencePolicy For(string provider, ApiKey key) => For(provider, ClassOf(provider, key));

    public ResiliencePolicy For(string provider, KeyOwnership keyClass) =>
        _policies.GetOrAdd((provider, keyClass), id => new Lazy<ResiliencePolicy>(
        () => new ResiliencePolicy(id.Provider, id.KeyOwnership, options, _shared))).Value;

    private KeyOwnership ClassOf(string provider, ApiKey key) =>
        key.Provider == provider && hostKeys.Owns(key) ? KeyOwnership.Platform : KeyOwnership.User;
}
