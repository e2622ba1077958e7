using System.Text.Json.Serialization;

namespace Coach.AspNetCore.Chat;

/// <summary>A picture or file that comes with a question.</summary>
internal sealed record ChatFile
{
    /// <summary>Its name, for the model and the conversation.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; init; }

    /// <summary>
    /// <c>image/png</c>, <c>image/jpeg</c>, <c>image/gif</c>, <c>image/webp</c>, <c>application/pdf</c>,
    /// <c>application/json</c> or any <c>text/</c> in UTF-8.
    /// </summary>
    [JsonPropertyName("mediaType")]
    public string? MediaType { get; init; }

    /// <summary>Its bytes in base64.</summary>
    [JsonPropertyName("data")]
    public byte[]? Data { get; init; }
}

/// <summary>A picture or file as a conversation remembers it.</summary>
internal sealed record NamedFile
{
    [JsonPropertyName("name")]
    public required string Name { get; init; }

    [JsonPropertyName("mediaType")]
    public required string MediaType { get; init; }
}
