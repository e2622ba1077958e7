using System.Net.Http.Headers;
using System.Text.Json;
using Coach.Llm.Json;
using Coach.Llm.Providers;
using Coach.Llm.Streaming;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Protocols.OpenAI;

/// <summary>OpenAI's chat completions and the servers that speak the same: OpenRouter, LiteLLM and others.</summary>
internal sealed class OpenAIChatProtocol(
    string provider, OpenAIOptions options, string prefix) : ChatProtocol(provider, options.Model)
{
    public override Uri BaseAddress => options.BaseUrl
        ?? throw new InvalidOperationException(
            $"Provider '{Provider}' has no address. Set Coach:Llm:OpenAICompatible:BaseUrl or LITELLM_API_BASE.");

    public override Uri? Server => options.BaseUrl;

    public override Uri Address(string model, bool stream) =>
        ProviderAddress.Prefixed(BaseAddress, prefix, "chat/completions");

    public override void Sign(HttpRequestHeaders headers, ApiKey key) =>
        headers.TryAddWithoutValidation("Authorization", "Bearer " + key.Secret.Reveal());

    public override StreamDecoder CreateDecoder(ChatCall call) => new OpenAIStreamDecoder(call.EarlierCalls);

    public override void Write(Utf8JsonWriter writer, ChatCall call)
    {
        writer.WriteStartObject();
        writer.WriteString("model", call.Model);
        writer.WriteStartArray("messages");
        if (call.Options?.Instructions is { Length: > 0 } instructions)
        {
            WriteText(writer, "system", instructions);
        }

        foreach (ChatMessage message in call.Messages)
        {
            WriteMessage(writer, message);
        }

        writer.WriteEndArray();
        WriteTools(writer, call);
        WriteSettings(writer, call);
        if (call.Stream)
        {
            writer.WriteBoolean("stream", true);
            writer.WriteStartObject("stream_options");
            writer.WriteBoolean("include_usage", true);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteMessage(Utf8JsonWriter writer, ChatMessage message)
    {
        foreach (FunctionResultContent result in message.Contents.OfType<FunctionResultContent>())
        {
            writer.WriteStartObject();
            writer.WriteString("role", "tool");
            writer.WriteString("tool_call_id", result.CallId);
            writer.WriteString(
                "content", result.Exception is not null ? "The function failed." : JsonText.Of(result.Result));
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
            WriteParts(writer, message);
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
            WriteCalls(writer, calls);
        }

        writer.WriteEndObject();
    }

    private static string RoleOf(ChatMessage message) => message.Role.Value switch
    {
        "assistant" => "assistant",
        "system" => "system",
        _ => "user",
    };

    private static void WriteCalls(Utf8JsonWriter writer, FunctionCallContent[] calls)
    {
        writer.WriteStartArray("tool_calls");
        foreach (FunctionCallContent call in calls)
        {
            writer.WriteStartObject();
            writer.WriteString("id", call.CallId);
            writer.WriteString("type", "function");
            writer.WriteStartObject("function");
            writer.WriteString("name", call.Name);
            writer.WriteString("arguments", JsonText.OfArguments(call.Arguments));
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteParts(Utf8JsonWriter writer, ChatMessage message)
    {
        writer.WriteStartArray("content");
        foreach (AIContent content in message.Contents)
        {
            string? url = content switch
            {
                DataContent data => data.Uri,
                UriContent uri => uri.Uri.AbsoluteUri,
                _ => null,
            };
            if (url is not null)
            {
                writer.WriteStartObject();
                writer.WriteString("type", "image_url");
                writer.WriteStartObject("image_url");
                writer.WriteString("url", url);
                writer.WriteEndObject();
                writer.WriteEndObject();
            }
            else if (content is TextContent text)
            {
                writer.WriteStartObject();
                writer.WriteString("type", "text");
                writer.WriteString("text", text.Text);
                writer.WriteEndObject();
            }
        }

        writer.WriteEndArray();
    }

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
        writer.WriteNumber(
            Provider == ProviderNames.OpenAI ? "max_completion_tokens" : "max_tokens", call.MaxOutputTokens);
        JsonNumbers.Write(writer, "temperature", call.Temperature);
        JsonNumbers.Write(writer, "top_p", chat?.TopP);
        JsonNumbers.Write(writer, "frequency_penalty", chat?.FrequencyPenalty);
        JsonNumbers.Write(writer, "presence_penalty", chat?.PresencePenalty);
        JsonNumbers.Write(writer, "seed", chat?.Seed);
        JsonNumbers.WriteStrings(writer, "stop", chat?.StopSequences);
        if (chat?.Reasoning?.Effort is { } effort)
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
}
