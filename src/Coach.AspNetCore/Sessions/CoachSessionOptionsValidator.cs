using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Sessions;

internal sealed class CoachSessionOptionsValidator : IValidateOptions<CoachSessionOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachSessionOptions options) =>
        new OptionsCheck("Coach:Session", name)
            .Present(options.CookieName)
            .Present(options.ApplicationName)
            .InRange(options.AbsoluteLifetime, TimeSpan.FromMinutes(1), TimeSpan.FromDays(30))
            .InRange(options.Share, 0.001, 1)
            .Result();
}
