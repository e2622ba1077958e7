using System.Text.Json.Serialization;

namespace Coach.AspNetCore.Chat;

/// <summary><c>POST /api/chat</c>: a question.</summary>
internal sealed record ChatRequest
{
    [JsonPropertyName("message")]
    public string? Message { get; init; }
}
