using System.Text.Json.Serialization;

namespace Coach.AspNetCore.Chat;

/// <summary><c>POST /api/chat</c>: a question, and the conversation it belongs to.</summary>
internal sealed record ChatRequest
{
    [JsonPropertyName("message")]
    public string? Message { get; init; }

    [JsonPropertyName("conversation")]
    public string? Conversation { get; init; }

    /// <summary>The provider to ask first; the session must have its key.</summary>
    [JsonPropertyName("provider")]
    public string? Provider { get; init; }

    /// <summary>The model to ask of that provider.</summary>
    [JsonPropertyName("model")]
    public string? Model { get; init; }

    /// <summary>
    /// The turn, from 1, in whose place the question is asked: it and what came after it go once the answer is whole.
    /// </summary>
    [JsonPropertyName("replaces")]
    public int? Replaces { get; init; }

    /// <summary>Pictures and files that belong to the question, where a model answers.</summary>
    [JsonPropertyName("files")]
    public IReadOnlyList<ChatFile>? Files { get; init; }
}
