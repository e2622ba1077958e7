using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Coach.Payments.Mcp.Connections;

/// <summary>
/// A transport that takes out of results what is not read here anyway: the MCP library fails on content of a kind that
/// it does not know, and with it the answer to a write that was done.
/// </summary>
internal sealed class LenientTransport(IClientTransport inner) : IClientTransport
{
    public string Name => inner.Name;

    public async Task<ITransport> ConnectAsync(CancellationToken cancellationToken = default) =>
        new Session(await inner.ConnectAsync(cancellationToken).ConfigureAwait(false));

    private static JsonRpcMessage Clean(JsonRpcMessage message)
    {
        if (message is not JsonRpcResponse { Result: JsonObject result })
        {
            return message;
        }

        if (result["content"] is JsonArray content)
        {
            for (int i = content.Count - 1; i >= 0; i--)
            {
                if (!IsText(content[i]))
                {
                    content.RemoveAt(i);
                }
            }
        }
        else if (result.ContainsKey("structuredContent"))
        {
            result["content"] = new JsonArray();
        }

        return message;
    }

    private static bool IsText(JsonNode? block) => block is JsonObject json && Text(json, "type") switch
    {
        "text" => Text(json, "text") is not null,
        "resource" => json["resource"] is JsonObject resource
            && Text(resource, "uri") is not null && Text(resource, "text") is not null,
        _ => false,
    };

    private static string? Text(JsonObject json, string name) =>
        json[name] is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private sealed class Session(ITransport inner) : ITransport
    {
        public string? SessionId => inner.SessionId;

        public ChannelReader<JsonRpcMessage> MessageReader { get; } = new Reader(inner.MessageReader);

        public Task SendMessageAsync(JsonRpcMessage message, CancellationToken cancellationToken = default) =>
            inner.SendMessageAsync(message, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class Reader(ChannelReader<JsonRpcMessage> inner) : ChannelReader<JsonRpcMessage>
    {
        public override Task Completion => inner.Completion;

        public override bool TryRead([MaybeNullWhen(false)] out JsonRpcMessage item)
        {
            if (!inner.TryRead(out item))
            {
                return false;
            }

            item = Clean(item);
            return true;
        }

        public override ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) =>
            inner.WaitToReadAsync(cancellationToken);
    }
}
