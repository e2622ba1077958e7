using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Coach.Proofs.Llm;

/// <summary>One refusal of a vendor's, word for word.</summary>
internal sealed record SdkRefusal(string Name, int Status, string Body, string? RetryAfter = null);

/// <summary>
/// OpenAI's chat completions and Anthropic's messages in memory. An answer says whose key came and what was asked; a
/// prompt that begins with "refuse" gets the refusal that it names.
/// </summary>
internal sealed class SdkServer : HttpMessageHandler
{
    private readonly ConcurrentDictionary<string, string> _owners = new(StringComparer.Ordinal);
    private int _requests;

    public int Requests => Volatile.Read(ref _requests);

    public static IReadOnlyList<SdkRefusal> OpenAI { get; } =
    [
        new("unknown-key", 401, OpenAIBody("Incorrect API key provided: KEY", "invalid_request_error", "invalid_api_key")),
        new("rate", 429, OpenAIBody("Rate limit reached. Please try again in 20s.", "requests", "rate_limit_exceeded"), "7"),
        new("quota", 429, OpenAIBody("You exceeded your current quota", "insufficient_quota", "insufficient_quota")),
        new("model", 404, OpenAIBody("The model `m` does not exist", "invalid_request_error", "model_not_found")),
        new("length", 400, OpenAIBody("This model's maximum context length is 8 tokens", "invalid_request_error", "context_length_exceeded")),
        new("request", 400, OpenAIBody("Invalid value", "invalid_request_error", "invalid_value")),
        new("region", 403, OpenAIBody("Country, region, or territory not supported", "request_forbidden", "unsupported_country_region_territory")),
        new("error", 500, OpenAIBody("The server had an error", "server_error", null)),
        new("gateway", 502, "<html>Bad gateway</html>"),
    ];

    public static IReadOnlyList<SdkRefusal> Anthropic { get; } =
    [
        new("unknown-key", 401, AnthropicBody("authentication_error", "invalid x-api-key KEY")),
        new("rate", 429, AnthropicBody("rate_limit_error", "This request would exceed your rate limit. Please try again in 7s.")),
        new("quota", 400, AnthropicBody("invalid_request_error", "Your credit balance is too low to access the Anthropic API")),
        new("model", 404, AnthropicBody("not_found_error", "model: m")),
        new("length", 400, AnthropicBody("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")),
        new("request", 400, AnthropicBody("invalid_request_error", "messages: roles must alternate")),
        new("permission", 403, AnthropicBody("permission_error", "Your API key does not have permission")),
        new("error", 500, AnthropicBody("api_error", "Internal server error")),
        new("overloaded", 529, AnthropicBody("overloaded_error", "Overloaded")),
    ];

    public void Add(string key, string owner) => _owners[key] = owner;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _requests);
        bool isAnthropic = request.RequestUri!.AbsolutePath.EndsWith("/messages", StringComparison.Ordinal);
        string key = request.Headers.TryGetValues("x-api-key", out IEnumerable<string>? values)
            ? values.First()
            : request.Headers.Authorization?.Parameter ?? "";
        JsonNode body = JsonNode.Parse(await request.Content!.ReadAsStringAsync(cancellationToken))!;
        string prompt = TextOf(body["messages"]!.AsArray().Last(message => (string?)message!["role"] == "user")!["content"]!);
        await Task.Yield(); // calls of both users are under way at once
        if (prompt.StartsWith("refuse ", StringComparison.Ordinal))
        {
            SdkRefusal refusal = (isAnthropic ? Anthropic : OpenAI).First(one => prompt == $"refuse {one.Name}");
            HttpResponseMessage refused = Answer(refusal.Status, refusal.Body.Replace("KEY", key, StringComparison.Ordinal), "application/json");
            if (refusal.RetryAfter is { } wait)
            {
                refused.Headers.TryAddWithoutValidation("Retry-After", wait);
            }

            return refused;
        }

        string text = $"{_owners.GetValueOrDefault(key, "nobody")} asked: {prompt}";
        bool isStream = body["stream"]?.GetValue<bool>() == true;
        return (isAnthropic, isStream) switch
        {
            (true, true) => Answer(200, AnthropicStream(text), "text/event-stream"),
            (true, false) => Answer(200, new JsonObject
            {
                ["id"] = "m",
                ["type"] = "message",
                ["role"] = "assistant",
                ["model"] = "m",
                ["content"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = text }),
                ["stop_reason"] = "end_turn",
                ["stop_sequence"] = null,
                ["usage"] = new JsonObject { ["input_tokens"] = 3, ["output_tokens"] = 5 },
            }.ToJsonString(), "application/json"),
            (false, true) => Answer(200, OpenAIStream(text), "text/event-stream"),
            _ => Answer(200, new JsonObject
            {
                ["id"] = "c",
                ["object"] = "chat.completion",
                ["created"] = 1,
                ["model"] = "m",
                ["choices"] = new JsonArray(new JsonObject
                {
                    ["index"] = 0,
                    ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text },
                    ["finish_reason"] = "stop",
                }),
                ["usage"] = new JsonObject { ["prompt_tokens"] = 3, ["completion_tokens"] = 5, ["total_tokens"] = 8 },
            }.ToJsonString(), "application/json"),
        };
    }

    private static string TextOf(JsonNode content) => content is JsonArray parts
        ? string.Concat(parts.Select(part => (string?)part!["text"]))
        : content.GetValue<string>();

    private static HttpResponseMessage Answer(int status, string body, string type) =>
        new((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, type) };

    private static string OpenAIStream(string text)
    {
        var events = new StringBuilder();
        foreach (string piece in (string[])[text[..4], text[4..]])
        {
            events.Append("data: ").Append(Chunk(new JsonObject { ["content"] = piece }, null)).Append("\n\n");
        }

        return events.Append("data: ").Append(Chunk([], "stop")).Append("\n\ndata: [DONE]\n\n").ToString();

        static string Chunk(JsonObject delta, string? finish) => new JsonObject
        {
            ["id"] = "c",
            ["object"] = "chat.completion.chunk",
            ["created"] = 1,
            ["model"] = "m",
            ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = finish }),
        }.ToJsonString();
    }

    private static string AnthropicStream(string text)
    {
        JsonObject[] events =
        [
            new()
            {
                ["type"] = "message_start",
                ["message"] = new JsonObject
                {
                    ["id"] = "m",
                    ["type"] = "message",
                    ["role"] = "assistant",
                    ["model"] = "m",
                    ["content"] = new JsonArray(),
                    ["stop_reason"] = null,
                    ["stop_sequence"] = null,
                    ["usage"] = new JsonObject { ["input_tokens"] = 3, ["output_tokens"] = 1 },
                },
            },
            new() { ["type"] = "content_block_start", ["index"] = 0, ["content_block"] = new JsonObject { ["type"] = "text", ["text"] = "" } },
            new() { ["type"] = "content_block_delta", ["index"] = 0, ["delta"] = new JsonObject { ["type"] = "text_delta", ["text"] = text } },
            new() { ["type"] = "content_block_stop", ["index"] = 0 },
            new()
            {
                ["type"] = "message_delta",
                ["delta"] = new JsonObject { ["stop_reason"] = "end_turn", ["stop_sequence"] = null },
                ["usage"] = new JsonObject { ["output_tokens"] = 5 },
            },
            new() { ["type"] = "message_stop" },
        ];
        return string.Concat(events.Select(one => $"event: {one["type"]}\ndata: {one.ToJsonString()}\n\n"));
    }

    private static string OpenAIBody(string message, string type, string? code) => new JsonObject
    {
        ["error"] = new JsonObject { ["message"] = message, ["type"] = type, ["param"] = null, ["code"] = code },
    }.ToJsonString();

    private static string AnthropicBody(string type, string message) => new JsonObject
    {
        ["type"] = "error",
        ["error"] = new JsonObject { ["type"] = type, ["message"] = message },
        ["request_id"] = "r",
    }.ToJsonString();
}
