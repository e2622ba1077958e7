using System.Text.Json.Nodes;

namespace Coach.Testing.Providers;

/// <summary>OpenAI's Responses API as a server that stores nothing: it refuses what such a server refuses.</summary>
internal static class OpenAIResponsesFake
{
    public static FakeReply Answer(FakeCall call)
    {
        string? model = (string?)call.Body?["model"];
        if (model is null || call.Body!["input"] is not JsonArray { Count: > 0 } input)
        {
            return Refused("you must provide a model parameter and input");
        }

        if (Problem(input) is { } problem)
        {
            return Refused(problem);
        }

        ScriptedAnswer answer = call.NextAnswer();
        if (answer.RawBody is { } raw)
        {
            return FakeReply.Text(raw, answer.RawContentType);
        }

        bool withEncrypted = call.Body["include"] is JsonArray include
            && include.Any(item => (string?)item == "reasoning.encrypted_content");
        JsonObject response = Response(answer, answer.Model ?? model, call.Number, withEncrypted);
        return (bool?)call.Body["stream"] == true
            ? FakeReply.Stream([.. Events(response)])
            : FakeReply.Json(response);
    }

    private static FakeReply Refused(string message) =>
        ProviderErrorBodies.OpenAIError(400, "invalid_request_error", "null", message);

    // In the words of the public reports.
    private static string? Problem(JsonArray input)
    {
        string[] called = Ids(input, "function_call");
        string[] answered = Ids(input, "function_call_output");
        if (called.Except(answered).FirstOrDefault() is { } open)
        {
            return $"No tool output found for function call {open}.";
        }

        if (answered.Except(called).FirstOrDefault() is { } stray)
        {
            return $"No tool call found for function call output with call_id {stray}.";
        }

        for (int i = 0; i < input.Count; i++)
        {
            JsonNode item = input[i]!;
            if ((string?)item["id"] is { } id && item["encrypted_content"] is null)
            {
                return $"Item with id '{id}' not found. Items are not persisted when `store` is set to false.";
            }

            if (TypeOf(item) != "reasoning")
            {
                continue;
            }

            if (item["summary"] is not JsonArray)
            {
                return $"Missing required parameter: 'input[{i}].summary'.";
            }

            JsonNode? next = i + 1 < input.Count ? input[i + 1] : null;
            bool isFollowed = next is not null
                && (TypeOf(next) is "reasoning" or "function_call" || (string?)next["role"] == "assistant");
            if (!isFollowed)
            {
                return "Item of type 'reasoning' was provided without its required following item.";
            }
        }

        return null;
    }

    private static string[] Ids(JsonArray input, string type) =>
        [.. input.Where(item => TypeOf(item!) == type).Select(item => (string?)item!["call_id"] ?? "")];

    private static string TypeOf(JsonNode item) => (string?)item["type"] ?? "message";

    private static JsonObject Response(ScriptedAnswer answer, string model, int number, bool withEncrypted)
    {
        string? reason = answer.BlockReason is not null || answer.Finish == "content_filter"
            ? "content_filter"
            : answer.Finish is "length" or "max_output_tokens" ? "max_output_tokens" : null;
        var output = new JsonArray();
        foreach (ScriptedAnswer.AnswerPart part in answer.Parts)
        {
            string id = $"{number}_{output.Count}";
            output.Add((JsonNode)(part.Kind switch
            {
                ScriptedAnswer.PartKind.Thought => Reasoning(part, id, withEncrypted),
                ScriptedAnswer.PartKind.ToolCall => Call(part, id),
                _ => Message(part.Value, id),
            }));
        }

        return new JsonObject
        {
            ["id"] = $"resp_{number}",
            ["object"] = "response",
            ["created_at"] = 1770000000,
            ["status"] = reason is null ? "completed" : "incomplete",
            ["error"] = null,
            ["incomplete_details"] = reason is null ? null : new JsonObject { ["reason"] = reason },
            ["model"] = model,
            ["output"] = output,
            ["store"] = false,
            ["usage"] = new JsonObject
            {
                ["input_tokens"] = answer.InputTokens,
                ["input_tokens_details"] = new JsonObject { ["cached_tokens"] = answer.CachedTokens },
                ["output_tokens"] = answer.OutputTokens + answer.ThoughtTokens,
                ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = answer.ThoughtTokens },
                ["total_tokens"] = answer.InputTokens + answer.OutputTokens + answer.ThoughtTokens,
            },
        };
    }

    private static JsonObject Reasoning(ScriptedAnswer.AnswerPart part, string id, bool withEncrypted) => new()
    {
        ["id"] = "rs_" + id,
        ["type"] = "reasoning",
        ["summary"] = part.Value.Length == 0
            ? new JsonArray()
            : new JsonArray(new JsonObject { ["type"] = "summary_text", ["text"] = part.Value }),
        ["encrypted_content"] = withEncrypted ? part.Signature : null,
    };

    private static JsonObject Call(ScriptedAnswer.AnswerPart part, string id) => new()
    {
        ["id"] = "fc_" + id,
        ["type"] = "function_call",
        ["status"] = "completed",
        ["arguments"] = part.Value,
        ["call_id"] = part.Id ?? "call_" + id,
        ["name"] = part.Name,
    };

    private static JsonObject Message(string text, string id) => new()
    {
        ["id"] = "msg_" + id,
        ["type"] = "message",
        ["status"] = "completed",
        ["role"] = "assistant",
        ["content"] = new JsonArray(Part(text)),
    };

    private static JsonObject Part(string text) =>
        new() { ["type"] = "output_text", ["annotations"] = new JsonArray(), ["text"] = text };

    private static IEnumerable<string> Events(JsonObject response)
    {
        int sequence = 0;
        string Event(string type, JsonObject data)
        {
            data["type"] = type;
            data["sequence_number"] = sequence++;
            return $"event: {type}\ndata: {FakeReply.Text(data)}\n\n";
        }

        var begun = (JsonObject)response.DeepClone();
        (begun["status"], begun["output"], begun["usage"]) = ("in_progress", new JsonArray(), null);
        yield return Event("response.created", new JsonObject { ["response"] = begun.DeepClone() });
        yield return Event("response.in_progress", new JsonObject { ["response"] = begun });
        int index = 0;
        foreach (JsonObject item in response["output"]!.AsArray().Cast<JsonObject>())
        {
            yield return Event(
                "response.output_item.added", new JsonObject { ["output_index"] = index, ["item"] = Empty(item) });
            foreach ((string type, JsonObject data) in Pieces(item))
            {
                data["item_id"] = (string?)item["id"];
                data["output_index"] = index;
                yield return Event(type, data);
            }

            yield return Event(
                "response.output_item.done", new JsonObject { ["output_index"] = index, ["item"] = item.DeepClone() });
            index++;
        }

        string end = (string?)response["status"] == "completed" ? "response.completed" : "response.incomplete";
        yield return Event(end, new JsonObject { ["response"] = response.DeepClone() });
    }

    private static JsonObject Empty(JsonObject item)
    {
        var empty = (JsonObject)item.DeepClone();
        switch (TypeOf(item))
        {
            case "function_call":
                (empty["status"], empty["arguments"]) = ("in_progress", "");
                break;
            case "reasoning":
                (empty["summary"], empty["encrypted_content"]) = (new JsonArray(), null);
                break;
            default:
                (empty["status"], empty["content"]) = ("in_progress", new JsonArray());
                break;
        }

        return empty;
    }

    private static IEnumerable<(string Type, JsonObject Data)> Pieces(JsonObject item)
    {
        switch (TypeOf(item))
        {
            case "function_call":
                string arguments = (string)item["arguments"]!;
                foreach (string piece in Halves(arguments))
                {
                    yield return ("response.function_call_arguments.delta", new JsonObject { ["delta"] = piece });
                }

                yield return ("response.function_call_arguments.done", new JsonObject { ["arguments"] = arguments });
                break;
            case "reasoning":
                foreach (JsonNode? part in item["summary"]!.AsArray())
                {
                    string thought = (string)part!["text"]!;
                    yield return ("response.reasoning_summary_part.added", new JsonObject
                    {
                        ["summary_index"] = 0,
                        ["part"] = new JsonObject { ["type"] = "summary_text", ["text"] = "" },
                    });
                    foreach (string piece in Halves(thought))
                    {
                        yield return ("response.reasoning_summary_text.delta",
                            new JsonObject { ["summary_index"] = 0, ["delta"] = piece });
                    }

                    yield return ("response.reasoning_summary_text.done",
                        new JsonObject { ["summary_index"] = 0, ["text"] = thought });
                }

                break;
            default:
                string text = (string)item["content"]![0]!["text"]!;
                yield return ("response.content_part.added",
                    new JsonObject { ["content_index"] = 0, ["part"] = Part("") });
                foreach (string word in ScriptedAnswer.Words(text))
                {
                    yield return ("response.output_text.delta", new JsonObject
                    {
                        ["content_index"] = 0,
                        ["delta"] = word,
                        ["logprobs"] = new JsonArray(),
                        ["obfuscation"] = "Xo7",
                    });
                }

                yield return ("response.output_text.done", new JsonObject
                {
                    ["content_index"] = 0,
                    ["text"] = text,
                    ["logprobs"] = new JsonArray(),
                });
                yield return ("response.content_part.done",
                    new JsonObject { ["content_index"] = 0, ["part"] = Part(text) });
                break;
        }
    }

    private static string[] Halves(string text) => [text[..(text.Length / 2)], text[(text.Length / 2)..]];
}
