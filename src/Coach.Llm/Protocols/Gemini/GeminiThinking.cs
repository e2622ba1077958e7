using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.Gemini;

/// <summary>
/// How much a Gemini model is to think. The families before 3 know a budget of tokens, the later ones a level; each
/// refuses the other's field. A name without a version, such as <c>gemini-flash-latest</c>, is of the newest family.
/// </summary>
internal static class GeminiThinking
{
    private const double FirstWithThinking = 2.5;
    private const double FirstWithLevels = 3;
    private const double FirstWithoutMinimal = 3.6;

    public static void Write(Utf8JsonWriter writer, string model, ReasoningEffort? effort, bool isShown)
    {
        double version = VersionOf(model);
        if (version < FirstWithThinking || (effort is null && !isShown))
        {
            return;
        }

        bool isPro = model.Contains("pro", StringComparison.OrdinalIgnoreCase);
        writer.WriteStartObject("thinkingConfig");
        if (version < FirstWithLevels)
        {
            if (Budget(effort, isPro) is { } budget)
            {
                writer.WriteNumber("thinkingBudget", budget);
            }
        }
        else if (Level(effort, isPro || version >= FirstWithoutMinimal) is { } level)
        {
            writer.WriteString("thinkingLevel", level);
        }

        writer.WriteBoolean("includeThoughts", isShown);
        writer.WriteEndObject();
    }

    private static string? Level(ReasoningEffort? effort, bool isWithoutMinimal) => effort switch
    {
        ReasoningEffort.None => isWithoutMinimal ? "LOW" : "MINIMAL",
        ReasoningEffort.Low => "LOW",
        ReasoningEffort.Medium => "MEDIUM",
        ReasoningEffort.High or ReasoningEffort.ExtraHigh => "HIGH",
        _ => null,
    };

    // The least that Pro takes is 128, and the most that Flash takes is 24,576.
    private static int? Budget(ReasoningEffort? effort, bool isPro) => effort switch
    {
        ReasoningEffort.None => isPro ? 128 : 0,
        ReasoningEffort.Low => 1024,
        ReasoningEffort.Medium => 8192,
        ReasoningEffort.High => 24_576,
        ReasoningEffort.ExtraHigh => isPro ? 32_768 : 24_576,
        _ => null,
    };

    private static double VersionOf(string model)
    {
        const string Family = "gemini-";
        int at = model.IndexOf(Family, StringComparison.OrdinalIgnoreCase);
        if (at < 0)
        {
            return double.MaxValue;
        }

        string digits = new([.. model.Skip(at + Family.Length).TakeWhile(c => char.IsAsciiDigit(c) || c == '.')]);
        const NumberStyles Style = NumberStyles.AllowDecimalPoint;
        return double.TryParse(digits.TrimEnd('.'), Style, CultureInfo.InvariantCulture, out double version)
            ? version
            : double.MaxValue;
    }
}
