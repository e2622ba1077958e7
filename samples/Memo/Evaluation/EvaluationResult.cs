using Memo.Configuration;

namespace Memo.Evaluation;

/// <summary>What a text was given.</summary>
internal sealed record EvaluationResult(
    double Overall, IReadOnlyList<string> Strengths, IReadOnlyList<string> Opportunities,
    IReadOnlyList<CriterionScore> Criteria, IReadOnlyList<Segment> Segments, int DroppedSegments);

/// <summary>A part of the text, by UTF-16 code units, with what is said of it.</summary>
internal sealed record Segment(
    int Start, int Length, string Comment, IReadOnlyList<string> Questions, IReadOnlyList<string> Suggestions);

/// <summary>What a judge answered, before the host has checked it against the text.</summary>
internal sealed record Judgement(
    IReadOnlyList<string> Strengths, IReadOnlyList<string> Opportunities,
    IReadOnlyDictionary<string, (int Score, string Justification)> Scores, IReadOnlyList<QuotedSegment> Segments);

/// <summary>A part of the text as a judge quotes it.</summary>
internal sealed record QuotedSegment(
    string Quote, string Comment, IReadOnlyList<string> Questions, IReadOnlyList<string> Suggestions);

/// <summary>An evaluation that cannot be given. The message holds nothing of the text.</summary>
internal sealed class EvaluationException(string code, string message, Exception? inner = null) : Exception(message, inner)
{
    public string Code { get; } = code;
}
