using System.Text.Json.Serialization;

namespace Coach.AspNetCore.Chat;

/// <summary><c>GET /api/chat</c>: what a conversation holds, oldest first.</summary>
internal sealed record ConversationResponse
{
    [JsonPropertyName("messages")]
    public required IReadOnlyList<ConversationMessage> Messages { get; init; }
}

/// <summary>A question or an answer.</summary>
internal sealed record ConversationMessage
{
    /// <summary><c>user</c> or <c>assistant</c>.</summary>
    [JsonPropertyName("role")]
    public required string Role { get; init; }

    [JsonPropertyName("text")]
    public required string Text { get; init; }

    /// <summary>The passages that the answer cites, as far as the store of the conversation keeps them.</summary>
    [JsonPropertyName("citations")]
    public required IReadOnlyList<CitedPassage> Citations { get; init; }
}
