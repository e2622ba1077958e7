using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Coach.Observability.Configuration;

/// <summary>Binds <c>Coach:Observability</c> where the host has a configuration.</summary>
internal sealed class CoachObservabilityOptionsBinding(
    IServiceProvider services) : IConfigureOptions<CoachObservabilityOptions>
{
    public void Configure(CoachObservabilityOptions options) =>
        OptionsSection.Find(services, "Coach:Observability")?.Bind(options);
}
