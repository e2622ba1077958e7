using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Coach.Prometheus.Collection;

/// <summary>Binds <c>Coach:Metrics</c> where the host has a configuration.</summary>
internal sealed class CoachMetricsOptionsBinding(IServiceProvider services) : IConfigureOptions<CoachMetricsOptions>
{
    public void Configure(CoachMetricsOptions options) =>
        OptionsSection.Find(services, "Coach:Metrics")?.Bind(options);
}
