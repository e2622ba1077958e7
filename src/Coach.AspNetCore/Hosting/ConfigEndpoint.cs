using System.Text.Json.Serialization;
using Coach.Abstractions;
using Coach.AspNetCore.Credits;
using Coach.AspNetCore.Http;
using Coach.Llm;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Hosting;

/// <summary>
/// What a page needs to know before it asks anything: no figure of the host's, nothing of a session's.
/// </summary>
internal sealed class ConfigEndpoint(
    IOptions<CoachHostOptions> host,
    IOptions<CoachChatOptions> chat,
    IOptions<CoachSpeechOptions> speech,
    IOptions<CoachKnowledgeOptions> knowledge,
    IEnumerable<CreditEndpoints> credits,
    IOptions<CoachRateLimitOptions> limits)
{
    public static void Map(IEndpointRouteBuilder endpoints, string pattern) => endpoints
        .MapGet(pattern, ([FromServices] ConfigEndpoint handler) => handler.Show())
        .WithTags("Operations")
        .WithSummary("Tells the mode, the providers, the limits and what the host offers")
        .CanFail(Failures.OfASession);

    public Ok<ConfigResponse> Show() => TypedResults.Ok(new ConfigResponse
    {
        Mode = host.Value.Mode,
        Providers = host.Value.Mode == HostMode.Mock ? [] : [.. ProviderNames.All],
        Limits = new ConfigLimits
        {
            MaxMessageLength = chat.Value.MaxMessageLength,
            MaxBodyBytes = JsonRequest.MaxJsonBytes,
            MaxFiles = chat.Value.MaxFiles,
            MaxFileBytes = chat.Value.MaxFileBytes,
            RequestsPerMinute = limits.Value.SessionPerMinute,
            KeyChecksPerMinute = limits.Value.KeyChecksPerMinute,
        },
        Features = new ConfigFeatures
        {
            Keys = host.Value.Mode != HostMode.Mock,
            Speech = speech.Value.Enabled,
            KnowledgeEditing = knowledge.Value.AllowEditing,
            Credits = credits.Any(),
        },
    });
}

/// <summary><c>GET /api/config</c>.</summary>
internal sealed record ConfigResponse
{
    [JsonPropertyName("mode")]
    [JsonConverter(typeof(CamelCase<HostMode>))]
    public required HostMode Mode { get; init; }

    /// <summary>The providers whose keys are taken.</summary>
    [JsonPropertyName("providers")]
    public required IReadOnlyList<string> Providers { get; init; }

    [JsonPropertyName("limits")]
    public required ConfigLimits Limits { get; init; }

    [JsonPropertyName("features")]
    public required ConfigFeatures Features { get; init; }
}

/// <summary>What a session may send.</summary>
internal sealed record ConfigLimits
{
    /// <summary>Characters of a question.</summary>
    [JsonPropertyName("maxMessageLength")]
    public required int MaxMessageLength { get; init; }

    [JsonPropertyName("maxBodyBytes")]
    public required int MaxBodyBytes { get; init; }

    /// <summary>Pictures and files that may come with a question, where a model answers.</summary>
    [JsonPropertyName("maxFiles")]
    public required int MaxFiles { get; init; }

    /// <summary>Bytes that the files of a question may hold together.</summary>
    [JsonPropertyName("maxFileBytes")]
    public required int MaxFileBytes { get; init; }

    /// <summary>Requests of a session.</summary>
    [JsonPropertyName("requestsPerMinute")]
    public required int RequestsPerMinute { get; init; }

    /// <summary>Keys that an address may have checked.</summary>
    [JsonPropertyName("keyChecksPerMinute")]
    public required int KeyChecksPerMinute { get; init; }
}

/// <summary>What the host offers.</summary>
internal sealed record ConfigFeatures
{
    /// <summary>Whether people may bring their own keys.</summary>
    [JsonPropertyName("keys")]
    public required bool Keys { get; init; }

    [JsonPropertyName("speech")]
    public required bool Speech { get; init; }

    /// <summary>Whether documents may be added and removed.</summary>
    [JsonPropertyName("knowledgeEditing")]
    public required bool KnowledgeEditing { get; init; }

    /// <summary>Whether credits can be bought.</summary>
    [JsonPropertyName("credits")]
    public required bool Credits { get; init; }
}
