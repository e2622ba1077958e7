using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Coach.Prometheus.Collection;

/// <summary>Binds <c>Coach:Metrics</c> where the host has a configuration.</summary>
internal sealed class CoachMetricsOptionsBinding(IServiceProvider services) : IConfigureOptions<CoachMetricsOptions>
{
    public void Configure(CoachMetricsOptions options)
    {
        // Not "?.Bind": the binder's generator does not see that call, and a trimmed host would bind by reflection.
        if (OptionsSection.Find(services, "Coach:Metrics") is { } section)
        {
            section.Bind(options);
        }
    }
}
