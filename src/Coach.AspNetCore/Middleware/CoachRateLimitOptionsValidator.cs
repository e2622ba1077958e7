using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Middleware;

internal sealed class CoachRateLimitOptionsValidator : IValidateOptions<CoachRateLimitOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachRateLimitOptions options) =>
        new OptionsCheck("Coach:RateLimits", name)
            .InRange(options.SessionBurst, 1, 100_000)
            .InRange(options.SessionPerMinute, 1, 1_000_000)
            .InRange(options.AddressBurst, 1, 1_000_000)
            .InRange(options.AddressPerMinute, 1, 1_000_000)
            .InRange(options.LinksBurst, 1, 100_000)
            .InRange(options.LinksPerMinute, 1, 1_000_000)
            .InRange(options.KeyChecksPerMinute, 1, 100_000)
            .Result();
}
