using System.IO.Pipelines;
using System.Text.Json.Nodes;
using Coach.Payments.Mcp.Connections;
using Coach.Testing;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Coach.Payments.Mcp.Tests;

/// <summary>An MCP server in this process, over the Stripe fake; each connection is a pair of pipes. It breaks when
/// told to.</summary>
internal sealed class McpFake : IAsyncDisposable
{
    private readonly List<Connection> _open = [];
    private readonly Lock _gate = new();
    private readonly List<Hang> _hangs = [];
    private int _hangsEver;
    private int _silences;
    private int _staleHangs;
    private int _connections;

    public McpFake(McpGeneration generation, StripeFake stripe, string key = McpHost.TestKey) =>
        Tools = new McpFakeTools(generation, new StripeOperations(stripe, key));

    public McpFakeTools Tools { get; }

    public Func<McpFakeCall, McpFault> NextFault { get; set; } = static _ => McpFault.None;

    /// <summary>What becomes of a call's result.</summary>
    public Func<McpFakeCall, CallToolResult, CallToolResult> NextResult { get; set; } = static (_, result) => result;

    public Func<int, McpConnectFault> NextConnectFault { get; set; } = static _ => McpConnectFault.None;

    /// <summary>Grows with every answer that is held back and every message that is ignored.</summary>
    public int Silences => Volatile.Read(ref _silences);

    /// <summary>Whether an answer that somebody still waits for is held back for ever: only then may virtual time run
    /// on.</summary>
    public bool IsHanging
    {
        get
        {
            lock (_gate)
            {
                return _hangs
                    .Exists(
                        hang => hang.Number > _staleHangs
                            || (hang.IsHandshake && hang.Connection == _open.LastOrDefault()));
            }
        }
    }

    /// <summary>Whether any answer is held back, though perhaps nobody waits for it any more.</summary>
    public bool HasOldHang
    {
        get
        {
            lock (_gate)
            {
                return _hangs.Count > 0;
            }
        }
    }

    public int Connections => Volatile.Read(ref _connections);

    public List<McpFakeCall> Calls { get; } = [];

    public IReadOnlyList<string> Operations
    {
        get
        {
            lock (_gate)
            {
                return [.. Calls.Select(call => call.Operation)];
            }
        }
    }

    public IClientTransport Open(StripeMcpKey key, Action tooLong)
    {
        McpConnectFault fault;
        var connection = new Connection();
        lock (_gate)
        {
            fault = NextConnectFault(++_connections);
            _open.Add(connection);
        }

        switch (fault)
        {
            case McpConnectFault.Refused:
                return new RefusingTransport();
            case McpConnectFault.Closed:
                connection.ToClient.Writer.Complete();
                _ = StaySilentAsync(connection);
                break;
            case McpConnectFault.Silent:
                _ = StaySilentAsync(connection);
                break;
            default:
                _ = ServeAsync(connection, fault);
                break;
        }

        return new StreamClientTransport(connection.ToServer.Writer.AsStream(), connection.ToClient.Reader.AsStream());
    }

    /// <summary>A call begins while no other is in flight: what was held back before is nobody's any more.</summary>
    public void BeginCall()
    {
        lock (_gate)
        {
            _staleHangs = _hangsEver;
        }
    }

    /// <summary>Tells every connection that the tools have changed.</summary>
    public async Task TellOfChangeAsync()
    {
        Connection[] all;
        lock (_gate)
        {
            all = [.. _open];
        }

        foreach (McpServer server in all.Select(connection => connection.Server).OfType<McpServer>())
        {
            await server.SendNotificationAsync(NotificationMethods.ToolListChangedNotification);
        }
    }

    /// <summary>Ends every connection, as a server that is restarted does.</summary>
    public void BreakAll()
    {
        Connection[] all;
        lock (_gate)
        {
            all = [.. _open];
            _open.Clear();
        }

        Array.ForEach(all, static connection => connection.Break());
    }

    public ValueTask DisposeAsync()
    {
        BreakAll();
        return ValueTask.CompletedTask;
    }

    private async Task ServeAsync(Connection connection, McpConnectFault fault)
    {
        var options = new McpServerOptions
        {
            ServerInfo = new Implementation { Name = "Stripe", Version = "0.4.0" },
            Handlers = fault == McpConnectFault.NoTools ? new McpServerHandlers() : new McpServerHandlers
            {
                ListToolsHandler = (request, _) => ValueTask.FromResult(fault == McpConnectFault.ForeignTools
                    ? new ListToolsResult { Tools = [McpFakeTools.Foreign()] }
                    : Tools.Page(request.Params?.Cursor)),
                CallToolHandler = (request, token) => AnswerAsync(connection, request.Params!, token),
            },
        };
        await using var transport = new StreamServerTransport(
            connection.ToServer.Reader.AsStream(), connection.ToClient.Writer.AsStream(), "fake");
        await using McpServer server = McpServer.Create(transport, options);
        connection.Server = server;
        try
        {
            await server.RunAsync(connection.Ended.Token);
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async ValueTask<CallToolResult> AnswerAsync(
        Connection connection, CallToolRequestParams parameters, CancellationToken cancellationToken)
    {
        var arguments = new JsonObject();
        foreach (var (name, value) in parameters.Arguments ?? new Dictionary<string, System.Text.Json.JsonElement>())
        {
            arguments[name] = JsonNode.Parse(value.GetRawText());
        }

        if (!Tools.Has(parameters.Name))
        {
            throw new McpProtocolException($"Unknown tool: '{parameters.Name}'", McpErrorCode.InvalidParams);
        }

        var call = new McpFakeCall(parameters.Name, arguments);
        McpFault fault;
        lock (_gate)
        {
            Calls.Add(call);
            fault = NextFault(call);
        }

        switch (fault)
        {
            case McpFault.HangBefore:
                await HangAsync(connection, cancellationToken);
                break;
            case McpFault.BreakBefore:
                connection.Break();
                await HangAsync(connection, cancellationToken);
                break;
            case McpFault.ErrorBefore:
                return McpFakeTools.Text("Stripe API error: Something went wrong on Stripe's end.\n\nTry "
                    + "again.", isError: true);
            case McpFault.ServerErrorBefore:
                throw new McpProtocolException("broken inside", McpErrorCode.InternalError);
            case McpFault.SentenceBefore:
                return McpFakeTools.Text("\"Failed to create payment link\"");
            case McpFault.NeedsConfirmation:
                return McpFakeTools
                    .Text(
                        """{"needs_confirmation":true,"message":"A person must approve this.","approval_url":"https://dashboard.stripe.com/approve"}""");
            case McpFault.RateLimited:
                return McpFakeTools.Text("Stripe API error: Request rate limit exceeded.", isError: true);
        }

        CallToolResult result = NextResult(call, await Tools.CallAsync(call));
        switch (fault)
        {
            case McpFault.HangAfter:
                await HangAsync(connection, cancellationToken);
                return result;
            case McpFault.BreakAfter:
                connection.Break();
                await HangAsync(connection, cancellationToken);
                return result;
            case McpFault.ErrorAfter:
                return McpFakeTools.Text("Stripe API error: An error occurred with our connection to "
                    + "Stripe.", isError: true);
            case McpFault.ServerErrorAfter:
                throw new McpProtocolException("broken inside", McpErrorCode.InternalError);
            case McpFault.EmptyAfter:
                return new CallToolResult { Content = [] };
            case McpFault.TruncatedAfter:
                string text = ((TextContentBlock)result.Content[0]).Text;
                return McpFakeTools.Text(text[..(text.Length / 2)]);
            case McpFault.OversizedAfter:
                return McpFakeTools.Text("{\"padding\":\"" + new string('x', McpHost.MaxResultLength) + "\"}");
            case McpFault.SentenceAfter:
                return McpFakeTools.Text("\"Failed to create payment link\"");
            default:
                return result;
        }
    }

    private async Task HangAsync(Connection connection, CancellationToken cancellationToken)
    {
        using Hang hang = NewHang(connection, isHandshake: false);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, connection.Ended.Token);
        await Task.Delay(Timeout.InfiniteTimeSpan, either.Token);
    }

    private async Task StaySilentAsync(Connection connection)
    {
        using Hang hang = NewHang(connection, isHandshake: true);
        try
        {
            bool isOpen = true;
            while (isOpen)
            {
                ReadResult read = await connection.ToServer.Reader.ReadAsync(connection.Ended.Token);
                connection.ToServer.Reader.AdvanceTo(read.Buffer.End);
                Interlocked.Increment(ref _silences);
                isOpen = !read.IsCompleted;
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private Hang NewHang(Connection connection, bool isHandshake)
    {
        lock (_gate)
        {
            var hang = new Hang(this, ++_hangsEver, connection, isHandshake);
            _hangs.Add(hang);
            Interlocked.Increment(ref _silences);
            return hang;
        }
    }

    private sealed record Hang(McpFake Owner, int Number, Connection Connection, bool IsHandshake) : IDisposable
    {
        public void Dispose()
        {
            lock (Owner._gate)
            {
                Owner._hangs.Remove(this);
            }
        }
    }

    private sealed class Connection
    {
        public Pipe ToServer { get; } = new();

        public Pipe ToClient { get; } = new();

        public CancellationTokenSource Ended { get; } = new();

        public McpServer? Server { get; set; }

        public void Break()
        {
            ToClient.Writer.Complete();
            ToServer.Reader.CancelPendingRead();
            Ended.Cancel();
        }
    }

    private sealed class RefusingTransport : IClientTransport
    {
        public string Name => "refusing";

        public Task<ITransport> ConnectAsync(CancellationToken cancellationToken = default) =>
            throw new HttpRequestException(HttpRequestError.ConnectionError, "Connection refused (mcp.stripe.com:443)");
    }
}
