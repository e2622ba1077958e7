using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Coach.Llm.Core;
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
    private const int MaxIdLength = 64;

    public override Uri BaseAddress => options.BaseUrl;

    public override Uri Address(string model, bool stream) =>
        ProviderAddress.Versioned(options.BaseUrl, "v1", "messages");

    public override void Sign(HttpRequestHeaders headers, ApiKey key)
    {
        headers.TryAddWithoutValidation("x-api-key", key.Secret.Reveal());
        headers.TryAddWithoutValidation("anthropic-version", options.Version);
    }

    public override bool Accepts(string mediaType) =>
        base.Accepts(mediaType) || MediaTypes.IsPdf(mediaType) || MediaTypes.IsText(mediaType);

    public override bool BeginsWithPerson => true;

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
        ChatMessage? last = call.Messages.LastOrDefault(message => !message.IsInstruction());
        foreach (ChatMessage message in call.Messages)
        {
            if (message.IsInstruction() || !message.Contents.Any(content => IsSent(content, origin)))
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

            // A turn that answers calls begins with their results.
            AIContent? end = message == last && role == "assistant" ? message.Contents[^1] : null;
            foreach (AIContent content in message.Contents
                .OrderBy(content => content is FunctionResultContent ? 0 : 1)
                .Where(content => IsSent(content, origin)))
            {
                WriteBlock(writer, content, origin, isEnd: content == end);
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
        TextContent text => !string.IsNullOrWhiteSpace(text.Text), // blocks of white space are refused
        TextReasoningContent thought => ReasoningSignatures.Open(origin, thought.ProtectedData) is not null,
        FunctionCallContent or FunctionResultContent or DataContent or UriContent => true,
        _ => false,
    };

    private void WriteBlock(Utf8JsonWriter writer, AIContent content, string origin, bool isEnd)
    {
        writer.WriteStartObject();
        switch (content)
        {
            case TextContent text:
                writer.WriteString("type", "text");
                writer.WriteString("text", isEnd ? text.Text.TrimEnd() : text.Text); // an answer begun ends in no space
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
                writer.WriteString("id", Id(call.CallId));
                writer.WriteString("name", call.Name);
                writer.WritePropertyName("input");
                JsonText.WriteArguments(writer, call.Arguments);
                break;
            case FunctionResultContent result:
                WriteResult(writer, result);
                break;
            case DataContent or UriContent:
                WriteMedia(writer, content);
                break;
        }

        writer.WriteEndObject();
    }

    // The API takes letters, digits, '_' and '-' alone.
    private static string Id(string id) => ToolCallIds.Fit(id, MaxIdLength, onlyWords: true);

    private void WriteResult(Utf8JsonWriter writer, FunctionResultContent result)
    {
        var outcome = ToolOutcome.Of(result, Accepts);
        writer.WriteString("type", "tool_result");
        writer.WriteString("tool_use_id", Id(result.CallId));
        if (outcome.Media.Count == 0)
        {
            writer.WriteString("content", outcome.Text);
        }
        else
        {
            writer.WriteStartArray("content");
            if (!string.IsNullOrWhiteSpace(outcome.Text))
            {
                writer.WriteStartObject();
                writer.WriteString("type", "text");
                writer.WriteString("text", outcome.Text);
                writer.WriteEndObject();
            }

            foreach (AIContent media in outcome.Media)
            {
                writer.WriteStartObject();
                WriteMedia(writer, media);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        if (outcome.IsFailure)
        {
            writer.WriteBoolean("is_error", true);
        }
    }

    private static void WriteMedia(Utf8JsonWriter writer, AIContent content)
    {
        string type = MediaTypes.Of((content as DataContent)?.MediaType ?? ((UriContent)content).MediaType);
        bool isDocument = MediaTypes.IsPdf(type) || MediaTypes.IsText(type);
        writer.WriteString("type", isDocument ? "document" : "image");
        writer.WriteStartObject("source");
        switch (content)
        {
            case DataContent text when MediaTypes.IsText(type):
                writer.WriteString("type", "text");
                writer.WriteString("media_type", "text/plain");
                writer.WriteString("data", Encoding.UTF8.GetString(text.Data.Span));
                break;
            case DataContent data:
                writer.WriteString("type", "base64");
                writer.WriteString("media_type", type);
                writer.WriteBase64String("data", data.Data.Span);
                break;
            case UriContent uri:
                writer.WriteString("type", "url");
                writer.WriteString("url", uri.Uri.AbsoluteUri);
                break;
        }

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

    public override (float? Temperature, float? TopP) Sampling(ChatCall call) => TakesSampling(call)
        ? (call.Temperature is { } temperature ? Math.Min(temperature, 1) : null, call.TopP)
        : (null, null);

    public override RequestParameters Carried(ChatCall call)
    {
        RequestParameters carried = base.Carried(call);
        if (!TakesSampling(call))
        {
            carried &= ~(RequestParameters.Temperature | RequestParameters.TopP | RequestParameters.TopK);
        }

        return Effort(call) is null ? carried & ~RequestParameters.Effort : carried;
    }

    // Models before 4.6 know no effort, only a budget of tokens; they say so when they are asked.
    public override RequestParameters GiveUp(RequestParameters refused, RequestParameters without) =>
        refused.HasFlag(RequestParameters.Effort) && !without.HasFlag(RequestParameters.OlderEffort)
            ? (refused & ~RequestParameters.Effort) | RequestParameters.OlderEffort
            : refused;

    // Thinking and the newer versions of the API refuse sampling settings.
    private bool TakesSampling(ChatCall call) =>
        Effort(call) is null && string.CompareOrdinal(options.Version, WithoutSampling) < 0;

    private void WriteSettings(Utf8JsonWriter writer, ChatCall call)
    {
        string? effort = Effort(call);
        if (effort is not null)
        {
            writer.WriteStartObject("thinking");
            if (call.Without.HasFlag(RequestParameters.OlderEffort))
            {
                writer.WriteString("type", "enabled");
                writer.WriteNumber("budget_tokens", ThinkingBudget(call));
            }
            else
            {
                writer.WriteString("type", "adaptive");
            }

            writer.WriteEndObject();
        }

        if (TakesSampling(call))
        {
            (float? temperature, float? topP) = Sampling(call);
            JsonNumbers.Write(writer, "temperature", temperature);
            JsonNumbers.Write(writer, "top_p", topP);
            JsonNumbers.Write(writer, "top_k", call.TopK);
        }

        // What ends an answer must hold something to be seen.
        JsonNumbers.WriteStrings(
            writer, "stop_sequences",
            call.Options?.StopSequences?.Where(stop => !string.IsNullOrWhiteSpace(stop)).ToList());
        var schema = (call.Options?.ResponseFormat as ChatResponseFormatJson)?.Schema;
        effort = call.Without.HasFlag(RequestParameters.OlderEffort) ? null : effort;
        if (schema is null && effort is null)
        {
            return;
        }

        writer.WriteStartObject("output_config");
        if (effort is not null)
        {
            writer.WriteString("effort", effort);
        }

        if (schema is { } closed)
        {
            writer.WriteStartObject("format");
            writer.WriteString("type", "json_schema");
            writer.WritePropertyName("schema");
            ClosedSchema.Write(writer, closed);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static string? Effort(ChatCall call)
    {
        string? effort = call.Effort switch
        {
            ReasoningEffort.Low => "low",
            ReasoningEffort.Medium => "medium",
            ReasoningEffort.High => "high",
            ReasoningEffort.ExtraHigh => "xhigh",
            _ => null,
        };

        // As a budget it needs room: the least is 1,024 tokens, and an answer has to fit behind it.
        return effort is not null && call.Without.HasFlag(RequestParameters.OlderEffort)
            && ThinkingBudget(call) < LeastThinkingTokens ? null : effort;
    }

    private static int ThinkingBudget(ChatCall call) => call.Effort switch
    {
        ReasoningEffort.Low => call.MaxOutputTokens / 4,
        ReasoningEffort.Medium => call.MaxOutputTokens / 2,
        _ => call.MaxOutputTokens / 4 * 3,
    };
}
