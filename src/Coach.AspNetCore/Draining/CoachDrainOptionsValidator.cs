using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Draining;

internal sealed class CoachDrainOptionsValidator : IValidateOptions<CoachDrainOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachDrainOptions options) =>
        new OptionsCheck("Coach", name).InRange(options.Drain, TimeSpan.Zero, TimeSpan.FromSeconds(20)).Result();
}
