using System.Text.Json.Serialization;

namespace Coach.AspNetCore.Chat;

/// <summary><c>POST /api/chat</c>: a question, and the conversation it belongs to.</summary>
internal sealed record ChatRequest
{
    [JsonPropertyName("message")]
    public string? Message { get; init; }

    [JsonPropertyName("conversation")]
    public string? Conversation { get; init; }
}
