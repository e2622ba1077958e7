namespace Memo.Configuration;

/// <summary>What a text is judged by: criteria whose weights add up to 100.</summary>
internal sealed record Rubric(
    string Name, string Description, IReadOnlyList<Criterion> Criteria, IReadOnlyList<KeyValuePair<string, string>> Frameworks)
{
    /// <summary>The weighted mean of the scores, to two places: computed here, never asked from a model.</summary>
    public double Overall(IEnumerable<CriterionScore> scores)
    {
        var byId = scores.ToDictionary(score => score.Id, score => score.Score, StringComparer.Ordinal);
        decimal sum = Criteria.Sum(criterion => criterion.Weight * (decimal)byId[criterion.Id]);
        return (double)Math.Round(sum / Criteria.Sum(criterion => criterion.Weight), 2, MidpointRounding.AwayFromZero);
    }
}

/// <summary>One criterion with its five described levels.</summary>
internal sealed record Criterion(string Id, string Name, string Description, decimal Weight, IReadOnlyList<string> Levels);

/// <summary>What a criterion was given.</summary>
internal sealed record CriterionScore(string Id, string Name, decimal Weight, int Score, string Justification);
