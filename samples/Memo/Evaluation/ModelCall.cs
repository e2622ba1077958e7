using Coach.Usage;

namespace Memo.Evaluation;

/// <summary>A question that was put to a model, and what it cost.</summary>
internal sealed record ModelCall(string Provider, string Model, UsageCounts Counts, long CostMicro)
{
    /// <summary>Whether the provider gave no counts, or the answer was cut off.</summary>
    public bool IsEstimated { get; init; }

    public UsageOutcome Outcome { get; init; } = UsageOutcome.Completed;

    /// <summary>The judgement without a model: in the books too, at no cost.</summary>
    public static ModelCall Mock { get; } = new("mock", "", new UsageCounts { Requests = 1 }, 0);
}
