using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Knowledge;

internal sealed class CoachKnowledgeOptionsValidator : IValidateOptions<CoachKnowledgeOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachKnowledgeOptions options) =>
        new OptionsCheck("Coach:Knowledge", name).InRange(options.MaxUploadBytes, 1_024, 2_000_000_000).Result();
}
