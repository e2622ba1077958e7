using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Usage;

/// <summary>The keys that the host lends to sessions without one; none unless it said so.</summary>
internal sealed class HostPaidKeys(HostKeys keys, IOptions<CoachHostPaidOptions> options)
{
    private readonly string[] _providers =
        [.. options.Value.Providers.Select(provider => provider.ToLowerInvariant()).Distinct()];

    public IReadOnlyList<ApiKey> Keys() => _providers.Length == 0
        ? []
        : [.. _providers.SelectMany(provider => keys.For(provider).Take(1))];
}
