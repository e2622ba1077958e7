using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Chat;

internal sealed class CoachChatOptionsValidator : IValidateOptions<CoachChatOptions>
{
    public ValidateOptionsResult Validate(string? name, CoachChatOptions options) =>
        new OptionsCheck("Coach:Chat", name)
        .InRange(options.MaxMessageLength, 1, 60_000)
        .InRange(options.HistoryTurns, 0, 100)
        .InRange(options.MaxHistoryLength, 0, 1_000_000)
        .InRange(options.MaxConversations, 1, 1_000_000)
        .InRange(options.HistoryLifetime, TimeSpan.FromMinutes(1), TimeSpan.FromHours(24))
        .Result();
}
