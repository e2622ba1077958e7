using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace Coach.AspNetCore.Knowledge;

/// <summary>
/// What an upload of documents holds, for the OpenAPI document: the endpoint takes its files under any name.
/// </summary>
internal sealed record UploadForm
{
    [JsonPropertyName("files")]
    public required IReadOnlyList<IFormFile> Files { get; init; }
}
