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
                    Text = string.Concat(message.Contents.OfType<TextContent>()
                        .Where(static content => FileOf(content) is null).Select(static content => content.Text)),
                    Files = FilesOf(message),
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

    // Small ones are kept whole, the others by name.
    private static NamedFile[]? FilesOf(ChatMessage message)
    {
        NamedFile[] files = [.. message.Contents.Select(FileOf).OfType<NamedFile>()];
        return files.Length > 0 ? files : null;
    }

    private static NamedFile? FileOf(AIContent content)
    {
        if (content is DataContent data)
        {
            return new NamedFile { Name = data.Name ?? "file", MediaType = data.MediaType };
        }

        object? name = content.AdditionalProperties?.GetValueOrDefault(ChatHistoryProperty.FileName);
        object? type = content.AdditionalProperties?.GetValueOrDefault(ChatHistoryProperty.FileType);
        return name is null
            ? null
            : new NamedFile { Name = name.ToString()!, MediaType = type?.ToString() ?? "application/octet-stream" };
    }
}

/// <summary>A question or an answer.</summary>
internal sealed record ConversationMessage
{
    /// <summary><c>user</c> or <c>assistant</c>.</summary>
    [JsonPropertyName("role")]
    public required string Role { get; init; }

    [JsonPropertyName("text")]
    public required string Text { get; init; }

    /// <summary>The pictures and files that came with it; missing when there were none.</summary>
    [JsonPropertyName("files")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<NamedFile>? Files { get; init; }

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
