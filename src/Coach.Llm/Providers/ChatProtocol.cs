using System.Net.Http.Headers;
using System.Text.Json;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Providers;

/// <summary>
/// One provider's chat protocol: where requests go, how they are written and how answers are read. Shared by all
/// sessions.
/// </summary>
internal abstract class ChatProtocol(string provider, string model)
{
    /// <summary>The name under which usage counts the input that went into a provider's cache.</summary>
    public const string CacheCreation = "cache_creation_input_tokens";

    public string Provider { get; } = provider;

    /// <summary>The name of OpenTelemetry's conventions for it; those they do not list keep their own.</summary>
    public virtual string TelemetryName => Provider;

    /// <summary>The model of requests that name none; may be empty.</summary>
    public string Model { get; } = model;

    public abstract Uri BaseAddress { get; }

    /// <summary>Where the provider is, for telemetry; null while it is not configured.</summary>
    public virtual Uri? Server => BaseAddress;

    public abstract Uri Address(string model, bool stream);

    /// <summary>Puts the key, and whatever else the protocol wants, on the request's headers.</summary>
    public abstract void Sign(HttpRequestHeaders headers, ApiKey key);

    public abstract void Write(Utf8JsonWriter writer, ChatCall call);

    /// <summary>The sampling settings that a request really carries, for telemetry.</summary>
    public virtual (float? Temperature, float? TopP) Sampling(ChatCall call) => (call.Temperature, call.Options?.TopP);

    public abstract StreamDecoder CreateDecoder(ChatCall call);

    /// <summary>
    /// Whether messages may hold a picture, sound or file of this media type. What is not accepted is refused before
    /// anything is sent.
    /// </summary>
    public virtual bool Accepts(string mediaType) => mediaType.StartsWith("image/", StringComparison.OrdinalIgnoreCase);

    /// <summary>Writes what a function is; the protocols differ only in the name of its schema.</summary>
    protected static void WriteFunction(Utf8JsonWriter writer, AIFunctionDeclaration function, string schemaName)
    {
        writer.WriteStartObject();
        writer.WriteString("name", function.Name);
        writer.WriteString("description", function.Description);
        writer.WritePropertyName(schemaName);
        function.JsonSchema.WriteTo(writer);
        writer.WriteEndObject();
    }

    protected static string TextOf(ChatMessage message) =>
        string.Concat(message.Contents.OfType<TextContent>().Select(content => content.Text));
}

/// <summary>One request as a protocol needs to know it.</summary>
internal sealed record ChatCall(
    IReadOnlyList<ChatMessage> Messages, ChatOptions? Options, string Model, ApiKey Key, bool Stream,
    ChatDefaults Defaults)
{
    public float? Temperature => Options?.Temperature ?? Defaults.Temperature;

    public int MaxOutputTokens => Options?.MaxOutputTokens ?? Defaults.MaxOutputTokens;

    /// <summary>
    /// The tools that are declared as functions; what else a caller lists is run by the provider and is not supported.
    /// </summary>
    public AIFunctionDeclaration[] Functions { get; } =
        Options?.Tools is { } tools ? [.. tools.OfType<AIFunctionDeclaration>()] : [];

    /// <summary>
    /// How many calls the conversation holds already, so that ids made up for new ones differ from theirs.
    /// </summary>
    public int EarlierCalls =>
        Messages.Sum(message => message.Contents.Count(content => content is FunctionCallContent));

    /// <summary>The instructions and all system messages, in order, as one text; null if there are none.</summary>
    public string? System
    {
        get
        {
            IEnumerable<string> texts = Messages
                .Where(message => message.Role == ChatRole.System)
                .Select(message => message.Text);
            string text = string.Join(
                "\n\n", (Options?.Instructions is { Length: > 0 } instructions ? texts.Prepend(instructions) : texts)
                .Where(part => part.Length > 0));
            return text.Length == 0 ? null : text;
        }
    }
}
