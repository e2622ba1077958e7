using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Coach.Llm;

/// <summary>Tools and settings of a request.</summary>
internal sealed partial class GeminiChatWire
{
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
        writer.WriteString("mode", mode switch { NoneChatToolMode => "NONE", RequiredChatToolMode => "ANY", _ => "AUTO" });
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
        JsonNumbers.Write(writer, "topP", options?.TopP);
        JsonNumbers.Write(writer, "topK", options?.TopK);
        JsonNumbers.Write(writer, "seed", options?.Seed);
        JsonNumbers.Write(writer, "presencePenalty", options?.PresencePenalty);
        JsonNumbers.Write(writer, "frequencyPenalty", options?.FrequencyPenalty);
        JsonNumbers.WriteStrings(writer, "stopSequences", options?.StopSequences);
        if (options?.ResponseFormat is ChatResponseFormatJson json)
        {
            writer.WriteString("responseMimeType", "application/json");
            if (json.Schema is { } schema)
            {
                writer.WritePropertyName("responseJsonSchema");
                schema.WriteTo(writer);
            }
        }

        if (options?.Reasoning is { } reasoning)
        {
            writer.WriteStartObject("thinkingConfig");
            string? level = reasoning.Effort switch
            {
                ReasoningEffort.None => "MINIMAL",
                ReasoningEffort.Low => "LOW",
                ReasoningEffort.Medium => "MEDIUM",
                ReasoningEffort.High or ReasoningEffort.ExtraHigh => "HIGH",
                _ => null,
            };
            if (level is not null)
            {
                writer.WriteString("thinkingLevel", level);
            }

            writer.WriteBoolean("includeThoughts", reasoning.Output is ReasoningOutput.Summary or ReasoningOutput.Full);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}
