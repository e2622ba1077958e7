using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Chat;

internal sealed class CoachChatOptionsValidator : IValidateOptions<CoachChatOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachChatOptions options) =>
        new OptionsCheck("Coach:Chat", name)
        .InRange(options.MaxMessageLength, 1, 60_000)
        .Result();
}
