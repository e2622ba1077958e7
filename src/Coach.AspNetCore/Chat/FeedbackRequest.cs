using System.Text.Json;
using System.Text.Json.Serialization;
using Coach.AspNetCore.Http;

namespace Coach.AspNetCore.Chat;

/// <summary><c>POST /api/feedback</c>: whether an answer was good.</summary>
internal sealed record FeedbackRequest
{
    /// <summary>The turn's number in the conversation, from 1; or a name of the page's own.</summary>
    [JsonPropertyName("turn")]
    public JsonElement? Turn { get; init; }

    /// <summary><c>up</c> or <c>down</c>; 1 and -1 mean the same.</summary>
    [JsonPropertyName("rating")]
    public JsonElement? Rating { get; init; }

    [JsonPropertyName("note")]
    public string? Note { get; init; }

    [JsonPropertyName("conversation")]
    public string? Conversation { get; init; }
}

/// <summary>
/// <c>POST /api/feedback</c> as the OpenAPI document tells it. What is read is more: names of turns, and 1 and -1.
/// </summary>
internal sealed record FeedbackBody
{
    [JsonPropertyName("turn")]
    public required int Turn { get; init; }

    [JsonPropertyName("rating")]
    [JsonConverter(typeof(CamelCase<FeedbackRating>))]
    public required FeedbackRating Rating { get; init; }

    [JsonPropertyName("note")]
    public string? Note { get; init; }

    [JsonPropertyName("conversation")]
    public string? Conversation { get; init; }
}
