using Coach.Observability;
using Coach.Prometheus;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Metrics;

/// <summary>Gives Coach's own metrics the first word of <see cref="CoachObservabilityOptions.MetricPrefix"/>.</summary>
internal sealed class MetricPrefix(IOptions<CoachObservabilityOptions> options) : IConfigureOptions<CoachMetricsOptions>
{
    public void Configure(CoachMetricsOptions page)
    {
        if (options.Value.MetricPrefix != "coach")
        {
            page.Prefixes["coach"] = options.Value.MetricPrefix;
        }
    }
}
