using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Coach.Llm.Core;
using Coach.Llm.Json;
using Coach.Llm.Providers;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>OpenAI's chat completions and the servers that speak the same: OpenRouter, LiteLLM and others.</summary>
internal sealed class OpenAIChatProtocol(
    string provider, OpenAIOptions options, string prefix) : ChatProtocol(provider, options.Model)
{
    private const int MaxIdLength = 40;

    public override Uri BaseAddress => options.BaseUrl
        ?? throw new InvalidOperationException(
            $"Provider '{Provider}' has no address. Set Coach:Llm:OpenAICompatible:BaseUrl or LITELLM_API_BASE.");

    public override Uri? Server => options.BaseUrl;

    public override Uri Address(string model, bool stream) =>
        ProviderAddress.Prefixed(BaseAddress, prefix, "chat/completions");

    public override void Sign(HttpRequestHeaders headers, ApiKey key) => SignBearer(headers, key);

    internal static void SignBearer(HttpRequestHeaders headers, ApiKey key) =>
        headers.TryAddWithoutValidation("Authorization", "Bearer " + key.Secret.Reveal());

    public override bool Accepts(string mediaType) =>
        base.Accepts(mediaType) || MediaTypes.IsPdf(mediaType) || MediaTypes.IsText(mediaType)
        || SoundFormat(mediaType) is not null;

    public override StreamDecoder CreateDecoder(ChatCall call) =>
        new OpenAIStreamDecoder(Origin(call), call.EarlierCalls);

    public override RequestParameters Carried(ChatCall call) =>
        base.Carried(call) & ~RequestParameters.TopK
        | RequestParameters.OtherTokenLimit
        | (call.Functions.Length > 0 ? RequestParameters.NoReasoning : RequestParameters.None)
        | (call.Stream ? RequestParameters.NoStreamUsage : RequestParameters.None)
        | (Extra(call, "verbosity") is null ? RequestParameters.None : RequestParameters.Verbosity)
        | (Extra(call, "logprobs") is null ? RequestParameters.None : RequestParameters.Logprobs)
        | (Extra(call, "top_logprobs") is null ? RequestParameters.None : RequestParameters.TopLogprobs);

    // Effort beside tools is first set to none; a model that refuses this too gets no word of effort.
    public override RequestParameters GiveUp(RequestParameters refused, RequestParameters without)
    {
        if (!refused.HasFlag(RequestParameters.NoReasoning))
        {
            return refused;
        }

        return without.HasFlag(RequestParameters.NoReasoning)
            ? (refused & ~RequestParameters.NoReasoning) | RequestParameters.Effort
            : refused & ~RequestParameters.Effort;
    }

    public override void Write(Utf8JsonWriter writer, ChatCall call)
    {
        writer.WriteStartObject();
        writer.WriteString("model", call.Model);
        writer.WriteStartArray("messages");
        if (call.Options?.Instructions is { Length: > 0 } instructions)
        {
            WriteText(writer, "system", instructions);
        }

        string origin = Origin(call);
        List<AIContent> shown = [];
        foreach (ChatMessage message in call.Messages)
        {
            if (message.Role != ChatRole.Tool)
            {
                WriteShown(writer, shown);
            }

            WriteMessage(writer, message, origin, shown);
        }

        WriteShown(writer, shown);
        writer.WriteEndArray();
        WriteTools(writer, call);
        WriteSettings(writer, call);
        if (call.Stream)
        {
            writer.WriteBoolean("stream", true);
            if (!call.Without.HasFlag(RequestParameters.NoStreamUsage))
            {
                writer.WriteStartObject("stream_options");
                writer.WriteBoolean("include_usage", true);
                writer.WriteEndObject();
            }
        }

        writer.WriteEndObject();
    }

    private static string Origin(ChatCall call) =>
        ReasoningSignatures.Origin(call.Key.Provider, call.Model, call.Key);

    // OpenAI takes at most 40 characters; ids of other servers may hold more than a name and go back as they came.
    private string Id(string id) =>
        Provider == ProviderNames.OpenAI ? ToolCallIds.Fit(id, MaxIdLength, onlyWords: false) : id;

    // Results hold text alone; what tools show follows them as a turn of the user's, as OpenAI's guide says.
    private static void WriteShown(Utf8JsonWriter writer, List<AIContent> shown)
    {
        if (shown.Count > 0)
        {
            writer.WriteStartObject();
            writer.WriteString("role", "user");
            WriteParts(writer, shown);
            writer.WriteEndObject();
            shown.Clear();
        }
    }

    private void WriteMessage(Utf8JsonWriter writer, ChatMessage message, string origin, List<AIContent> shown)
    {
        foreach (FunctionResultContent result in message.Contents.OfType<FunctionResultContent>())
        {
            var outcome = ToolOutcome.Of(result, Accepts);
            shown.AddRange(outcome.Media);
            writer.WriteStartObject();
            writer.WriteString("role", "tool");
            writer.WriteString("tool_call_id", Id(result.CallId));
            writer.WriteString(
                "content", outcome.Text.Length == 0 && outcome.Media.Count > 0
                    ? "The result is shown in the next message."
                    : outcome.Text);
            writer.WriteEndObject();
        }

        if (message.Role == ChatRole.Tool)
        {
            return;
        }

        FunctionCallContent[] calls = [.. message.Contents.OfType<FunctionCallContent>()];
        bool hasText = message.Contents.Any(content => content is TextContent { Text.Length: > 0 });
        bool hasMedia = message.Contents.Any(content => content is DataContent or UriContent);
        if (calls.Length == 0 && !hasText && !hasMedia)
        {
            return;
        }

        writer.WriteStartObject();
        writer.WriteString("role", RoleOf(message));
        if (hasMedia)
        {
            WriteParts(writer, message.Contents);
        }
        else if (hasText)
        {
            writer.WriteString("content", TextOf(message));
        }
        else
        {
            writer.WriteNull("content");
        }

        if (calls.Length > 0)
        {
            WriteCalls(writer, calls, origin);
        }

        WriteThoughts(writer, message, origin, calls.Length > 0);
        writer.WriteEndObject();
    }

    private static void WriteThoughts(Utf8JsonWriter writer, ChatMessage message, string origin, bool hasCalls)
    {
        TextReasoningContent[] thoughts = [.. message.Contents.OfType<TextReasoningContent>()];
        string? packed = thoughts
            .Select(thought => ReasoningSignatures.Open(origin, thought.ProtectedData))
            .FirstOrDefault(kept => kept is not null);
        if (packed is not null)
        {
            CarriedReasoning.Write(
                writer, packed, string.Concat(thoughts.Select(thought => thought.Text)), hasCalls);
        }
    }

    // Only OpenAI itself is sure to know the newer name.
    private string RoleOf(ChatMessage message) => message.Role.Value switch
    {
        "assistant" => "assistant",
        _ when message.IsDeveloper() && Provider == ProviderNames.OpenAI => ChatRoles.Developer,
        _ when message.IsInstruction() => "system",
        _ => "user",
    };

    private void WriteCalls(Utf8JsonWriter writer, FunctionCallContent[] calls, string origin)
    {
        writer.WriteStartArray("tool_calls");
        foreach (FunctionCallContent call in calls)
        {
            writer.WriteStartObject();
            writer.WriteString("id", Id(call.CallId));
            writer.WriteString("type", "function");
            writer.WriteStartObject("function");
            writer.WriteString("name", call.Name);
            writer.WriteString("arguments", JsonText.OfArguments(call.Arguments));
            writer.WriteEndObject();
            WriteCarried(writer, call, origin);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    // A server's own words at a call, such as a thought's signature: back they go, unchanged.
    private static void WriteCarried(Utf8JsonWriter writer, FunctionCallContent call, string origin)
    {
        if (ReasoningSignatures.Open(origin, ReasoningSignatures.Of(call)) is not { } kept)
        {
            return;
        }

        using JsonDocument? document = JsonReading.TryParse(Encoding.UTF8.GetBytes(kept));
        if (document?.RootElement.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty member in document.RootElement.EnumerateObject())
            {
                member.WriteTo(writer);
            }
        }
    }

    private static void WriteParts(Utf8JsonWriter writer, IEnumerable<AIContent> contents)
    {
        writer.WriteStartArray("content");
        foreach (AIContent content in contents)
        {
            switch (content)
            {
                case DataContent data when MediaTypes.IsText(data.MediaType):
                    WritePart(writer, Encoding.UTF8.GetString(data.Data.Span));
                    break;
                case DataContent data:
                    WriteData(writer, data);
                    break;
                case UriContent uri when MediaTypes.IsImage(uri.MediaType):
                    WriteImage(writer, uri.Uri.AbsoluteUri);
                    break;
                case UriContent uri:
                    WriteFile(writer, uri.Uri.Segments[^1], uri.Uri.AbsoluteUri);
                    break;
                case TextContent { Text.Length: > 0 } text:
                    WritePart(writer, text.Text);
                    break;
            }
        }

        writer.WriteEndArray();
    }

    private static void WriteData(Utf8JsonWriter writer, DataContent data)
    {
        if (SoundFormat(data.MediaType) is { } format)
        {
            writer.WriteStartObject();
            writer.WriteString("type", "input_audio");
            writer.WriteStartObject("input_audio");
            writer.WriteBase64String("data", data.Data.Span);
            writer.WriteString("format", format);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        else if (MediaTypes.IsPdf(data.MediaType))
        {
            WriteFile(writer, data.Name ?? "document.pdf", MediaTypes.DataUri(data));
        }
        else
        {
            WriteImage(writer, MediaTypes.DataUri(data));
        }
    }

    private static void WriteImage(Utf8JsonWriter writer, string url)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "image_url");
        writer.WriteStartObject("image_url");
        writer.WriteString("url", url);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteFile(Utf8JsonWriter writer, string name, string data)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "file");
        writer.WriteStartObject("file");
        writer.WriteString("filename", name);
        writer.WriteString("file_data", data);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WritePart(Utf8JsonWriter writer, string text)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "text");
        writer.WriteString("text", text);
        writer.WriteEndObject();
    }

    private static string? SoundFormat(string mediaType) => MediaTypes.Of(mediaType) switch
    {
        "audio/wav" => "wav",
        "audio/mpeg" or "audio/mp3" => "mp3",
        _ => null,
    };

    private static object? Extra(ChatCall call, string name) =>
        call.Options?.AdditionalProperties?.GetValueOrDefault(name);

    private static void WriteText(Utf8JsonWriter writer, string role, string text)
    {
        writer.WriteStartObject();
        writer.WriteString("role", role);
        writer.WriteString("content", text);
        writer.WriteEndObject();
    }

    private static void WriteTools(Utf8JsonWriter writer, ChatCall call)
    {
        if (call.Functions.Length == 0)
        {
            return;
        }

        writer.WriteStartArray("tools");
        foreach (AIFunctionDeclaration function in call.Functions)
        {
            writer.WriteStartObject();
            writer.WriteString("type", "function");
            writer.WritePropertyName("function");
            WriteFunction(writer, function, "parameters");
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        switch (call.Options?.ToolMode)
        {
            case NoneChatToolMode:
                writer.WriteString("tool_choice", "none");
                break;
            case RequiredChatToolMode { RequiredFunctionName: { } name }:
                writer.WriteStartObject("tool_choice");
                writer.WriteString("type", "function");
                writer.WriteStartObject("function");
                writer.WriteString("name", name);
                writer.WriteEndObject();
                writer.WriteEndObject();
                break;
            case RequiredChatToolMode:
                writer.WriteString("tool_choice", "required");
                break;
        }

        if (call.Options?.AllowMultipleToolCalls is { } parallel)
        {
            writer.WriteBoolean("parallel_tool_calls", parallel);
        }
    }

    private void WriteSettings(Utf8JsonWriter writer, ChatCall call)
    {
        ChatOptions? chat = call.Options;

        // OpenAI's newer models refuse max_tokens; other servers often know nothing else.
        bool isNewer = Provider == ProviderNames.OpenAI ^ call.Without.HasFlag(RequestParameters.OtherTokenLimit);
        writer.WriteNumber(isNewer ? "max_completion_tokens" : "max_tokens", call.MaxOutputTokens);
        JsonNumbers.Write(writer, "temperature", call.Temperature);
        JsonNumbers.Write(writer, "top_p", call.TopP);
        JsonNumbers.Write(writer, "frequency_penalty", call.FrequencyPenalty);
        JsonNumbers.Write(writer, "presence_penalty", call.PresencePenalty);
        JsonNumbers.Write(writer, "seed", call.Seed);
        JsonNumbers.WriteStrings(writer, "stop", chat?.StopSequences);
        WriteExtra(writer, call, "verbosity", RequestParameters.Verbosity);
        WriteExtra(writer, call, "logprobs", RequestParameters.Logprobs);
        WriteExtra(writer, call, "top_logprobs", RequestParameters.TopLogprobs);
        if (EffortOf(call) is { } effort)
        {
            writer.WriteString("reasoning_effort", effort switch
            {
                ReasoningEffort.None => "none",
                ReasoningEffort.Low => "low",
                ReasoningEffort.Medium => "medium",
                ReasoningEffort.ExtraHigh => "xhigh",
                _ => "high",
            });
        }

        if (chat?.ResponseFormat is ChatResponseFormatJson json)
        {
            writer.WriteStartObject("response_format");
            writer.WriteString("type", json.Schema is null ? "json_object" : "json_schema");
            if (json.Schema is { } schema)
            {
                writer.WriteStartObject("json_schema");
                writer.WriteString("name", json.SchemaName ?? "answer");
                if (json.SchemaDescription is { } description)
                {
                    writer.WriteString("description", description);
                }

                writer.WritePropertyName("schema");
                schema.WriteTo(writer);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }
    }

    private static ReasoningEffort? EffortOf(ChatCall call)
    {
        bool isWithoutReasoning = call.Functions.Length > 0 && call.Without.HasFlag(RequestParameters.NoReasoning);
        return isWithoutReasoning && !call.Without.HasFlag(RequestParameters.Effort)
            ? ReasoningEffort.None
            : call.Effort;
    }

    // Settings that Microsoft.Extensions.AI has no property for, by the names that its OpenAI client takes them under.
    private static void WriteExtra(Utf8JsonWriter writer, ChatCall call, string name, RequestParameters parameter)
    {
        if (Extra(call, name) is { } value && !call.Without.HasFlag(parameter))
        {
            writer.WritePropertyName(name);
            JsonText.Write(writer, value);
        }
    }
}
