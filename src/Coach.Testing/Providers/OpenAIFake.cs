using System.Text.Json.Nodes;

namespace Coach.Testing.Providers;

/// <summary>OpenAI's chat completions, responses and embeddings, and the providers that speak the same: OpenRouter and
/// LiteLLM.</summary>
internal static class OpenAIFake
{
    public static FakeReply Answer(FakeCall call)
    {
        string path = call.Request.Path;
        foreach (string version in (ReadOnlySpan<string>)["/api/v1", "/v1"])
        {
            if (path.StartsWith(version + "/", StringComparison.Ordinal))
            {
                path = path[version.Length..];
                break;
            }
        }

        return (call.Request.Method, path) switch
        {
            ("GET", "/models") => FakeReply.Json(200,
                """{"object":"list","data":[{"id":"gpt-fixture","object":"model","created":1686935002,"owned_by":"openai"}]}"""),
            ("GET", "/key") when call.Provider == "openrouter" => FakeReply.Json(200,
                """{"data":{"label":"sk-or-v1-fix...001","limit":100,"limit_remaining":74.5,"limit_reset":"monthly","usage":25.5,"is_free_tier":false,"is_management_key":false,"is_provisioning_key":false,"expires_at":null}}"""),
            ("GET", "/key/info") when call.Provider == "openai-compatible" => FakeReply.Json(200,
                """{"key":"0000000000000000000000000000000000000000000000000000000000000000","info":{"key_name":"sk-...0001","spend":0.5,"max_budget":10.0,"expires":null,"models":["team-model"],"blocked":null}}"""),
            ("POST", "/key/health") when call.Provider == "openai-compatible" => FakeReply.Json(200,
                """{"key":"healthy","logging_callbacks":{"callbacks":[],"status":"healthy","details":""}}"""),
            ("POST", "/chat/completions") => Chat(call),
            ("POST", "/responses") => OpenAIResponsesFake.Answer(call),
            ("POST", "/embeddings") => Embed(call),
            _ => FakeReply.Json(404, """{"detail":"Not Found"}"""),
        };
    }

    private static FakeReply Chat(FakeCall call)
    {
        string? model = (string?)call.Body?["model"];
        if (model is null || call.Body!["messages"] is not JsonArray { Count: > 0 })
        {
            return ProviderErrorBodies.OpenAIError(
                400, "invalid_request_error", "null", "you must provide a model parameter and messages");
        }

        ScriptedAnswer answer = call.NextAnswer();
        if (answer.RawBody is { } raw)
        {
            return FakeReply.Text(raw, answer.RawContentType);
        }

        model = answer.Model ?? model;
        string id = $"chatcmpl-{call.Number}";
        string finish = answer.BlockReason is not null
            ? "content_filter"
            : answer.Finish ?? (answer.HasToolCalls ? "tool_calls" : "stop");
        if ((bool?)call.Body["stream"] != true)
        {
            return FakeReply.Json(Whole(answer, model, id, finish));
        }

        bool withUsage = (bool?)call.Body["stream_options"]?["include_usage"] == true;
        return FakeReply.Stream([.. Events(answer, model, id, finish, withUsage)]);
    }

    private static JsonObject Whole(ScriptedAnswer answer, string model, string id, string finish)
    {
        var message = new JsonObject
        {
            ["role"] = "assistant",
            ["content"] = Text(answer) is { Length: > 0 } text ? text : null,
        };
        if (answer.HasToolCalls)
        {
            message["tool_calls"] = new JsonArray(
                [.. Calls(answer).Select(part => (JsonNode)ToolCall(part.Part, part.Index, part.Part.Value))]);
        }

        return new JsonObject
        {
            ["id"] = id,
            ["object"] = "chat.completion",
            ["created"] = 1770000000,
            ["model"] = model,
            ["choices"] =
                new JsonArray(new JsonObject { ["index"] = 0, ["message"] = message, ["finish_reason"] = finish }),
            ["usage"] = Usage(answer),
        };
    }

    private static IEnumerable<string> Events(
        ScriptedAnswer answer, string model, string id, string finish, bool withUsage)
    {
        string Event(JsonObject? delta, string? finishReason, JsonObject? usage = null) =>
            "data: " + FakeReply.Text(new JsonObject
            {
                ["id"] = id,
                ["object"] = "chat.completion.chunk",
                ["created"] = 1770000000,
                ["model"] = model,
                ["choices"] = delta is null
                ? new JsonArray()
                : new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = finishReason }),
                ["usage"] = usage,
            }) + "\n\n";

        yield return Event(new JsonObject { ["role"] = "assistant", ["content"] = "" }, null);
        foreach (string word in ScriptedAnswer.Words(Text(answer)))
        {
            yield return Event(new JsonObject { ["content"] = word }, null);
        }

        foreach ((ScriptedAnswer.AnswerPart part, int index) in Calls(answer))
        {
            yield return Event(new JsonObject { ["tool_calls"] = new JsonArray(ToolCall(part, index, "")) }, null);
            int half = part.Value.Length / 2;
            foreach (string piece in (string[])[part.Value[..half], part.Value[half..]])
            {
                var fragment =
                    new JsonObject { ["index"] = index, ["function"] = new JsonObject { ["arguments"] = piece } };
                yield return Event(new JsonObject { ["tool_calls"] = new JsonArray(fragment) }, null);
            }
        }

        yield return Event([], finish);
        if (withUsage)
        {
            yield return Event(null, null, Usage(answer));
        }

        yield return "data: [DONE]\n\n";
    }

    private static JsonObject ToolCall(ScriptedAnswer.AnswerPart part, int index, string arguments) => new()
    {
        ["index"] = index,
        ["id"] = part.Id ?? $"call_{index}",
        ["type"] = "function",
        ["function"] = new JsonObject { ["name"] = part.Name, ["arguments"] = arguments },
    };

    private static IEnumerable<(ScriptedAnswer.AnswerPart Part, int Index)> Calls(ScriptedAnswer answer) =>
        answer.Parts.Where(part => part.Kind == ScriptedAnswer.PartKind.ToolCall)
            .Select((part, index) => (part, index));

    private static string Text(ScriptedAnswer answer) =>
        string.Concat(answer.Parts.Where(part => part.Kind == ScriptedAnswer.PartKind.Text).Select(part => part.Value));

    private static JsonObject Usage(ScriptedAnswer answer) => new()
    {
        ["prompt_tokens"] = answer.InputTokens,
        ["completion_tokens"] = answer.OutputTokens + answer.ThoughtTokens,
        ["total_tokens"] = answer.InputTokens + answer.OutputTokens + answer.ThoughtTokens,
        ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = answer.CachedTokens },
        ["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = answer.ThoughtTokens },
    };

    private static FakeReply Embed(FakeCall call)
    {
        string[] inputs = call.Body?["input"] switch
        {
            JsonArray array => [.. array.Select(item => (string)item!)],
            JsonValue single => [(string)single!],
            _ => [],
        };
        if (inputs.Length is 0 or > 2048)
        {
            return ProviderErrorBodies.OpenAIError(
                400, "invalid_request_error", "null", "input must hold 1 to 2048 texts");
        }

        int dimensions = (int?)call.Body!["dimensions"] ?? 1536;
        return FakeReply.Json(new JsonObject
        {
            ["object"] = "list",
            ["data"] = new JsonArray([.. inputs.Select((input, index) => (JsonNode)new JsonObject
            {
                ["object"] = "embedding",
                ["index"] = index,
                ["embedding"] =
                    new JsonArray([.. FakeVectors.Of(input, dimensions, 1f).Select(value => (JsonNode)value)]),
            })]),
            ["model"] = (string?)call.Body["model"],
            ["usage"] = new JsonObject { ["prompt_tokens"] = inputs.Length * 3, ["total_tokens"] = inputs.Length * 3 },
        });
    }
}
