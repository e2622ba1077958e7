using System.Net.Http.Headers;
using System.Text.Json;
using Coach.Llm.Core;
using Coach.Llm.Json;
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
    public string Model { get; set; } = model;

    public abstract Uri BaseAddress { get; }

    /// <summary>Where the provider is, for telemetry; null while it is not configured.</summary>
    public virtual Uri? Server => BaseAddress;

    public abstract Uri Address(string model, bool stream);

    /// <summary>Puts the key, and whatever else the protocol wants, on the request's headers.</summary>
    public abstract void Sign(HttpRequestHeaders headers, ApiKey key);

    public abstract void Write(Utf8JsonWriter writer, ChatCall call);

    /// <summary>What a request for this call carries of that which a model may refuse.</summary>
    public virtual RequestParameters Carried(ChatCall call) =>
        Given(call.Temperature, RequestParameters.Temperature)
        | Given(call.TopP, RequestParameters.TopP)
        | Given(call.TopK, RequestParameters.TopK)
        | Given(call.FrequencyPenalty, RequestParameters.FrequencyPenalty)
        | Given(call.PresencePenalty, RequestParameters.PresencePenalty)
        | Given(call.Seed, RequestParameters.Seed)
        | Given(call.Effort, RequestParameters.Effort);

    /// <summary>What to go without when a model refuses something.</summary>
    /// <param name="refused">What it refuses.</param>
    /// <param name="without">What the request went without already.</param>
    public virtual RequestParameters GiveUp(RequestParameters refused, RequestParameters without) => refused;

    /// <summary>The sampling settings that a request really carries, for telemetry.</summary>
    public virtual (float? Temperature, float? TopP) Sampling(ChatCall call) => (call.Temperature, call.TopP);

    public abstract StreamDecoder CreateDecoder(ChatCall call);

    /// <summary>
    /// Whether messages may hold a picture, sound or file of this media type. What is not accepted is refused before
    /// anything is sent.
    /// </summary>
    public virtual bool Accepts(string mediaType) => MediaTypes.IsImage(mediaType);

    /// <summary>Whether a turn of the model's may hold pictures and the like, as a model that draws made.</summary>
    public virtual bool TakesMediaOfModel => false;

    /// <summary>Whether a conversation that begins with the model's turn is refused.</summary>
    public virtual bool BeginsWithPerson => false;

    /// <summary>Writes what a function is; the protocols differ only in the name of its schema.</summary>
    protected static void WriteFunction(Utf8JsonWriter writer, AIFunctionDeclaration function, string schemaName)
    {
        writer.WriteStartObject();
        writer.WriteString("name", function.Name);
        writer.WriteString("description", function.Description);
        writer.WritePropertyName(schemaName);
        JsonText.WriteSchema(writer, function.JsonSchema);
        writer.WriteEndObject();
    }

    private static RequestParameters Given<T>(T? value, RequestParameters parameter)
        where T : struct => value is null ? RequestParameters.None : parameter;

    protected static string TextOf(ChatMessage message) =>
        string.Concat(message.Contents.OfType<TextContent>().Select(content => content.Text));
}

/// <summary>One request as a protocol needs to know it.</summary>
internal sealed record ChatCall(
    IReadOnlyList<ChatMessage> Messages, ChatOptions? Options, string Model, ApiKey Key, bool Stream,
    ChatDefaults Defaults)
{
    /// <summary>The parameters that the model refuses.</summary>
    public RequestParameters Without { get; init; }

    public float? Temperature => Unless(RequestParameters.Temperature, Options?.Temperature ?? Defaults.Temperature);

    public float? TopP => Unless(RequestParameters.TopP, Options?.TopP);

    public int? TopK => Unless(RequestParameters.TopK, Options?.TopK);

    public float? FrequencyPenalty => Unless(RequestParameters.FrequencyPenalty, Options?.FrequencyPenalty);

    public float? PresencePenalty => Unless(RequestParameters.PresencePenalty, Options?.PresencePenalty);

    public long? Seed => Unless(RequestParameters.Seed, Options?.Seed);

    public ReasoningEffort? Effort => Unless(RequestParameters.Effort, Options?.Reasoning?.Effort);

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
                .Where(message => message.IsInstruction())
                .Select(message => message.Text);
            string text = string.Join(
                "\n\n", (Options?.Instructions is { Length: > 0 } instructions ? texts.Prepend(instructions) : texts)
                .Where(part => part.Length > 0));
            return string.IsNullOrWhiteSpace(text) ? null : text;
        }
    }

    private T? Unless<T>(RequestParameters parameter, T? value)
        where T : struct => Without.HasFlag(parameter) ? null : value;
}

/// <summary>What a message is to a model.</summary>
internal static class ChatRoles
{
    /// <summary>OpenAI's newer name for system messages; Microsoft.Extensions.AI has none for it.</summary>
    public const string Developer = "developer";

    /// <summary>Whether it instructs the model: it is never sent as a person's words.</summary>
    public static bool IsInstruction(this ChatMessage message) =>
        message.Role == ChatRole.System || IsDeveloper(message);

    public static bool IsDeveloper(this ChatMessage message) =>
        message.Role.Value.Equals(Developer, StringComparison.OrdinalIgnoreCase);
}
