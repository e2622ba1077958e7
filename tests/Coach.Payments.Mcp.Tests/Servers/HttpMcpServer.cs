using System.Text.Json;
using System.Text.Json.Nodes;
using Coach.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;

namespace Coach.Payments.Mcp.Tests;

/// <summary>A streamable-HTTP MCP server on loopback, written by hand so that it owes nothing to the library under
/// test.</summary>
internal sealed class HttpMcpServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly McpFakeTools _tools;
    private readonly HashSet<string> _sessions = [];
    private readonly Lock _gate = new();

    private HttpMcpServer(WebApplication app, StripeFake stripe, string key)
    {
        _app = app;
        _tools = new McpFakeTools(McpGeneration.Dispatcher, new StripeOperations(stripe, key));
        app.Map("/mcp", AnswerAsync);
    }

    /// <summary>Answers instead of the server when it gives true; told the JSON-RPC method.</summary>
    public Func<string, HttpContext, Task<bool>> Interrupt { get; set; } = static (_, _) => Task.FromResult(false);

    /// <summary>Changes what a tool answers, as it goes over the wire.</summary>
    public Action<JsonObject> Change { get; set; } = static _ => { };

    /// <summary>What is sent before a tool's answer, which then is a stream of events.</summary>
    public IReadOnlyList<string> Before { get; set; } = [];

    public Uri Url => new(_app.Urls.First() + "/mcp");

    public List<(string Method, string Authorization, string Query, string Body)> Requests { get; } = [];

    public int Sessions { get; private set; }

    public static async Task<HttpMcpServer> StartAsync(StripeFake stripe, string key = McpHost.TestKey)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new HttpMcpServer(builder.Build(), stripe, key);
        await server._app.StartAsync();
        return server;
    }

    /// <summary>What a restart or an expiry does: the next request with an old session gets 404.</summary>
    public void ForgetSessions()
    {
        lock (_gate)
        {
            _sessions.Clear();
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Method != "POST")
        {
            context.Response.StatusCode = context.Request.Method == "DELETE" ? 200 : 405;
            return;
        }

        string body = await new StreamReader(context.Request.Body).ReadToEndAsync();
        JsonNode message = JsonNode.Parse(body)!;
        string method = message["method"]!.GetValue<string>();
        string? session = context.Request.Headers["Mcp-Session-Id"];
        bool isKnown;
        lock (_gate)
        {
            Requests.Add(
                (
                    method, context.Request.Headers.Authorization.ToString(), context.Request.QueryString.Value ?? "",
                    body));
            isKnown = session is not null && _sessions.Contains(session);
        }

        if (await Interrupt(method, context))
        {
            return;
        }

        if (method is "server/discover")
        {
            await SendAsync(
                context, message, null, new JsonObject { ["code"] = -32601, ["message"] = "Method not found" });
            return;
        }

        if (method == "initialize")
        {
            lock (_gate)
            {
                session = $"session-{++Sessions}";
                _sessions.Add(session);
            }

            context.Response.Headers["Mcp-Session-Id"] = session;
            await SendAsync(context, message, new JsonObject
            {
                ["protocolVersion"] = "2025-11-25",
                ["capabilities"] = new JsonObject { ["tools"] = new JsonObject() },
                ["serverInfo"] = new JsonObject { ["name"] = "stripe", ["version"] = "1" },
            });
            return;
        }

        if (!isKnown)
        {
            context.Response.StatusCode = 404;
            return;
        }

        if (message["id"] is null)
        {
            context.Response.StatusCode = 202;
            return;
        }

        JsonNode result = method == "tools/list"
            ? JsonSerializer.SerializeToNode(
                new ListToolsResult { Tools = [.. _tools.List()] }, McpJsonUtilities.DefaultOptions)!
            : JsonSerializer.SerializeToNode(
                await _tools.CallAsync(
                    new McpFakeCall(
                        message["params"]!["name"]!.GetValue<string>(),
                        message["params"]!["arguments"]!.AsObject())), McpJsonUtilities.DefaultOptions)!;
        if (method != "tools/call")
        {
            await SendAsync(context, message, result);
            return;
        }

        Change(result.AsObject());
        if (Before.Count == 0)
        {
            await SendAsync(context, message, result);
            return;
        }

        context.Response.ContentType = "text/event-stream";
        var answer = new JsonObject
        {
            ["jsonrpc"] = "2.0",
            ["id"] = message["id"]!.DeepClone(),
            ["result"] = result,
        };
        foreach (string data in (string[])[.. Before, answer.ToJsonString()])
        {
            await context.Response.WriteAsync($"event: message\ndata: {data}\n\n");
        }
    }

    private static Task SendAsync(HttpContext context, JsonNode message, JsonNode? result, JsonNode? error = null)
    {
        var answer = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = message["id"]!.DeepClone() };
        answer[error is null ? "result" : "error"] = result ?? error;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(answer.ToJsonString());
    }
}
