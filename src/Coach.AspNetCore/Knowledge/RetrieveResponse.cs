using System.Text.Json.Serialization;
using Coach.AspNetCore.Http;
using Coach.Rag;

namespace Coach.AspNetCore.Knowledge;

/// <summary>What the documents hold about a question.</summary>
internal sealed record RetrieveResponse
{
    [JsonPropertyName("passages")]
    public required IReadOnlyList<RetrievedPassage> Passages { get; init; }

    [JsonPropertyName("ragTier")]
    [JsonConverter(typeof(CamelCase<RagTier>))]
    public required RagTier RagTier { get; init; }

    /// <summary>Why no better tier answered; absent when the best did.</summary>
    [JsonPropertyName("ragReason")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RagReason { get; init; }
}

/// <summary>A passage, best first, with what each method gave it.</summary>
internal sealed record RetrievedPassage
{
    [JsonPropertyName("n")]
    public required int Number { get; init; }

    [JsonPropertyName("source")]
    public required string Source { get; init; }

    [JsonPropertyName("heading")]
    public required string Heading { get; init; }

    [JsonPropertyName("text")]
    public required string Text { get; init; }

    [JsonPropertyName("score")]
    public required double Score { get; init; }

    [JsonPropertyName("scores")]
    public required MethodScores Scores { get; init; }
}

/// <summary>What each method gave a passage; null where it did not find it or took no part.</summary>
internal sealed record MethodScores
{
    [JsonPropertyName("lexical")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required double? Lexical { get; init; }

    [JsonPropertyName("lsa")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required double? Lsa { get; init; }

    [JsonPropertyName("vector")]
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public required double? Vector { get; init; }
}
