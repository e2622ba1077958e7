using Coach.Rag.Settings;

namespace Coach.Rag.Tests.Settings;

public sealed class CoachRagOptionsValidatorTests
{
    [Fact]
    public void Validate_ValuesOutsideTheirRanges_NamesEachOfThem()
    {
        var options = new CoachRagOptions
        {
            MinSimilarity = 1.5,
            MaxNesting = 0,
            EraseAfter = TimeSpan.Zero,
            MaxDeadShare = 0.01,
            QueryPrefix = new string('q', 501),
            DocumentPrefix = new string('d', 501),
        };
        options.MarkupPatterns.Add("(?<=x)y");

        string[] failures = [.. new CoachRagOptionsValidator().Validate(null, options).Failures!];

        Assert.Equal(7, failures.Length);
        foreach (string name in (string[])
            [nameof(options.MinSimilarity), nameof(options.MaxNesting), nameof(options.EraseAfter), nameof(options.MaxDeadShare), nameof(options.MarkupPatterns), nameof(options.QueryPrefix), nameof(options.DocumentPrefix)])
        {
            Assert.Contains(failures, failure => failure.Contains("Coach:Rag:" + name, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Validate_Defaults_AreInTheirRanges() =>
        Assert.True(new CoachRagOptionsValidator().Validate(null, new CoachRagOptions()).Succeeded);
}
