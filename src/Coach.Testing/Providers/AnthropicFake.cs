using System.Text.Json.Nodes;

namespace Coach.Testing.Providers;

/// <summary>Anthropic's messages API, as far as a chat app calls it.</summary>
internal static class AnthropicFake
{
    private const string WithoutSampling = "2026-10-21";

    public static FakeReply Answer(FakeCall call)
    {
        string? version = call.Header("anthropic-version");
        if (version is null)
        {
            return ProviderErrorBodies.AnthropicError(
                400, "invalid_request_error", "anthropic-version: header is required");
        }

        return (call.Request.Method, call.Request.Path) switch
        {
            ("GET", "/v1/models") => FakeReply.Json(200,
                """{"data":[{"type":"model","id":"claude-haiku-4-5","display_name":"Claude Haiku 4.5","created_at":"2025-10-01T00:00:00Z"}],"has_more":false,"first_id":"claude-haiku-4-5","last_id":"claude-haiku-4-5"}"""),
            ("POST", "/v1/messages/count_tokens") => FakeReply.Json(200, """{"input_tokens":8}"""),
            ("POST", "/v1/messages") => Chat(call, version),
            _ => ProviderErrorBodies.AnthropicError(404, "not_found_error", "Not found"),
        };
    }

    private static FakeReply Chat(FakeCall call, string version)
    {
        string? model = (string?)call.Body?["model"];
        if (model is null || call.Body!["messages"] is not JsonArray { Count: > 0 } || call.Body["max_tokens"] is null)
        {
            return ProviderErrorBodies.AnthropicError(
                400, "invalid_request_error", "model, max_tokens and messages: field required");
        }

        if (string.CompareOrdinal(version, WithoutSampling) >= 0
            && (call.Body["temperature"] ?? call.Body["top_p"] ?? call.Body["top_k"]) is not null)
        {
            return ProviderErrorBodies.AnthropicError(
                400, "invalid_request_error", "temperature: Extra inputs are not permitted");
        }

        ScriptedAnswer answer = call.NextAnswer();
        if (answer.RawBody is { } raw)
        {
            return FakeReply.Text(raw, answer.RawContentType);
        }

        string finish = answer.BlockReason is not null
            ? "refusal"
            : answer.Finish ?? (answer.HasToolCalls ? "tool_use" : "end_turn");
        var message = new JsonObject
        {
            ["id"] = $"msg_{call.Number}",
            ["type"] = "message",
            ["role"] = "assistant",
            ["model"] = answer.Model ?? model,
            ["content"] = new JsonArray(),
            ["stop_reason"] = null,
            ["stop_sequence"] = null,
            ["usage"] = Usage(answer, 1),
        };
        if ((bool?)call.Body["stream"] == true)
        {
            return FakeReply.Stream([.. Events(answer, message, finish)]);
        }

        message["content"] =
            new JsonArray([.. answer.Parts.Select((part, index) => (JsonNode)Block(part, index, whole: true))]);
        message["stop_reason"] = finish;
        message["usage"] = Usage(answer, answer.OutputTokens + answer.ThoughtTokens);
        return FakeReply.Json(message, ("request-id", "req_fixture0001"));
    }

    private static IEnumerable<string> Events(ScriptedAnswer answer, JsonObject message, string finish)
    {
        yield return Event("message_start", new JsonObject { ["message"] = message });
        yield return Event("ping", []);
        for (int i = 0; i < answer.Parts.Count; i++)
        {
            ScriptedAnswer.AnswerPart part = answer.Parts[i];
            yield return Event(
                "content_block_start",
                new JsonObject { ["index"] = i, ["content_block"] = Block(part, i, whole: false) });
            foreach (JsonObject delta in Deltas(part))
            {
                yield return Event("content_block_delta", new JsonObject { ["index"] = i, ["delta"] = delta });
            }

            yield return Event("content_block_stop", new JsonObject { ["index"] = i });
        }

        yield return Event("message_delta", new JsonObject
        {
            ["delta"] = new JsonObject { ["stop_reason"] = finish, ["stop_sequence"] = null },
            ["usage"] = new JsonObject { ["output_tokens"] = answer.OutputTokens + answer.ThoughtTokens },
        });
        yield return Event("message_stop", []);
    }

    private static string Event(string type, JsonObject data)
    {
        data.Insert(0, "type", type);
        return $"event: {type}\ndata: {FakeReply.Text(data)}\n\n";
    }

    private static JsonObject Block(ScriptedAnswer.AnswerPart part, int index, bool whole) => part.Kind switch
    {
        ScriptedAnswer.PartKind.ToolCall => new JsonObject
        {
            ["type"] = "tool_use",
            ["id"] = part.Id ?? $"toolu_{index}",
            ["name"] = part.Name,
            ["input"] = whole ? JsonNode.Parse(part.Value) : new JsonObject(),
        },
        ScriptedAnswer.PartKind.Thought => new JsonObject
        {
            ["type"] = "thinking",
            ["thinking"] = whole ? part.Value : "",
            ["signature"] = whole ? part.Signature ?? "" : "",
        },
        _ => new JsonObject { ["type"] = "text", ["text"] = whole ? part.Value : "" },
    };

    private static IEnumerable<JsonObject> Deltas(ScriptedAnswer.AnswerPart part)
    {
        switch (part.Kind)
        {
            case ScriptedAnswer.PartKind.ToolCall:
                int half = part.Value.Length / 2;
                yield return new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = part.Value[..half] };
                yield return new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = part.Value[half..] };
                break;
            case ScriptedAnswer.PartKind.Thought:
                yield return new JsonObject { ["type"] = "thinking_delta", ["thinking"] = part.Value };
                if (part.Signature is { } signature)
                {
                    yield return new JsonObject { ["type"] = "signature_delta", ["signature"] = signature };
                }

                break;
            default:
                foreach (string word in ScriptedAnswer.Words(part.Value))
                {
                    yield return new JsonObject { ["type"] = "text_delta", ["text"] = word };
                }

                break;
        }
    }

    // input_tokens leaves out what came from the cache.
    private static JsonObject Usage(ScriptedAnswer answer, int output) => new()
    {
        ["input_tokens"] = answer.InputTokens - answer.CachedTokens,
        ["cache_creation_input_tokens"] = 0,
        ["cache_read_input_tokens"] = answer.CachedTokens,
        ["output_tokens"] = output,
    };
}
