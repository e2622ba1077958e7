using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore;

/// <summary>Binds <c>Coach:Metrics</c> where the host has a configuration.</summary>
internal sealed class CoachMetricsOptionsBinding(IServiceProvider services) : IConfigureOptions<CoachMetricsOptions>
{
    public void Configure(CoachMetricsOptions options) => services.GetService<IConfiguration>()?.GetSection("Coach:Metrics").Bind(options);
}
