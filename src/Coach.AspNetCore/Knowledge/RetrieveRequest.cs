using System.Text.Json.Serialization;

namespace Coach.AspNetCore.Knowledge;

/// <summary><c>POST /api/retrieve</c>: a question to the documents alone.</summary>
internal sealed record RetrieveRequest
{
    [JsonPropertyName("query")]
    public string? Query { get; init; }

    /// <summary>The most passages; what the host answers with unless given.</summary>
    [JsonPropertyName("top")]
    public int? Top { get; init; }
}
