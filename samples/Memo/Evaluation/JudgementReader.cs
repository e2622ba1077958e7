using System.Text.Json;
using Memo.Configuration;

namespace Memo.Evaluation;

/// <summary>A model's answer to a judgement: all that the schema asks for, and nothing else.</summary>
internal static class JudgementReader
{
    private const int MaxItems = 100;

    /// <returns>The judgement, or what is wrong with the answer, in words for the model.</returns>
    public static (Judgement? Judgement, string? Problem) Read(string answer, Rubric rubric)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(Json(answer));
            JsonElement root = document.RootElement;
            Exactly(root, "strengths", "opportunities", "scores", "segments");
            JsonElement scores = root.GetProperty("scores");
            Exactly(scores, [.. rubric.Criteria.Select(criterion => criterion.Id)]);
            var read = new Dictionary<string, (int Score, string Justification)>(StringComparer.Ordinal);
            foreach (Criterion criterion in rubric.Criteria)
            {
                JsonElement score = scores.GetProperty(criterion.Id);
                Exactly(score, "score", "justification");
                read[criterion.Id] = (Score(score.GetProperty("score")), Text(score.GetProperty("justification")));
            }

            return (new Judgement(
                Texts(root.GetProperty("strengths")), Texts(root.GetProperty("opportunities")), read,
                [.. Items(root.GetProperty("segments")).Select(Segment)]), null);
        }
        catch (JsonException)
        {
            return (null, "The answer is not JSON.");
        }
        catch (FormatException exception)
        {
            return (null, exception.Message);
        }
    }

    // Models like to put a fence round their JSON.
    private static string Json(string answer)
    {
        string text = answer.Trim();
        if (!text.StartsWith("```", StringComparison.Ordinal))
        {
            return text;
        }

        int begin = text.IndexOf('\n', StringComparison.Ordinal);
        int end = text.LastIndexOf("```", StringComparison.Ordinal);
        return begin > 0 && end > begin ? text[begin..end] : text;
    }

    private static QuotedSegment Segment(JsonElement segment)
    {
        Exactly(segment, "quote", "comment", "questions", "suggestions");
        return new QuotedSegment(
            Text(segment.GetProperty("quote")), Text(segment.GetProperty("comment")),
            Texts(segment.GetProperty("questions")), Texts(segment.GetProperty("suggestions")));
    }

    private static void Exactly(JsonElement element, params string[] names)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"An object with {string.Join(", ", names)} was expected.");
        }

        string[] given = [.. element.EnumerateObject().Select(member => member.Name)];
        if (given.Length != names.Length || given.Except(names).Any())
        {
            throw new FormatException($"An object must have exactly these members: {string.Join(", ", names)}.");
        }
    }

    private static int Score(JsonElement element) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int score) && score is >= 1 and <= 5
            ? score
            : throw new FormatException("A score must be a whole number from 1 to 5.");

    private static string Text(JsonElement element) => element.ValueKind == JsonValueKind.String
        ? element.GetString()!
        : throw new FormatException("A text was expected.");

    private static List<string> Texts(JsonElement element) => [.. Items(element).Select(Text)];

    private static IEnumerable<JsonElement> Items(JsonElement element) =>
        element.ValueKind == JsonValueKind.Array && element.GetArrayLength() <= MaxItems
            ? element.EnumerateArray()
            : throw new FormatException($"A list of at most {MaxItems} items was expected.");
}
