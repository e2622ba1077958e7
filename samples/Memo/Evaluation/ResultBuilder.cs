using Memo.Configuration;

namespace Memo.Evaluation;

/// <summary>A judgement, checked against the text and completed by the host.</summary>
internal static class ResultBuilder
{
    private const int MaxSegments = 50;

    public static EvaluationResult Build(string text, Rubric rubric, Judgement judgement)
    {
        CriterionScore[] scores =
        [
            .. rubric.Criteria.Select(criterion => new CriterionScore(
                criterion.Id, criterion.Name, criterion.Weight, judgement.Scores[criterion.Id].Score,
                judgement.Scores[criterion.Id].Justification)),
        ];
        (List<Segment> segments, int dropped) = Place(text, judgement.Segments);
        TextSentence[] instructions = [.. TextParts.Sentences(text).Where(sentence => sentence.IsInstruction)];
        var opportunities = judgement.Opportunities.ToList();
        if (instructions.Length > 0)
        {
            opportunities.Add(
                $"A passage speaks to the judge instead of to the reader: {TextParts.Quote(instructions[0].Text)}. "
                + "It was not followed; remove it.");
            segments.AddRange(instructions.Take(10).Select(sentence => new Segment(
                sentence.Start, sentence.Length, "This passage speaks to the judge. It was not followed.",
                ["What is this passage to tell your reader?"], ["Remove it."])));
        }

        return new EvaluationResult(
            rubric.Overall(scores), judgement.Strengths, opportunities, scores,
            [.. segments.OrderBy(segment => segment.Start).ThenBy(segment => segment.Length)], dropped);
    }

    // A quote counts where it stands word for word; one that occurs twice is placed once after the other.
    private static (List<Segment> Segments, int Dropped) Place(string text, IReadOnlyList<QuotedSegment> quoted)
    {
        var segments = new List<Segment>();
        var next = new Dictionary<string, int>(StringComparer.Ordinal);
        int dropped = 0;
        foreach (QuotedSegment segment in quoted)
        {
            string quote = segment.Quote.Trim();
            int start = quote.Length == 0
                ? -1
                : text.IndexOf(quote, Math.Min(text.Length, next.GetValueOrDefault(quote)), StringComparison.Ordinal);
            if (start < 0 || segments.Count == MaxSegments)
            {
                dropped++;
                continue;
            }

            next[quote] = start + quote.Length;
            segments.Add(new Segment(start, quote.Length, segment.Comment, segment.Questions, segment.Suggestions));
        }

        return (segments, dropped);
    }
}
