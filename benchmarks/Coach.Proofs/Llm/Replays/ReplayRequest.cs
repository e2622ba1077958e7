using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coach.Abstractions;
using Microsoft.Extensions.AI;

namespace Coach.Proofs.Llm.Replays;

/// <summary>What a case asks for, in Microsoft.Extensions.AI's types.</summary>
internal static class ReplayRequest
{
    public static List<ChatMessage> Messages(JsonArray messages)
    {
        if (messages.Count == 0)
        {
            return [new ChatMessage(ChatRole.User, "hello")];
        }

        return [.. messages.OfType<JsonObject>().Select(message => new ChatMessage(
            new ChatRole(message.Text("role") ?? "user"),
            [.. (message["contents"] as JsonArray ?? [message["content"]?.DeepClone() ?? message["text"]?.DeepClone()]).Select(Content)]))];
    }

    public static ChatOptions Options(ReplayCase replay)
    {
        JsonObject json = replay.Options;
        var options = new ChatOptions
        {
            ModelId = json.Text("model"),
            Instructions = json.Text("instructions"),
            MaxOutputTokens = json.Number("maxOutputTokens"),
            Temperature = Real(json, "temperature"),
            TopP = Real(json, "topP"),
            TopK = json.Number("topK"),
            Seed = json.Number("seed"),
            FrequencyPenalty = Real(json, "frequencyPenalty"),
            PresencePenalty = Real(json, "presencePenalty"),
            AllowMultipleToolCalls = json.Flag("parallel") ?? json.Flag("allowMultipleToolCalls"),
            StopSequences = json["stop"] is { } stop ? [.. stop.AsTexts()] : null,
            ToolMode = json.Text("toolMode") switch
            {
                null => null,
                "auto" => ChatToolMode.Auto,
                "none" => ChatToolMode.None,
                "required" or "any" => ChatToolMode.RequireAny,
                var name => ChatToolMode.RequireSpecific(name),
            },
        };
        if (Enum.TryParse(json.Text("effort"), ignoreCase: true, out ReasoningEffort effort))
        {
            options.Reasoning = new ReasoningOptions { Effort = effort };
        }

        if (Enum.TryParse(json.Text("reasoningOutput"), ignoreCase: true, out ReasoningOutput output))
        {
            (options.Reasoning ??= new ReasoningOptions()).Output = output;
        }

        if (json.Text("schemaOf") is not null)
        {
            options.ResponseFormat = ChatResponseFormat.ForJsonSchema<Person>();
        }
        else if (json.Text("responseFormat") == "json" || json.Flag("json") == true)
        {
            options.ResponseFormat = ChatResponseFormat.Json;
        }

        if (json["additional"] is JsonObject additional)
        {
            options.AdditionalProperties = [];
            foreach ((string name, JsonNode? value) in additional)
            {
                options.AdditionalProperties[name] = value is null ? null : JsonSerializer.SerializeToElement(value);
            }
        }

        if (replay.Tools.Count > 0)
        {
            options.Tools = [.. replay.Tools.OfType<JsonObject>().Select(tool => new ReplayTool(tool))];
        }

        return options;
    }

    public static EmbeddingGenerationOptions? EmbeddingOptions(JsonObject json)
    {
        if (json.Count == 0)
        {
            return null;
        }

        var options = new EmbeddingGenerationOptions { ModelId = json.Text("model"), Dimensions = json.Number("dimensions") };
        if (Enum.TryParse(json.Text("task"), ignoreCase: true, out EmbeddingTask task))
        {
            (options.AdditionalProperties ??= [])[EmbeddingTaskProperty.Name] = task;
        }

        return options;
    }

    private static float? Real(JsonObject json, string name) =>
        float.TryParse(json.Text(name), NumberStyles.Float, CultureInfo.InvariantCulture, out float number) ? number : null;

    private static AIContent Content(JsonNode? node)
    {
        if (node is not JsonObject json)
        {
            return new TextContent(node.AsText() ?? "");
        }

        if (json.Text("call") is { } name)
        {
            var arguments = (json["arguments"] as JsonObject ?? json["args"] as JsonObject ?? [])
                .ToDictionary(argument => argument.Key, argument => (object?)argument.Value?.DeepClone());
            return new FunctionCallContent(json.Text("id") ?? "call_1", name, arguments);
        }

        if (json.ContainsKey("result"))
        {
            return new FunctionResultContent(json.Text("id") ?? "call_1", json["result"] is JsonValue value ? value.AsText() : json["result"]?.DeepClone());
        }

        if (json.Text("thought") is { } thought || (thought = json.Text("reasoning")!) is not null)
        {
            return new TextReasoningContent(thought) { ProtectedData = json.Text("signature") ?? json.Text("protectedData") };
        }

        if ((json.Text("image") ?? json.Text("data")) is { } data)
        {
            return data.StartsWith("data:", StringComparison.Ordinal)
                ? new DataContent(data)
                : new DataContent(Convert.FromBase64String(data), json.Text("mediaType") ?? "image/png");
        }

        return json.Text("uri") is { } uri
            ? new UriContent(uri, json.Text("mediaType") ?? "image/png")
            : new TextContent(json.Text("text") ?? "");
    }

    internal sealed record Home(string Street, string? Town);

    internal sealed record Person(string Name, Home Home);

    private sealed class ReplayTool(JsonObject tool) : AIFunction
    {
        private static readonly JsonElement Schema =
            JsonElement.Parse("""{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}""");

        public override string Name { get; } = tool.Text("name") ?? "get_weather";

        public override string Description => "A tool of the case.";

        public override JsonElement JsonSchema { get; } =
            tool["schema"] is { } schema ? JsonSerializer.SerializeToElement(schema) : Schema;

        protected override ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken)
        {
            if (tool.Text("throws") is { } message)
            {
                throw new InvalidOperationException(message);
            }

            if (tool.Text("resultImage") is { } image)
            {
                return ValueTask.FromResult<object?>(new DataContent(Convert.FromBase64String(image), "image/png"));
            }

            return ValueTask.FromResult<object?>(tool["result"] is JsonValue value ? value.AsText() : tool["result"]?.DeepClone());
        }
    }
}
