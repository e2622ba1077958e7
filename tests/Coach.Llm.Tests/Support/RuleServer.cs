using System.Text;
using System.Text.Json.Nodes;

namespace Coach.Llm.Tests;

/// <summary>A server in memory that answers by what a request says, and remembers each request's JSON.</summary>
internal sealed class RuleServer(Func<string, (int Status, string Body)> rule) : HttpMessageHandler
{
    public List<JsonNode> Requests { get; } = [];

    /// <summary>Whole answers that say a text, in each provider's form.</summary>
    public static string Answer(string provider, string text = "Hi") => provider switch
    {
        "gemini" => $$"""{"candidates":[{"content":{"parts":[{"text":"{{text}}"}]},"finishReason":"STOP"}]}""",
        "anthropic" => $$"""{"type":"message","role":"assistant","content":[{"type":"text","text":"{{text}}"}],"stop_reason":"end_turn"}""",
        _ => $$"""{"choices":[{"message":{"content":"{{text}}"},"finish_reason":"stop"}]}""",
    };

    /// <summary>A refusal in each provider's form.</summary>
    public static string Refusal(string provider, string message, string? code = null, string? parameter = null) => new JsonObject
    {
        ["type"] = "error",
        ["error"] = provider switch
        {
            "gemini" => new JsonObject { ["code"] = 400, ["message"] = message, ["status"] = "INVALID_ARGUMENT" },
            _ => new JsonObject { ["message"] = message, ["type"] = "invalid_request_error", ["code"] = code, ["param"] = parameter },
        },
    }.ToJsonString();

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        string body = await request.Content!.ReadAsStringAsync(cancellationToken);
        lock (Requests)
        {
            Requests.Add(JsonNode.Parse(body)!);
        }

        (int status, string answer) = rule(body);
        string type = answer.StartsWith("data:", StringComparison.Ordinal) || answer.StartsWith("event:", StringComparison.Ordinal)
            ? "text/event-stream"
            : "application/json";
        return new HttpResponseMessage((System.Net.HttpStatusCode)status)
        {
            Content = new StringContent(answer, Encoding.UTF8, type),
            RequestMessage = request,
        };
    }
}
