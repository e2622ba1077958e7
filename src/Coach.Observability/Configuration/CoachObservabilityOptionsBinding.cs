using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Coach.Observability.Configuration;

/// <summary>Binds <c>Coach:Observability</c> where the host has a configuration.</summary>
internal sealed class CoachObservabilityOptionsBinding(
    IServiceProvider services) : IConfigureOptions<CoachObservabilityOptions>
{
    public void Configure(CoachObservabilityOptions options)
    {
        // Not "?.Bind": the binder's generator does not see that call, and a trimmed host would bind by reflection.
        if (OptionsSection.Find(services, "Coach:Observability") is { } section)
        {
            section.Bind(options);
        }
    }
}
