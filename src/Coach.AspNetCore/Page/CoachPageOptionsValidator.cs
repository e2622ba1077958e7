using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Page;

internal sealed class CoachPageOptionsValidator : IValidateOptions<CoachPageOptions>
{
    private const int MostSuggestions = 8;
    private const int LongestTitle = 40;
    private const int LongestWelcome = 300;
    private const int LongestSuggestion = 200;

    public ValidateOptionsResult Validate(string? name, CoachPageOptions options)
    {
        OptionsCheck check = new OptionsCheck("Coach:Page", name)
            .That(
                IsLine(options.Title, LongestTitle),
                $"Coach:Page:Title must be one line of 1 to {LongestTitle} characters.")
            .That(
                IsLine(options.Welcome, LongestWelcome),
                $"Coach:Page:Welcome must be one line of 1 to {LongestWelcome} characters.")
            .InRange(options.Suggestions.Count, 0, MostSuggestions, "options.Suggestions.Count");
        for (int i = 0; i < options.Suggestions.Count; i++)
        {
            check = check.That(
                IsLine(options.Suggestions[i], LongestSuggestion),
                $"Coach:Page:Suggestions:{i} must be one line of 1 to {LongestSuggestion} characters.");
        }

        return check.Result();
    }

    private static bool IsLine(string? text, int longest) =>
        text is not null && text.Length <= longest && text.Trim().Length > 0 && !text.Any(char.IsControl);
}
