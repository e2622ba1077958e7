using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Coach.Llm.Core;
using Coach.Llm.Json;
using Coach.Llm.Providers;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>
/// OpenAI's Responses API, stateless: nothing is stored there, every request brings the conversation along, and
/// thoughts travel encrypted. Ids of items are never sent back, because a server that stores nothing cannot find them.
/// </summary>
internal sealed class OpenAIResponsesProtocol(
    string provider, OpenAIOptions options, string prefix) : ChatProtocol(provider, options.Model)
{
    private const int LeastOutputTokens = 16; // fewer are refused
    private const int LongestCallId = 64;
    private const string Verbosity = "verbosity";

    public override Uri BaseAddress => options.BaseUrl
        ?? throw new InvalidOperationException(
            $"Provider '{Provider}' has no address. Set Coach:Llm:OpenAICompatible:BaseUrl or LITELLM_API_BASE.");

    public override Uri? Server => options.BaseUrl;

    public override Uri Address(string model, bool stream) =>
        ProviderAddress.Prefixed(BaseAddress, prefix, "responses");

    public override void Sign(HttpRequestHeaders headers, ApiKey key) => OpenAIChatProtocol.SignBearer(headers, key);

    public override bool Accepts(string mediaType) => ResponsesParts.IsTaken(mediaType);

    public override RequestParameters Carried(ChatCall call) =>
        base.Carried(call) & (RequestParameters.Temperature | RequestParameters.TopP | RequestParameters.Effort)
        | RequestParameters.PlainThoughts
        | (TextOf(call.Options?.AdditionalProperties, Verbosity) is null
            ? RequestParameters.None
            : RequestParameters.Verbosity);

    public override StreamDecoder CreateDecoder(ChatCall call) =>
        new OpenAIResponsesDecoder(Origin(call), call.EarlierCalls, call.Functions.Length > 0);

    public override void Write(Utf8JsonWriter writer, ChatCall call)
    {
        writer.WriteStartObject();
        writer.WriteString("model", call.Model);
        writer.WriteBoolean("store", false);
        if (!call.Without.HasFlag(RequestParameters.PlainThoughts))
        {
            writer.WriteStartArray("include");
            writer.WriteStringValue("reasoning.encrypted_content");
            writer.WriteEndArray();
        }

        if (call.Options?.Instructions is { Length: > 0 } instructions)
        {
            writer.WriteString("instructions", instructions);
        }

        writer.WriteStartArray("input");
        new InputWriter(writer, call, Origin(call)).Write();
        writer.WriteEndArray();
        WriteTools(writer, call);
        WriteSettings(writer, call);
        if (call.Stream)
        {
            writer.WriteBoolean("stream", true);
        }

        writer.WriteEndObject();
    }

    // Thoughts are of a provider, a model and a key, and of this protocol: the other one has a form of its own.
    private string Origin(ChatCall call) =>
        ReasoningSignatures.Origin($"{Provider}:{OpenAIOptions.Responses}", call.Model, call.Key);

    private static void WriteTools(Utf8JsonWriter writer, ChatCall call)
    {
        if (call.Functions.Length == 0)
        {
            return;
        }

        writer.WriteStartArray("tools");
        foreach (AIFunctionDeclaration function in call.Functions)
        {
            WriteTool(writer, function);
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
                writer.WriteString("name", name);
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

    // What is not said to be otherwise is strict here, and a strict function has no optional arguments: functions are
    // strict where they ask for it, as with Microsoft.Extensions.AI's own client.
    private static void WriteTool(Utf8JsonWriter writer, AIFunctionDeclaration function)
    {
        JsonElement? strict = IsTrue(function.AdditionalProperties, "strict")
            ? StrictSchema.Close(function.JsonSchema)
            : null;
        writer.WriteStartObject();
        writer.WriteString("type", "function");
        writer.WriteString("name", function.Name);
        writer.WriteString("description", function.Description);
        writer.WritePropertyName("parameters");
        (strict ?? function.JsonSchema).WriteTo(writer);
        writer.WriteBoolean("strict", strict is not null);
        writer.WriteEndObject();
    }

    private static void WriteSettings(Utf8JsonWriter writer, ChatCall call)
    {
        writer.WriteNumber("max_output_tokens", Math.Max(LeastOutputTokens, call.MaxOutputTokens));
        JsonNumbers.Write(writer, "temperature", call.Temperature);
        JsonNumbers.Write(writer, "top_p", call.TopP);
        if (!call.Without.HasFlag(RequestParameters.Effort))
        {
            WriteReasoning(writer, call.Options?.Reasoning);
        }

        WriteFormat(writer, call);
    }

    private static void WriteReasoning(Utf8JsonWriter writer, ReasoningOptions? reasoning)
    {
        string? effort = reasoning?.Effort switch
        {
            null => null,
            ReasoningEffort.None => "none",
            ReasoningEffort.Low => "low",
            ReasoningEffort.Medium => "medium",
            ReasoningEffort.ExtraHigh => "xhigh",
            _ => "high",
        };
        bool isSummarized = reasoning?.Output switch
        {
            null => effort is not (null or "none"),
            ReasoningOutput.None => false,
            _ => effort != "none",
        };
        if (effort is null && !isSummarized)
        {
            return; // models that do not think refuse it
        }

        writer.WriteStartObject("reasoning");
        if (effort is not null)
        {
            writer.WriteString("effort", effort);
        }

        if (isSummarized)
        {
            writer.WriteString("summary", "auto");
        }

        writer.WriteEndObject();
    }

    private static void WriteFormat(Utf8JsonWriter writer, ChatCall call)
    {
        string? verbosity = call.Without.HasFlag(RequestParameters.Verbosity)
            ? null
            : TextOf(call.Options?.AdditionalProperties, Verbosity);
        var json = call.Options?.ResponseFormat as ChatResponseFormatJson;
        if (verbosity is null && json is null)
        {
            return;
        }

        writer.WriteStartObject("text");
        if (json is not null)
        {
            WriteFormat(writer, json, call.Options!);
        }

        if (verbosity is not null)
        {
            writer.WriteString(Verbosity, verbosity);
        }

        writer.WriteEndObject();
    }

    private static void WriteFormat(Utf8JsonWriter writer, ChatResponseFormatJson json, ChatOptions chat)
    {
        writer.WriteStartObject("format");
        writer.WriteString("type", json.Schema is null ? "json_object" : "json_schema");
        if (json.Schema is { } schema)
        {
            JsonElement? strict = IsFalse(chat.AdditionalProperties, "strict") ? null : StrictSchema.Close(schema);
            writer.WriteString("name", json.SchemaName ?? "answer");
            if (json.SchemaDescription is { } description)
            {
                writer.WriteString("description", description);
            }

            writer.WritePropertyName("schema");
            (strict ?? schema).WriteTo(writer);
            writer.WriteBoolean("strict", strict is not null);
        }

        writer.WriteEndObject();
    }

    private static bool IsTrue(IReadOnlyDictionary<string, object?>? properties, string name) =>
        properties?.TryGetValue(name, out object? value) == true
        && value is true or JsonElement { ValueKind: JsonValueKind.True };

    private static bool IsFalse(AdditionalPropertiesDictionary? properties, string name) =>
        properties?.TryGetValue(name, out object? value) == true
        && value is false or JsonElement { ValueKind: JsonValueKind.False };

    private static string? TextOf(AdditionalPropertiesDictionary? properties, string name) =>
        properties?.TryGetValue(name, out object? value) != true ? null : value switch
        {
            string { Length: > 0 } text => text,
            JsonElement { ValueKind: JsonValueKind.String } element => LenientJson.Text(element),
            _ => null,
        };

    /// <summary>
    /// Writes a conversation as items. Thoughts go in front of what they led to, and only there: one without its
    /// message or call is refused.
    /// </summary>
    private sealed class InputWriter(Utf8JsonWriter writer, ChatCall call, string origin)
    {
        private readonly HashSet<string> _sentThoughts = new(StringComparer.Ordinal);
        private readonly List<(string Summary, string Encrypted)> _thoughts = [];

        public void Write()
        {
            foreach (ChatMessage message in call.Messages)
            {
                if (message.Role == ChatRole.Assistant)
                {
                    WriteTurn(message);
                }
                else
                {
                    _thoughts.Clear();
                    WriteResults(message);
                    WriteMessage(message);
                }
            }
        }

        private void WriteTurn(ChatMessage message)
        {
            StringBuilder? text = null;
            foreach (AIContent content in message.Contents)
            {
                switch (content)
                {
                    case TextContent { Text.Length: > 0 } piece:
                        (text ??= new StringBuilder()).Append(piece.Text);
                        break;
                    case TextReasoningContent thought
                        when ReasoningSignatures.Open(origin, thought.ProtectedData) is { } encrypted:
                        WriteAnswer(ref text);
                        _thoughts.Add((thought.Text, encrypted));
                        break;
                    case FunctionCallContent function:
                        WriteAnswer(ref text);
                        WriteCall(function);
                        break;
                }
            }

            WriteAnswer(ref text);
        }

        private void WriteAnswer(ref StringBuilder? text)
        {
            if (text is not null)
            {
                WriteThoughts();
                WriteText("assistant", text.ToString());
                text = null;
            }
        }

        private void WriteThoughts()
        {
            foreach ((string summary, string encrypted) in _thoughts)
            {
                if (!_sentThoughts.Add(encrypted))
                {
                    continue;
                }

                writer.WriteStartObject();
                writer.WriteString("type", "reasoning");
                writer.WriteStartArray("summary"); // also without one: it is required
                if (summary.Length > 0)
                {
                    writer.WriteStartObject();
                    writer.WriteString("type", "summary_text");
                    writer.WriteString("text", summary);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
                writer.WriteString("encrypted_content", encrypted);
                writer.WriteEndObject();
            }

            _thoughts.Clear();
        }

        private void WriteCall(FunctionCallContent function)
        {
            WriteThoughts();
            writer.WriteStartObject();
            writer.WriteString("type", "function_call");
            writer.WriteString("call_id", CallId(function.CallId));
            writer.WriteString("name", function.Name);
            writer.WriteString("arguments", JsonText.OfArguments(function.Arguments));
            writer.WriteEndObject();
        }

        private void WriteResults(ChatMessage message)
        {
            foreach (FunctionResultContent result in message.Contents.OfType<FunctionResultContent>())
            {
                writer.WriteStartObject();
                writer.WriteString("type", "function_call_output");
                writer.WriteString("call_id", CallId(result.CallId));
                writer.WritePropertyName("output");
                ResponsesParts.WriteResult(writer, result);
                writer.WriteEndObject();
            }
        }

        private void WriteMessage(ChatMessage message)
        {
            string role = message.IsInstruction() ? "system" : "user";
            role = message.IsDeveloper() ? ChatRoles.Developer : role;
            if (message.Contents.Any(ResponsesParts.IsMedia))
            {
                writer.WriteStartObject();
                writer.WriteString("type", "message");
                writer.WriteString("role", role);
                writer.WriteStartArray("content");
                foreach (AIContent content in message.Contents)
                {
                    ResponsesParts.Write(writer, content);
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }
            else if (message.Role != ChatRole.Tool && ChatProtocol.TextOf(message) is { Length: > 0 } text)
            {
                WriteText(role, text);
            }
        }

        private void WriteText(string role, string text)
        {
            writer.WriteStartObject();
            writer.WriteString("type", "message");
            writer.WriteString("role", role);
            writer.WriteString("content", text);
            writer.WriteEndObject();
        }

        // Ids of other providers' calls may be longer than what is taken here.
        private static string CallId(string id) => ToolCallIds.Fit(id, LongestCallId, onlyWords: false);
    }
}
