using System.Globalization;
using System.Text.Json.Nodes;
using Coach.Llm;
using Microsoft.Extensions.AI;

namespace Coach.Proofs.Llm.Replays;

/// <summary>Compares what came with what is right.</summary>
internal static class ReplayJudge
{
    /// <summary>The complaints; none: right.</summary>
    public static List<string> Complaints(ReplayCase replay, ReplayOutcome outcome, IReadOnlyList<(string Path, string Body)> requests)
    {
        List<string> wrong = [];
        LlmException? failure = outcome.Exception as LlmException ?? outcome.Speech?.Failure;
        if (outcome.Exception is not null and not LlmException)
        {
            wrong.Add($"threw {outcome.Exception.GetType().Name}: {outcome.Exception.Message}");
        }
        else if (outcome.Exception is not null && replay.Expect["error"] is null)
        {
            wrong.Add($"failed with {failure!.Error}: {failure.Message}");
        }

        foreach ((string name, JsonNode? right) in replay.Expect)
        {
            if (Check(replay, name, right, outcome, failure, requests) is { } complaint)
            {
                wrong.Add(complaint);
            }
        }

        return wrong;
    }

    private static string? Check(
        ReplayCase replay, string name, JsonNode? right, ReplayOutcome outcome, LlmException? failure, IReadOnlyList<(string Path, string Body)> requests)
    {
        AIContent[] contents = [.. outcome.Response?.Messages.SelectMany(message => message.Contents) ?? []];
        switch (name)
        {
            case "text":
                return Compare(name, right.AsText(), outcome.Speech?.Text ?? AnswerText(outcome.Response));
            case "reasoning":
                return Compare(name, right.AsText(), string.Concat(contents.OfType<TextReasoningContent>().Select(thought => thought.Text)));
            case "calls":
                return Compare(name, string.Join("; ", right.AsTexts()), string.Join("; ", contents.OfType<FunctionCallContent>()
                    .Select(call => $"{call.Name} {System.Text.Json.JsonSerializer.Serialize(call.Arguments)}")));
            case "finish":
                return Compare(name, right.AsText(), outcome.Response?.FinishReason?.Value);
            case "inputTokens":
                return Compare(name, right.AsText(), Count(outcome.Response?.Usage?.InputTokenCount));
            case "outputTokens":
                return Compare(name, right.AsText(), Count(outcome.Response?.Usage?.OutputTokenCount));
            case "cachedTokens":
                return Compare(name, right.AsText(), Count(outcome.Response?.Usage?.CachedInputTokenCount));
            case "reasoningTokens":
                return Compare(name, right.AsText(), Count(outcome.Response?.Usage?.ReasoningTokenCount));
            case "error":
                return Compare(name, right.AsText(), failure?.Error.ToString());
            case "errorNot":
                return failure?.Error.ToString() == right.AsText() ? $"error is {right.AsText()}" : null;
            case "transient":
                return Compare(name, right.AsText(), failure?.IsTransient == true ? "true" : "false");
            case "retryAfterSeconds":
                return Compare(name, right.AsText(), failure?.RetryAfter?.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture));
            case "status":
                return Compare(name, right.AsText(), outcome.Validation?.Status.ToString());
            case "statusNot":
                return right.AsTexts().Contains(outcome.Validation?.Status.ToString()) ? $"status is {right.AsText()}" : null;
            case "hint":
                return Has(name, outcome.Validation?.Hint, right);
            case "says":
                return Has(name, failure?.Message ?? outcome.Validation?.Message, right);
            case "errorContent":
                return Has(name, string.Join("; ", contents.OfType<ErrorContent>().Select(error => $"{error.ErrorCode} {error.Message}")), right);
            case "vectors":
                return Compare(name, right.AsText(), Count(outcome.Vectors?.Count));
            case "inOrder":
                return InOrder(replay.Texts, outcome.Vectors);
            case "pictures":
                return Compare(name, right.AsText(), Count(contents.OfType<DataContent>().Count()));
            case "textOnly":
                return Compare(name, right.AsText(), outcome.Speech?.IsTextOnly == true ? "true" : "false");
            case "audio":
                return Compare(name, right.AsText(), outcome.Speech is { Audio.Length: > 0 } ? "true" : "false");
            case "requests":
                return Compare(name, right.AsText(), Count(requests.Count));
            case "maxMs":
                return outcome.Milliseconds <= double.Parse(right.AsText()!, CultureInfo.InvariantCulture)
                    ? null
                    : $"took {outcome.Milliseconds:F0} ms";
            case "sent":
                return Sent(right as JsonArray ?? [], requests);
            default:
                return $"the case expects '{name}', which this program does not know";
        }
    }

    // The words of the model: not what tools said.
    private static string AnswerText(ChatResponse? response) => response is null
        ? ""
        : string.Concat(response.Messages.Where(message => message.Role == ChatRole.Assistant).Select(message => message.Text));

    private static string? Count(long? number) => number?.ToString(CultureInfo.InvariantCulture);

    private static string? Compare(string name, string? right, string? now) =>
        right == now ? null : $"{name} is {Clip(now)} instead of {Clip(right)}";

    private static string? Has(string name, string? now, JsonNode? right) =>
        right.AsTexts().FirstOrDefault(text => now?.Contains(text, StringComparison.OrdinalIgnoreCase) != true) is { } missing
            ? $"{name}: '{missing}' is not in {Clip(now)}"
            : null;

    private static string? InOrder(IReadOnlyList<string> texts, IReadOnlyList<Embedding<float>>? vectors)
    {
        for (int at = 0; at < vectors?.Count; at++)
        {
            float[] right = ReplayServer.VectorOf(texts[at]);
            ReadOnlySpan<float> now = vectors[at].Vector.Span;
            if (MathF.Abs(now[0] - right[0]) + MathF.Abs(now[1] - right[1]) > 0.0002f)
            {
                return $"vector {at} is of another text";
            }
        }

        return vectors is null ? "no vectors" : null;
    }

    private static string? Sent(JsonArray all, IReadOnlyList<(string Path, string Body)> requests)
    {
        foreach (JsonObject one in all.OfType<JsonObject>())
        {
            int at = one.Number("request") ?? 0;
            at = at < 0 ? requests.Count + at : at;
            if (at < 0 || at >= requests.Count)
            {
                return $"request {at} was never made ({requests.Count} were)";
            }

            if (one.Text("path") is { } path && !requests[at].Path.Contains(path, StringComparison.Ordinal))
            {
                return $"request {at} went to {requests[at].Path} instead of {path}";
            }

            if (one.Text("at") is not { } pointer)
            {
                continue;
            }

            JsonNode? sent = JsonNode.Parse(requests[at].Body).At(pointer);
            string? now = sent.AsText();
            if ((one.ContainsKey("is") && now != one["is"].AsText())
                || one["has"].AsTexts().Any(text => now?.Contains(text, StringComparison.Ordinal) != true)
                || (one.ContainsKey("absent") && sent is not null))
            {
                return $"request {at} at {pointer} held {Clip(now)}; {one.ToJsonString()}";
            }
        }

        return null;
    }

    private static string Clip(string? text) => text is null ? "nothing" : $"\"{(text.Length > 200 ? text[..200] + "…" : text)}\"";
}
