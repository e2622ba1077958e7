using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace Coach.Observability.Configuration;

internal sealed partial class CoachObservabilityOptionsValidator : IValidateOptions<CoachObservabilityOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachObservabilityOptions options) =>
        new OptionsCheck("Coach:Observability", name)
            .That(options.MetricPrefix is { Length: <= 32 } prefix && Prefix().IsMatch(prefix),
                $"Coach:Observability:MetricPrefix is {options.MetricPrefix}; it must be 1 to 32 lower-case letters, "
                + "digits and single underscores, a letter first.")
            .InRange(options.ReadingMaxAge, TimeSpan.Zero, TimeSpan.FromMinutes(1))
            .InRange(options.MemoryPressureThreshold, 0.1, 0.95)
            .InRange(options.MemoryPressureWarningInterval, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1))
            .InRange(options.HealthTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1))
            .InRange(options.HealthMaxAge, TimeSpan.Zero, TimeSpan.FromMinutes(10))
            .InRange(options.Port ?? 1, 1, 65_535, "options.Port")
            .That(Path.IsPathRooted(options.FileSystemRoot ?? ""),
                $"Coach:Observability:FileSystemRoot is {options.FileSystemRoot}; it must be an absolute path.")
            .That(
                options.BuildVersion is null or { Length: <= 128 },
                "Coach:Observability:BuildVersion is too long; it must have at most 128 characters.")
            .That(
                options.BuildCommit is null or { Length: <= 128 },
                "Coach:Observability:BuildCommit is too long; it must have at most 128 characters.")
            .Result();

    [GeneratedRegex("^[a-z][a-z0-9]*(_[a-z0-9]+)*\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Prefix();
}
