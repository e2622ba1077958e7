using System.Text.Json.Serialization;

namespace Coach.AspNetCore.Speech;

/// <summary><c>POST /api/speech</c>: what is to be spoken.</summary>
internal sealed record SpeechRequest
{
    [JsonPropertyName("text")]
    public string? Text { get; init; }
}
