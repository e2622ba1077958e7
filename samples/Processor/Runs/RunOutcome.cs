using Processor.Execution;

namespace Processor.Runs;

/// <summary>How a run ended, the same for both generations of frames.</summary>
internal sealed record RunOutcome
{
    public required string RunId { get; init; }

    public string Mode { get; init; } = "mock";

    /// <summary>Null: success.</summary>
    public string? ErrorCode { get; init; }

    public string ErrorMessage { get; init; } = "";

    public IReadOnlyList<OutputFile> Outputs { get; init; } = [];

    /// <summary>The list of outputs; it was written after all of them. Empty after an error.</summary>
    public string IndexPath { get; init; } = "";

    /// <summary>What the newer generation asked for by key: where each lies.</summary>
    public IReadOnlyDictionary<string, string> Named { get; init; } = new Dictionary<string, string>();

    public long CostMicro { get; init; }

    /// <summary>Whether the price of the model was known; mock runs cost nothing.</summary>
    public bool IsCostKnown { get; init; } = true;

    public long? InputTokens { get; init; }

    public long? OutputTokens { get; init; }

    public string ImageDigest { get; init; } = "unknown";

    public string EnvFingerprint { get; init; } = "";

    public TimeSpan Duration { get; init; }

    public TimeSpan? FirstToken { get; init; }

    public bool IsSuccess => ErrorCode is null;
}
