using System.Text.Json.Nodes;

namespace Coach.Testing.Providers;

/// <summary>Google's generative language API, as far as a chat app calls it.</summary>
internal static class GeminiFake
{
    public static FakeReply Answer(FakeCall call)
    {
        string path = call.Request.Path;
        if (call.Header("authorization") is not null)
        {
            return ProviderErrorBodies.GeminiError(400, "INVALID_ARGUMENT", "Multiple authentication "
                + "credentials received. Please pass only one.");
        }

        if (!path.StartsWith("/v1beta/models", StringComparison.Ordinal))
        {
            return FakeReply.Text(
                "<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>",
                "text/html; charset=UTF-8") with
            { Status = 404 };
        }

        if (path == "/v1beta/models" && call.Request.Method == "GET")
        {
            return FakeReply.Json(
                200,
                """{"models":[{"name":"models/gemini-3.8-flash","version":"3.8","displayName":"Gemini 3.8 Flash","inputTokenLimit":1048576,"outputTokenLimit":65536,"supportedGenerationMethods":["generateContent","countTokens"],"thinking":true}],"nextPageToken":"next-1"}""");
        }

        int colon = path.LastIndexOf(':');
        if (colon < 0 || call.Request.Method != "POST")
        {
            return ProviderErrorBodies.ForStatus("gemini", 404);
        }

        string model = path["/v1beta/models/".Length..colon];
        if (call.Body is null)
        {
            return ProviderErrorBodies.GeminiError(400, "INVALID_ARGUMENT", "Invalid JSON payload received.");
        }

        if (model.StartsWith("no-such", StringComparison.Ordinal))
        {
            return ProviderErrorBodies.GeminiError(404, "NOT_FOUND",
                $"models/{model} is not found for API version v1beta, or is not supported for generateContent.");
        }

        return path[(colon + 1)..] switch
        {
            "countTokens" =>
                FakeReply.Json(200, """{"totalTokens":1,"promptTokensDetails":[{"modality":"TEXT","tokenCount":1}]}"""),
            "generateContent" => Generate(call, model, stream: false),
            "streamGenerateContent" => Generate(call, model, stream: true),
            "batchEmbedContents" => EmbedBatch(call),
            "embedContent" => FakeReply.Json(new JsonObject { ["embedding"] = Embed(call.Body) }),
            _ => ProviderErrorBodies.ForStatus("gemini", 404),
        };
    }

    private static FakeReply Generate(FakeCall call, string model, bool stream)
    {
        if (call.Body!["contents"] is not JsonArray { Count: > 0 } contents)
        {
            return ProviderErrorBodies.GeminiError(400, "INVALID_ARGUMENT", "* GenerateContentRequest.contents: "
                + "contents is not specified");
        }

        if (model.StartsWith("gemini-3", StringComparison.Ordinal) && LacksSignature(contents))
        {
            return ProviderErrorBodies.GeminiError(400, "INVALID_ARGUMENT", "Function call is missing a "
                + "thought_signature in functionCall parts.");
        }

        ScriptedAnswer answer = call.NextAnswer();
        if (answer.RawBody is { } raw)
        {
            return FakeReply.Text(raw, answer.RawContentType);
        }

        List<JsonObject> chunks = [.. Chunks(answer, answer.Model ?? model, $"resp-{call.Number}", whole: !stream)];
        if (!stream)
        {
            return FakeReply.Json(chunks[0]);
        }

        return call.Request.Query.Contains("alt=sse", StringComparison.Ordinal)
            ? FakeReply.Stream([.. chunks.Select(chunk => $"data: {FakeReply.Text(chunk)}\r\n\r\n")])
            : FakeReply.Json(200, "[" + string.Join(",\r\n", chunks.Select(chunk => FakeReply.Text(chunk))) + "]");
    }

    private static IEnumerable<JsonObject> Chunks(ScriptedAnswer answer, string model, string id, bool whole)
    {
        if (answer.BlockReason is { } reason)
        {
            yield return new JsonObject
            {
                ["promptFeedback"] = new JsonObject { ["blockReason"] = reason },
                ["usageMetadata"] = new JsonObject
                { ["promptTokenCount"] = answer.InputTokens, ["totalTokenCount"] = answer.InputTokens },
                ["modelVersion"] = model,
                ["responseId"] = id,
            };
            yield break;
        }

        List<JsonObject> parts = [.. answer.Parts.SelectMany(part => Parts(part, whole))];
        string finish = answer.Finish ?? "STOP";
        if (whole)
        {
            yield return Chunk(answer, new JsonArray([.. parts]), finish, model, id);
            yield break;
        }

        for (int i = 0; i < parts.Count; i++)
        {
            yield return Chunk(answer, new JsonArray(parts[i]), i == parts.Count - 1 ? finish : null, model, id);
        }

        if (parts.Count == 0)
        {
            yield return Chunk(answer, null, finish, model, id);
        }
    }

    private static IEnumerable<JsonObject> Parts(ScriptedAnswer.AnswerPart part, bool whole)
    {
        switch (part.Kind)
        {
            case ScriptedAnswer.PartKind.ToolCall:
                var call = new JsonObject { ["name"] = part.Name, ["args"] = JsonNode.Parse(part.Value) };
                if (part.Id is { } id)
                {
                    call["id"] = id;
                }

                yield return Signed(new JsonObject { ["functionCall"] = call }, part.Signature);
                break;
            case ScriptedAnswer.PartKind.Thought:
                yield return Signed(new JsonObject { ["text"] = part.Value, ["thought"] = true }, part.Signature);
                break;
            default:
                foreach (string word in whole ? [part.Value] : ScriptedAnswer.Words(part.Value))
                {
                    yield return new JsonObject { ["text"] = word };
                }

                break;
        }
    }

    private static JsonObject Signed(JsonObject part, string? signature)
    {
        if (signature is not null)
        {
            part["thoughtSignature"] = signature;
        }

        return part;
    }

    private static JsonObject Chunk(ScriptedAnswer answer, JsonArray? parts, string? finish, string model, string id)
    {
        var candidate = new JsonObject { ["index"] = 0 };
        if (parts is not null)
        {
            candidate["content"] = new JsonObject { ["parts"] = parts, ["role"] = "model" };
        }

        var usage =
            new JsonObject { ["promptTokenCount"] = answer.InputTokens, ["totalTokenCount"] = answer.InputTokens };
        if (finish is not null)
        {
            candidate["finishReason"] = finish;
            usage["candidatesTokenCount"] = answer.OutputTokens;
            usage["totalTokenCount"] = answer.InputTokens + answer.OutputTokens + answer.ThoughtTokens;
            Add(usage, "thoughtsTokenCount", answer.ThoughtTokens);
            Add(usage, "cachedContentTokenCount", answer.CachedTokens);
        }

        return new JsonObject
        {
            ["candidates"] = new JsonArray(candidate),
            ["usageMetadata"] = usage,
            ["modelVersion"] = model,
            ["responseId"] = id,
        };
    }

    private static void Add(JsonObject usage, string name, int count)
    {
        if (count > 0)
        {
            usage[name] = count;
        }
    }

    private static bool LacksSignature(JsonArray contents)
    {
        foreach (JsonNode? content in contents)
        {
            JsonNode? first =
                (content?["parts"] as JsonArray)?.FirstOrDefault(part => part?["functionCall"] is not null);
            if (first is not null && first["thoughtSignature"] is null)
            {
                return true;
            }
        }

        return false;
    }

    private static FakeReply EmbedBatch(FakeCall call)
    {
        if (call.Body!["requests"] is not JsonArray { Count: > 0 and <= 100 } requests)
        {
            return ProviderErrorBodies.GeminiError(400, "INVALID_ARGUMENT",
                "* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch");
        }

        return FakeReply.Json(new JsonObject
        {
            ["embeddings"] = new JsonArray([.. requests.Select(request => (JsonNode)Embed((JsonObject)request!))]),
        });
    }

    // As gemini-embedding-001 does: only the full 3072 dimensions come with length 1.
    private static JsonObject Embed(JsonObject request)
    {
        string text =
            string.Concat((request["content"]?["parts"] as JsonArray ?? []).Select(part => (string?)part?["text"]));
        int dimensions = (int?)request["outputDimensionality"] ?? 3072;
        float[] values = FakeVectors.Of(text, dimensions, dimensions == 3072 ? 1f : 0.7f);
        return new JsonObject { ["values"] = new JsonArray([.. values.Select(value => (JsonNode)value)]) };
    }
}
