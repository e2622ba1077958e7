using Microsoft.Extensions.Options;

namespace Coach.AspNetCore;

internal sealed class CoachMetricsOptionsValidator : IValidateOptions<CoachMetricsOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachMetricsOptions options) =>
        new OptionsCheck("Coach:Metrics", name)
            .InRange(options.MaxPageBytes, 64L * 1024, 1024L * 1024 * 1024)
            .InRange(options.ScrapeTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(5))
            .Result();
}
