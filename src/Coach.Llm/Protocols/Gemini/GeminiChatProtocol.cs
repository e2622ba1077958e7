using System.Net.Http.Headers;
using System.Text.Json;
using Coach.Llm.Json;
using Coach.Llm.Providers;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.Gemini;

/// <summary>Gemini's generateContent and streamGenerateContent (ai.google.dev, API reference, November 2026).</summary>
internal sealed class GeminiChatProtocol(GeminiOptions options) : ChatProtocol(ProviderNames.Gemini, options.Model)
{
    /// <summary>
    /// What Gemini accepts in place of a signature it did not give (gemini-cli, historyHardening.ts).
    /// </summary>
    internal const string ForeignSignature = "skip_thought_signature_validator";

    public override string TelemetryName => "gcp.gemini";

    public override Uri BaseAddress => options.BaseUrl;

    public override Uri Address(string model, bool stream)
    {
        string name = Escape(model);
        return ProviderAddress.Versioned(options.BaseUrl, "v1beta",
            stream ? $"models/{name}:streamGenerateContent?alt=sse" : $"models/{name}:generateContent");
    }

    /// <summary>
    /// A model's name as a part of an address; Google's own lists show it with <c>models/</c> in front.
    /// </summary>
    public static string Escape(string model) =>
        Uri.EscapeDataString(model.StartsWith("models/", StringComparison.Ordinal) ? model["models/".Length..] : model);

    public override void Sign(HttpRequestHeaders headers, ApiKey key) =>
        headers.TryAddWithoutValidation("x-goog-api-key", key.Secret.Reveal());

    public override bool Accepts(string mediaType) =>
        MediaTypes.IsPdf(mediaType)
        || new[] { "image/", "audio/", "video/", "text/" }
            .Any(kind => mediaType.StartsWith(kind, StringComparison.OrdinalIgnoreCase));

    public override bool TakesMediaOfModel => true;

    public override bool BeginsWithPerson => true;

    public override StreamDecoder CreateDecoder(ChatCall call) => new GeminiStreamDecoder(
        ReasoningSignatures.Origin(Provider, call.Model, call.Key), call.EarlierCalls);

    public override void Write(Utf8JsonWriter writer, ChatCall call)
    {
        writer.WriteStartObject();
        if (call.System is { } system)
        {
            writer.WriteStartObject("systemInstruction");
            writer.WriteStartArray("parts");
            WriteText(writer, system);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        WriteContents(writer, call);
        WriteTools(writer, call);
        WriteConfiguration(writer, call);
        writer.WriteEndObject();
    }

    private void WriteContents(Utf8JsonWriter writer, ChatCall call)
    {
        string origin = ReasoningSignatures.Origin(Provider, call.Model, call.Key);
        Dictionary<string, string> names = [];
        IEnumerable<AIContent> contents = call.Messages.SelectMany(message => message.Contents);
        foreach (FunctionCallContent named in contents.OfType<FunctionCallContent>())
        {
            names[named.CallId] = named.Name;
        }

        writer.WriteStartArray("contents");
        string? openRole = null;
        foreach (ChatMessage message in call.Messages)
        {
            if (message.IsInstruction() || !message.Contents.Any(content => IsSent(content, origin)))
            {
                continue;
            }

            // The results of parallel calls must come back in one turn, so neighbours of one role share it.
            string role = message.Role == ChatRole.Assistant ? "model" : "user";
            if (role != openRole)
            {
                Close(writer, openRole);
                writer.WriteStartObject();
                writer.WriteString("role", role);
                writer.WriteStartArray("parts");
                openRole = role;
            }

            bool isFirstCall = true;
            foreach (AIContent content in message.Contents)
            {
                WritePart(writer, content, origin, names, call.Model, ref isFirstCall);
            }
        }

        Close(writer, openRole);
        if (openRole == "model")
        {
            WriteGoOn(writer);
        }

        writer.WriteEndArray();

        static void Close(Utf8JsonWriter writer, string? role)
        {
            if (role is not null)
            {
                writer.WriteEndArray();
                writer.WriteEndObject();
            }
        }
    }

    // A conversation that ends in the model's turn is refused; what its caller means is that the model goes on.
    private static void WriteGoOn(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("role", "user");
        writer.WriteStartArray("parts");
        WriteText(writer, "Continue.");
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    // A turn without parts, and a part with neither text nor anything else, are refused.
    private static bool IsSent(AIContent content, string origin) => content switch
    {
        TextContent text => text.Text.Length > 0,
        TextReasoningContent thought => ReasoningSignatures.Open(origin, thought.ProtectedData) is not null,
        FunctionCallContent or FunctionResultContent or DataContent or UriContent => true,
        _ => false,
    };

    private void WritePart(
        Utf8JsonWriter writer, AIContent content, string origin, Dictionary<string, string> names, string model,
        ref bool isFirstCall)
    {
        switch (content)
        {
            case TextContent { Text.Length: > 0 } text:
                WriteText(writer, text.Text);
                break;
            case TextReasoningContent thought when ReasoningSignatures.Open(
                origin, thought.ProtectedData) is { } signature:
                writer.WriteStartObject();
                writer.WriteString("text", thought.Text);
                if (thought.Text.Length > 0)
                {
                    writer.WriteBoolean("thought", true);
                }

                writer.WriteString("thoughtSignature", signature);
                writer.WriteEndObject();
                break;
            case FunctionCallContent functionCall:
                WriteCall(writer, functionCall, origin, model, isFirstCall);
                isFirstCall = false;
                break;
            case FunctionResultContent result:
                WriteResult(writer, result, names);
                break;
            case DataContent or UriContent:
                WriteMedia(writer, content);
                break;
        }
    }

    private static void WriteMedia(Utf8JsonWriter writer, AIContent content)
    {
        writer.WriteStartObject();
        if (content is DataContent data)
        {
            writer.WriteStartObject("inlineData");
            writer.WriteString("mimeType", MediaTypes.Of(data.MediaType));
            writer.WriteBase64String("data", data.Data.Span);
            writer.WriteEndObject();
        }
        else if (content is UriContent uri)
        {
            writer.WriteStartObject("fileData");
            writer.WriteString("mimeType", MediaTypes.Of(uri.MediaType));
            writer.WriteString("fileUri", uri.Uri.AbsoluteUri);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteCall(
        Utf8JsonWriter writer, FunctionCallContent call, string origin, string model, bool isFirst)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("functionCall");
        WriteId(writer, call.CallId);
        writer.WriteString("name", call.Name);
        writer.WritePropertyName("args");
        JsonText.WriteArguments(writer, call.Arguments);
        writer.WriteEndObject();
        string? signature = ReasoningSignatures.Open(origin, ReasoningSignatures.Of(call));
        if (signature is null && isFirst && WantsSignatures(model))
        {
            signature = ForeignSignature;
        }

        if (signature is not null)
        {
            writer.WriteString("thoughtSignature", signature);
        }

        writer.WriteEndObject();
    }

    private void WriteResult(
        Utf8JsonWriter writer, FunctionResultContent result, Dictionary<string, string> names)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("functionResponse");
        WriteId(writer, result.CallId);
        writer.WriteString("name", names.GetValueOrDefault(result.CallId, result.CallId));
        writer.WritePropertyName("response");
        var outcome = ToolOutcome.Of(result, Accepts);
        if (result.Result is JsonElement { ValueKind: JsonValueKind.Object } element && !outcome.IsFailure
            && outcome.Media.Count == 0)
        {
            element.WriteTo(writer);
        }
        else
        {
            writer.WriteStartObject();
            if (outcome.IsFailure)
            {
                writer.WriteString("error", outcome.Text);
            }
            else if (outcome.Media.Count > 0 || result.Result is AIContent or IEnumerable<AIContent>)
            {
                writer.WriteString("result", outcome.Text);
            }
            else
            {
                writer.WritePropertyName("result");
                JsonText.Write(writer, result.Result);
            }

            writer.WriteEndObject();
        }

        if (outcome.Media.Count > 0)
        {
            writer.WriteStartArray("parts");
            foreach (AIContent media in outcome.Media)
            {
                WriteMedia(writer, media);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    // An id that was made up here means nothing to Gemini.
    private static void WriteId(Utf8JsonWriter writer, string id)
    {
        if (!id.StartsWith(GeminiStreamDecoder.MadeUpId, StringComparison.Ordinal))
        {
            writer.WriteString("id", id);
        }
    }

    private static bool WantsSignatures(string model) =>
        !model.Contains("gemini-1", StringComparison.Ordinal) && !model.Contains("gemini-2", StringComparison.Ordinal);

    private static void WriteText(Utf8JsonWriter writer, string text)
    {
        writer.WriteStartObject();
        writer.WriteString("text", text);
        writer.WriteEndObject();
    }

    private static void WriteTools(Utf8JsonWriter writer, ChatCall call)
    {
        if (call.Functions.Length == 0)
        {
            return;
        }

        writer.WriteStartArray("tools");
        writer.WriteStartObject();
        writer.WriteStartArray("functionDeclarations");
        foreach (AIFunctionDeclaration function in call.Functions)
        {
            WriteFunction(writer, function, "parametersJsonSchema");
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndArray();
        if (call.Options?.ToolMode is not { } mode)
        {
            return;
        }

        writer.WriteStartObject("toolConfig");
        writer.WriteStartObject("functionCallingConfig");
        writer.WriteString(
            "mode", mode switch { NoneChatToolMode => "NONE", RequiredChatToolMode => "ANY", _ => "AUTO" });
        if (mode is RequiredChatToolMode { RequiredFunctionName: { } required })
        {
            writer.WriteStartArray("allowedFunctionNames");
            writer.WriteStringValue(required);
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteConfiguration(Utf8JsonWriter writer, ChatCall call)
    {
        ChatOptions? options = call.Options;
        writer.WriteStartObject("generationConfig");
        writer.WriteNumber("maxOutputTokens", call.MaxOutputTokens);
        JsonNumbers.Write(writer, "temperature", call.Temperature);
        JsonNumbers.Write(writer, "topP", call.TopP);
        JsonNumbers.Write(writer, "topK", call.TopK);
        JsonNumbers.Write(writer, "seed", call.Seed);
        JsonNumbers.Write(writer, "presencePenalty", call.PresencePenalty);
        JsonNumbers.Write(writer, "frequencyPenalty", call.FrequencyPenalty);
        JsonNumbers.WriteStrings(writer, "stopSequences", options?.StopSequences);
        if (options?.ResponseFormat is ChatResponseFormatJson json)
        {
            writer.WriteString("responseMimeType", "application/json");
            if (json.Schema is { } schema)
            {
                writer.WritePropertyName("responseJsonSchema");
                JsonText.WriteSchema(writer, schema);
            }
        }

        if (options?.Reasoning is { } reasoning)
        {
            bool isShown = reasoning.Output is ReasoningOutput.Summary or ReasoningOutput.Full;
            GeminiThinking.Write(writer, call.Model, call.Effort, isShown);
        }

        writer.WriteEndObject();
    }
}
