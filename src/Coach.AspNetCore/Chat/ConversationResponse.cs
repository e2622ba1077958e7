using System.Text.Json.Serialization;
using Coach.Llm;
using Microsoft.Extensions.AI;

namespace Coach.AspNetCore.Chat;

/// <summary><c>GET /api/chat</c>: what a conversation holds, oldest first.</summary>
internal sealed record ConversationResponse
{
    /// <summary>The questions and answers of a conversation, without what tools said in between.</summary>
    public static ConversationResponse Of(IReadOnlyList<ChatMessage> messages) => new()
    {
        Messages =
        [
            .. messages
                .Where(message => message.Text.Length > 0
                    && (message.Role == ChatRole.User || message.Role == ChatRole.Assistant))
                .Select(message => new ConversationMessage
                {
                    Role = message.Role.Value,
                    Text = message.Text,
                    Citations =
                    [
                        .. message.Contents.SelectMany(content => content.Annotations ?? [])
                            .OfType<CitationAnnotation>()
                            .Select(CitedPassage.Of)
                            .OfType<CitedPassage>(),
                    ],
                }),
        ],
    };

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

    /// <summary>The passages that the answer cites, or those that it was given if it cites none.</summary>
    [JsonPropertyName("citations")]
    public required IReadOnlyList<CitedPassage> Citations { get; init; }
}

/// <summary><c>GET /api/conversations</c>: the latest first, at most 1,000.</summary>
internal sealed record ConversationsResponse
{
    [JsonPropertyName("conversations")]
    public required IReadOnlyList<ConversationSummary> Conversations { get; init; }
}

/// <summary>One conversation in a list.</summary>
internal sealed record ConversationSummary
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    /// <summary>The title it was given, else the beginning of its first question.</summary>
    [JsonPropertyName("title")]
    public required string Title { get; init; }

    /// <summary>How many messages are kept, with those of tools.</summary>
    [JsonPropertyName("messageCount")]
    public required int MessageCount { get; init; }

    [JsonPropertyName("updatedAt")]
    public required DateTimeOffset UpdatedAt { get; init; }

    public static ConversationSummary Of(ConversationInfo info) => new()
    {
        Id = info.Id,
        Title = info.Title,
        MessageCount = info.MessageCount,
        UpdatedAt = info.UpdatedAt,
    };
}

/// <summary><c>PATCH /api/conversations/{id}</c>.</summary>
internal sealed record RenameRequest
{
    [JsonPropertyName("title")]
    public string? Title { get; init; }
}

/// <summary><c>GET /api/conversations/{id}/export</c>.</summary>
internal sealed record ConversationExport
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    [JsonPropertyName("title")]
    public required string Title { get; init; }

    [JsonPropertyName("updatedAt")]
    public required DateTimeOffset UpdatedAt { get; init; }

    [JsonPropertyName("messages")]
    public required IReadOnlyList<ConversationMessage> Messages { get; init; }
}
