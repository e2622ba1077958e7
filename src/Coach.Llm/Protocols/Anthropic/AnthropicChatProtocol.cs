using System.Net.Http.Headers;
using System.Text.Json;
using Coach.Llm.Json;
using Coach.Llm.Providers;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.Anthropic;

/// <summary>Anthropic's messages API (docs.anthropic.com, "Messages", version 2023-06-01 unless configured).</summary>
internal sealed class AnthropicChatProtocol(
    AnthropicOptions options) : ChatProtocol(ProviderNames.Anthropic, options.Model)
{
    /// <summary>From this version on the sampling settings are refused.</summary>
    private const string WithoutSampling = "2026-10-21";

    private const int LeastThinkingTokens = 1024;

    public override Uri BaseAddress => options.BaseUrl;

    public override Uri Address(string model, bool stream) =>
        ProviderAddress.Versioned(options.BaseUrl, "v1", "messages");

    public override void Sign(HttpRequestHeaders headers, ApiKey key)
    {
        headers.TryAddWithoutValidation("x-api-key", key.Secret.Reveal());
        headers.TryAddWithoutValidation("anthropic-version", options.Version);
    }

    public override bool Accepts(string mediaType) => base.Accepts(mediaType) || IsPdf(mediaType);

    public override StreamDecoder CreateDecoder(ChatCall call) =>
        new AnthropicStreamDecoder(ReasoningSignatures.Origin(Provider, call.Model, call.Key), call.EarlierCalls);

    public override void Write(Utf8JsonWriter writer, ChatCall call)
    {
        writer.WriteStartObject();
        writer.WriteString("model", call.Model);
        writer.WriteNumber("max_tokens", call.MaxOutputTokens);
        if (call.System is { } system)
        {
            writer.WriteString("system", system);
        }

        WriteMessages(writer, call);
        WriteTools(writer, call);
        WriteSettings(writer, call);
        if (call.Stream)
        {
            writer.WriteBoolean("stream", true);
        }

        writer.WriteEndObject();
    }

    private void WriteMessages(Utf8JsonWriter writer, ChatCall call)
    {
        string origin = ReasoningSignatures.Origin(Provider, call.Model, call.Key);
        writer.WriteStartArray("messages");
        string? openRole = null;
        foreach (ChatMessage message in call.Messages)
        {
            if (message.Role == ChatRole.System || !message.Contents.Any(content => IsSent(content, origin)))
            {
                continue;
            }

            // Roles must alternate, and the results of parallel calls must come back in one turn.
            string role = message.Role == ChatRole.Assistant ? "assistant" : "user";
            if (role != openRole)
            {
                Close(writer, openRole);
                writer.WriteStartObject();
                writer.WriteString("role", role);
                writer.WriteStartArray("content");
                openRole = role;
            }

            foreach (AIContent content in message.Contents)
            {
                if (IsSent(content, origin))
                {
                    WriteBlock(writer, content, origin);
                }
            }
        }

        Close(writer, openRole);
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

    private static bool IsSent(AIContent content, string origin) => content switch
    {
        TextContent text => text.Text.Length > 0, // empty text blocks are refused
        TextReasoningContent thought => ReasoningSignatures.Open(origin, thought.ProtectedData) is not null,
        FunctionCallContent or FunctionResultContent => true,
        DataContent or UriContent => true,
        _ => false,
    };

    private static void WriteBlock(Utf8JsonWriter writer, AIContent content, string origin)
    {
        writer.WriteStartObject();
        switch (content)
        {
            case TextContent text:
                writer.WriteString("type", "text");
                writer.WriteString("text", text.Text);
                break;
            case TextReasoningContent thought:
                string signature = ReasoningSignatures.Open(origin, thought.ProtectedData)!;
                if (signature.StartsWith(AnthropicStreamDecoder.Redacted, StringComparison.Ordinal))
                {
                    writer.WriteString("type", "redacted_thinking");
                    writer.WriteString("data", signature[AnthropicStreamDecoder.Redacted.Length..]);
                }
                else
                {
                    writer.WriteString("type", "thinking");
                    writer.WriteString("thinking", thought.Text);
                    writer.WriteString("signature", signature);
                }

                break;
            case FunctionCallContent call:
                writer.WriteString("type", "tool_use");
                writer.WriteString("id", call.CallId);
                writer.WriteString("name", call.Name);
                writer.WritePropertyName("input");
                JsonText.WriteArguments(writer, call.Arguments);
                break;
            case FunctionResultContent result:
                writer.WriteString("type", "tool_result");
                writer.WriteString("tool_use_id", result.CallId);
                writer.WriteString(
                    "content", result.Exception is not null ? "The function failed." : JsonText.Of(result.Result));
                if (result.Exception is not null)
                {
                    writer.WriteBoolean("is_error", true);
                }

                break;
            case DataContent data:
                writer.WriteString("type", IsPdf(data.MediaType) ? "document" : "image");
                writer.WriteStartObject("source");
                writer.WriteString("type", "base64");
                writer.WriteString("media_type", data.MediaType);
                writer.WriteBase64String("data", data.Data.Span);
                writer.WriteEndObject();
                break;
            case UriContent uri:
                writer.WriteString("type", IsPdf(uri.MediaType) ? "document" : "image");
                writer.WriteStartObject("source");
                writer.WriteString("type", "url");
                writer.WriteString("url", uri.Uri.AbsoluteUri);
                writer.WriteEndObject();
                break;
        }

        writer.WriteEndObject();
    }

    private static bool IsPdf(string mediaType) =>
        mediaType.Equals("application/pdf", StringComparison.OrdinalIgnoreCase);

    private static void WriteTools(Utf8JsonWriter writer, ChatCall call)
    {
        if (call.Functions.Length == 0)
        {
            return;
        }

        writer.WriteStartArray("tools");
        foreach (AIFunctionDeclaration function in call.Functions)
        {
            WriteFunction(writer, function, "input_schema");
        }

        writer.WriteEndArray();
        if (call.Options?.ToolMode is null && call.Options?.AllowMultipleToolCalls is null)
        {
            return;
        }

        writer.WriteStartObject("tool_choice");
        switch (call.Options?.ToolMode)
        {
            case NoneChatToolMode:
                writer.WriteString("type", "none");
                break;
            case RequiredChatToolMode { RequiredFunctionName: { } name }:
                writer.WriteString("type", "tool");
                writer.WriteString("name", name);
                break;
            case RequiredChatToolMode:
                writer.WriteString("type", "any");
                break;
            default:
                writer.WriteString("type", "auto");
                break;
        }

        if (call.Options?.AllowMultipleToolCalls == false && call.Options.ToolMode is not NoneChatToolMode)
        {
            writer.WriteBoolean("disable_parallel_tool_use", true);
        }

        writer.WriteEndObject();
    }

    public override (float? Temperature, float? TopP) Sampling(ChatCall call) => TakesSampling(ThinkingBudget(call))
        ? (call.Temperature is { } temperature ? Math.Min(temperature, 1) : null, call.Options?.TopP)
        : (null, null);

    // Thinking and the newer versions of the API refuse sampling settings.
    private bool TakesSampling(int? thinkingBudget) =>
        thinkingBudget is null && string.CompareOrdinal(options.Version, WithoutSampling) < 0;

    private void WriteSettings(Utf8JsonWriter writer, ChatCall call)
    {
        int? budget = ThinkingBudget(call);
        if (budget is { } tokens)
        {
            writer.WriteStartObject("thinking");
            writer.WriteString("type", "enabled");
            writer.WriteNumber("budget_tokens", tokens);
            writer.WriteEndObject();
        }

        if (TakesSampling(budget))
        {
            (float? temperature, float? topP) = Sampling(call);
            JsonNumbers.Write(writer, "temperature", temperature);
            JsonNumbers.Write(writer, "top_p", topP);
            JsonNumbers.Write(writer, "top_k", call.Options?.TopK);
        }

        JsonNumbers.WriteStrings(writer, "stop_sequences", call.Options?.StopSequences);
        if (call.Options?.ResponseFormat is ChatResponseFormatJson { Schema: { } schema })
        {
            writer.WriteStartObject("output_config");
            writer.WriteStartObject("format");
            writer.WriteString("type", "json_schema");
            writer.WritePropertyName("schema");
            schema.WriteTo(writer);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
    }

    private static int? ThinkingBudget(ChatCall call)
    {
        int? share = call.Options?.Reasoning?.Effort switch
        {
            ReasoningEffort.Low => call.MaxOutputTokens / 4,
            ReasoningEffort.Medium => call.MaxOutputTokens / 2,
            ReasoningEffort.High or ReasoningEffort.ExtraHigh => call.MaxOutputTokens / 4 * 3,
            _ => null,
        };
        return share >= LeastThinkingTokens ? share : null;
    }
}
