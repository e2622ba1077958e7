using System.Globalization;
using System.Text.RegularExpressions;
using Memo.Configuration;

namespace Memo.Evaluation;

/// <summary>
/// Judges without a model: from what can be counted in the text. The same text and rubric give the same judgement,
/// always, and each justification says what was counted and quotes where.
/// </summary>
internal static class MockJudge
{
    private const int MaxSegments = 8;

    public static Judgement Judge(string text, Rubric rubric)
    {
        var figures = new TextFigures(text);
        var scores = new Dictionary<string, (int Score, string Justification)>(StringComparer.Ordinal);
        foreach (Criterion criterion in rubric.Criteria)
        {
            scores[criterion.Id] = Score(criterion, figures);
        }

        return new Judgement(
            Strengths(rubric, scores), Opportunities(rubric, scores), scores, Segments(text, figures));
    }

    // Which counts a criterion goes by, is read off its name: rubrics are files, and other files have other names.
    private static (int Score, string Justification) Score(Criterion criterion, TextFigures figures)
    {
        string name = $"{criterion.Id} {criterion.Name}".ToLowerInvariant();
        (double share, string seen) = name switch
        {
            _ when Has(name, "risk") => Sought(figures, TextFigures.Risks(), "speaks of risks or of what is done about them", 4),
            _ when Has(name, "feasib", "implement", "plan", "execution") =>
                Sought(figures, TextFigures.Plans(), "names steps, times or people", 5),
            _ when Has(name, "ask", "opportunit", "recommend", "call to action") =>
                Sought(figures, TextFigures.Asks(), "states a gain, or what is asked for", 4),
            _ when Has(name, "strateg", "relevan", "align") =>
                Sought(figures, TextFigures.Goals(), "ties the matter to goals or customers", 4),
            _ when Has(name, "evidence", "argument", "data") => Evidence(figures),
            _ when Has(name, "financ", "metric") => Finance(figures),
            _ when Has(name, "clarity", "style", "writing", "read", "grammar", "tone") => Clarity(figures),
            _ when Has(name, "structure", "logic", "organi", "flow") => Structure(figures),
            _ => General(figures),
        };

        // A short text cannot show much, whatever words stand in it.
        double depth = .35 + (.65 * Saturated(figures.Words, 180));
        int score = 1 + (int)Math.Round(4 * share * depth, MidpointRounding.AwayFromZero);
        return (Math.Clamp(score, 1, 5), seen);
    }

    private static bool Has(string name, params ReadOnlySpan<string> parts)
    {
        foreach (string part in parts)
        {
            if (name.Contains(part, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private static double Saturated(double value, double full) => Math.Min(1, Math.Max(0, value / full));

    private static (double Share, string Seen) Sought(TextFigures figures, Regex pattern, string what, int full)
    {
        List<TextSentence> found = figures.With(pattern);
        string seen = found.Count == 0
            ? $"No sentence {what}; the text begins with {First(figures)}."
            : $"Found in {Count(found.Count, "sentence")}: it {what}, such as {TextParts.Quote(found[0].Text)}.";
        return (Saturated(found.Count, full), seen);
    }

    private static (double Share, string Seen) Evidence(TextFigures figures)
    {
        List<TextSentence> numbers = figures.With(TextFigures.Numbers());
        List<TextSentence> sources = figures.With(TextFigures.Evidence());
        List<TextSentence> hedges = figures.With(TextFigures.Hedges());
        double share = (.5 * Saturated(numbers.Count, 5)) + (.5 * Saturated(sources.Count, 4))
            - (.3 * Saturated(hedges.Count, 6));
        TextSentence[] first = [.. numbers.Concat(sources).Concat(hedges).Take(1)];
        string where = first.Length == 0 ? First(figures) : TextParts.Quote(first[0].Text);
        return (share,
            $"{Count(numbers.Count, "sentence")} with figures, {sources.Count} with sources or tests, {hedges.Count} that "
            + $"hedge, such as {where}.");
    }

    private static (double Share, string Seen) Finance(TextFigures figures)
    {
        List<TextSentence> money = figures.With(TextFigures.Finance());
        (double clarity, string seen) = Clarity(figures);
        string where = money.Count == 0
            ? "No sentence speaks of money."
            : $"{Count(money.Count, "sentence")} of money, such as {TextParts.Quote(money[0].Text)}.";
        return ((.5 * Saturated(money.Count, 4)) + (.5 * clarity), $"{where} {seen}");
    }

    private static (double Share, string Seen) Clarity(TextFigures figures)
    {
        double length = figures.WordsPerSentence;
        double fit = length switch
        {
            0 => 0,
            < 8 => .6,
            <= 20 => 1,
            _ => Math.Max(.1, 1 - ((length - 20) / 20)),
        };
        List<TextSentence> hedges = figures.With(TextFigures.Hedges());
        TextSentence longest = figures.Sentences.OrderByDescending(sentence => sentence.Words).FirstOrDefault();
        string where = longest.Text is null ? First(figures) : TextParts.Quote(longest.Text);
        string average = length.ToString("0.#", CultureInfo.InvariantCulture);
        return (Math.Max(0, fit - (.25 * Saturated(hedges.Count, 5))),
            $"Sentences have {average} words on average, {hedges.Count} hedge; the longest is {where}.");
    }

    private static (double Share, string Seen) Structure(TextFigures figures)
    {
        List<TextSentence> links = figures.With(TextFigures.Links());
        double share = (.55 * Saturated(figures.Paragraphs, 5)) + (.45 * Saturated(links.Count, 5));
        string where = links.Count == 0 ? First(figures) : TextParts.Quote(links[0].Text);
        return (share,
            $"{Count(figures.Paragraphs, "paragraph")}, {Count(links.Count, "sentence")} that link or list, such as {where}.");
    }

    private static (double Share, string Seen) General(TextFigures figures)
    {
        (double structure, _) = Structure(figures);
        (double evidence, _) = Evidence(figures);
        (double clarity, _) = Clarity(figures);
        return ((structure + evidence + clarity) / 3,
            $"{Count(figures.Words, "word")} in {Count(figures.Paragraphs, "paragraph")}, beginning with {First(figures)}.");
    }

    private static string First(TextFigures figures)
    {
        TextSentence first = figures.Sentences.Concat(figures.All).FirstOrDefault();
        return first.Text is null ? "nothing" : TextParts.Quote(first.Text);
    }

    private static string Count(int count, string noun) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {noun}{(count == 1 ? "" : "s")}");

    private static List<string> Strengths(Rubric rubric, Dictionary<string, (int Score, string Justification)> scores) =>
    [
        .. rubric.Criteria
            .Where(criterion => scores[criterion.Id].Score >= 4)
            .OrderByDescending(criterion => scores[criterion.Id].Score)
            .Take(4)
            .Select(criterion => $"{criterion.Name}: {scores[criterion.Id].Justification}"),
    ];

    private static List<string> Opportunities(Rubric rubric, Dictionary<string, (int Score, string Justification)> scores) =>
    [
        .. rubric.Criteria
            .Where(criterion => scores[criterion.Id].Score <= 3)
            .OrderBy(criterion => scores[criterion.Id].Score)
            .Take(4)
            .Select(criterion => $"{criterion.Name}: the next level is “{Next(criterion, scores[criterion.Id].Score)}”"),
    ];

    private static string Next(Criterion criterion, int score) => criterion.Levels[Math.Min(score, 4)];

    private static List<QuotedSegment> Segments(string text, TextFigures figures)
    {
        var segments = new List<QuotedSegment>();
        foreach ((int start, int length) in TextParts.Paragraphs(text))
        {
            TextSentence[] own = [.. figures.Sentences.Where(
                sentence => sentence.Start >= start && sentence.Start < start + length)];
            if (own.Length > 0 && segments.Count < MaxSegments)
            {
                segments.Add(Comment(text.Substring(start, length), own));
            }
        }

        return segments;
    }

    private static QuotedSegment Comment(string paragraph, TextSentence[] sentences)
    {
        TextSentence? hedge = FirstWith(sentences, TextFigures.Hedges());
        TextSentence? number = FirstWith(sentences, TextFigures.Numbers());
        TextSentence longest = sentences.MaxBy(sentence => sentence.Words);
        return (hedge, number, longest.Words) switch
        {
            ({ } soft, _, _) => new QuotedSegment(
                paragraph, $"This part hedges: {TextParts.Quote(soft.Text)}.",
                ["What do you know for certain here, and what do you assume?"],
                ["State what is known as a fact, and name the assumption as one."]),
            (_, _, > 30) => new QuotedSegment(
                paragraph, $"One sentence has {longest.Words} words: {TextParts.Quote(longest.Text)}.",
                ["Which one thought should the reader take from it?"],
                ["Split the sentence, and put its main thought first."]),
            (_, { } figure, _) => new QuotedSegment(
                paragraph, $"A figure carries this part: {TextParts.Quote(figure.Text)}.",
                ["Where does the figure come from, and what would change it?"],
                ["Name the source beside the figure."]),
            _ => new QuotedSegment(
                paragraph, $"This part claims without a figure: {TextParts.Quote(sentences[0].Text)}.",
                ["What would convince a reader who doubts this?"],
                ["Add a figure, an example or a source."]),
        };
    }

    private static TextSentence? FirstWith(TextSentence[] sentences, Regex pattern)
    {
        foreach (TextSentence sentence in sentences)
        {
            if (pattern.IsMatch(sentence.Text))
            {
                return sentence;
            }
        }

        return null;
    }
}
