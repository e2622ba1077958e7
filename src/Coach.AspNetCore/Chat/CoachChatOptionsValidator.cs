using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Chat;

internal sealed class CoachChatOptionsValidator : IValidateOptions<CoachChatOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachChatOptions options) =>
        new OptionsCheck("Coach:Chat", name)
        .InRange(options.MaxMessageLength, 1, 60_000)
        .InRange(options.MaxFiles, 0, 20)
        .InRange(options.MaxFileBytes, 1024, 20 * 1024 * 1024)
        .Result();
}
