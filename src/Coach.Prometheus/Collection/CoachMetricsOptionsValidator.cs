using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace Coach.Prometheus.Collection;

internal sealed partial class CoachMetricsOptionsValidator : IValidateOptions<CoachMetricsOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachMetricsOptions options) =>
        new OptionsCheck("Coach:Metrics", name)
            .InRange(options.MaxPageBytes, 64L * 1024, 1024L * 1024 * 1024)
            .InRange(options.ScrapeTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(5))
            .That(
                options.Prefixes.Values.All(word => word is { Length: <= 32 } && Word().IsMatch(word)),
                "Coach:Metrics:Prefixes holds a word that no metric name may begin with; "
                + "each must be 1 to 32 lower-case letters, digits and single underscores, a letter first.")
            .Result();

    [GeneratedRegex("^[a-z][a-z0-9]*(_[a-z0-9]+)*\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Word();
}
