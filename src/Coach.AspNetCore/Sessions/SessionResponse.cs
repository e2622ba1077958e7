using System.Text.Json.Serialization;
using Coach.Abstractions;
using Coach.AspNetCore.Http;
using Coach.Llm;
using Coach.Rag;

namespace Coach.AspNetCore.Sessions;

/// <summary><c>GET /api/session</c>: the session, its keys and how it is answered.</summary>
internal sealed record SessionResponse
{
    /// <summary>A public handle, not the cookie.</summary>
    [JsonPropertyName("sessionId")]
    public required string SessionId { get; init; }

    [JsonPropertyName("mode")]
    [JsonConverter(typeof(CamelCase<RunMode>))]
    public required RunMode Mode { get; init; }

    [JsonPropertyName("keys")]
    public required IReadOnlyList<SessionKeyResponse> Keys { get; init; }

    [JsonPropertyName("ragTier")]
    [JsonConverter(typeof(CamelCase<RagTier>))]
    public required RagTier RagTier { get; init; }

    /// <summary>Why no better tier answers; missing when nothing keeps it.</summary>
    [JsonPropertyName("ragReason")]
    public string? RagReason { get; init; }
}

/// <summary>A key that the session holds.</summary>
internal sealed record SessionKeyResponse
{
    [JsonPropertyName("provider")]
    public required string Provider { get; init; }

    /// <summary>The first 16 hexadecimal digits of the key's SHA-256.</summary>
    [JsonPropertyName("fingerprint")]
    public required string Fingerprint { get; init; }

    /// <summary><c>valid</c>, or what a check found after the provider refused the key in this session.</summary>
    [JsonPropertyName("status")]
    [JsonConverter(typeof(CamelCase<KeyStatus>))]
    public required KeyStatus Status { get; init; }

    /// <summary>What to do about a key that is not valid any more.</summary>
    [JsonPropertyName("message")]
    public string? Message { get; init; }

    /// <summary>
    /// The models that the key has, as its provider listed them when it was entered here; missing when it did not.
    /// </summary>
    [JsonPropertyName("models")]
    public IReadOnlyList<SessionKeyModel>? Models { get; init; }
}

/// <summary>A model that a key has.</summary>
internal sealed record SessionKeyModel
{
    [JsonPropertyName("id")]
    public required string Id { get; init; }

    /// <summary>The day on which the provider ends it, if it said so.</summary>
    [JsonPropertyName("shutdownDate")]
    public DateOnly? ShutdownDate { get; init; }

    /// <summary>What it costs; missing when no price of it is known here.</summary>
    [JsonPropertyName("price")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public SessionModelPrice? Price { get; init; }
}

/// <summary>What a model costs, in micro-units of the currency for a million tokens.</summary>
internal sealed record SessionModelPrice
{
    [JsonPropertyName("inputMicro")]
    public required long InputMicro { get; init; }

    [JsonPropertyName("outputMicro")]
    public required long OutputMicro { get; init; }

    /// <summary>The currency, in lower case.</summary>
    [JsonPropertyName("currency")]
    public required string Currency { get; init; }
}
