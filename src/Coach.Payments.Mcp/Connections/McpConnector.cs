using Coach.Abstractions;
using Coach.Payments.Gateways;
using Coach.Payments.Mcp.Telemetry;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Coach.Payments.Mcp.Connections;

/// <summary>Chooses, on a new connection, how payments are made with the tools it lists.</summary>
internal delegate Task<GatewayResult<TToolset>> ToolsetChoice<TToolset>(
    McpConnection connection, IReadOnlyList<Tool> tools, CancellationToken cancellationToken);

/// <summary>
/// Holds the one connection and makes a new one when it is lost or the key has changed: one attempt at a time however
/// many ask, each with a time limit, and none sooner than <see cref="StripeMcpOptions.ReconnectDelay"/> after one that
/// failed.
/// </summary>
internal sealed class McpConnector<TToolset>(
    StripeMcpOptions options, ISecretSource secrets, Func<StripeMcpKey, Action, IClientTransport> transports,
    TimeProvider time, McpTelemetry telemetry, ToolsetChoice<TToolset> choose) : IAsyncDisposable
    where TToolset : McpToolset
{
    private const int MaxRounds = 3;

    // Longer than the pause between two steps of one payment, so that only the first write after a while looks first.
    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(10);
    private static readonly string Version = typeof(McpConnection).Assembly.GetName().Version?.ToString(3) ?? "0";

    // One session for all: MCP multiplexes calls, and a second child process would double the memory for nothing.
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private TToolset? _current;
    private Task<GatewayResult<TToolset>>? _connecting;
    private GatewayFailure? _lastFailure;
    private long _failedAt;

    /// <summary>The tools of the last connection that was made; null before the first.</summary>
    public TToolset? LastToolset { get; private set; }

    /// <summary>Gives the tools of a connection, which the caller must release.</summary>
    /// <param name="forWrite">Whether one that was idle for a while is asked something harmless first: hosted sessions
    /// run out, and a write that dies with its session has an unknown outcome for no reason.</param>
    /// <param name="cancellationToken">Ends the wait; a connection in the making goes on being made.</param>
    public async Task<GatewayResult<TToolset>> LeaseAsync(bool forWrite, CancellationToken cancellationToken)
    {
        for (int round = 0; round < MaxRounds; round++)
        {
            if (!ReadKey().TryGet(out StripeMcpKey? key, out GatewayFailure? refused))
            {
                return refused;
            }

            (TToolset? tools, Task<GatewayResult<TToolset>>? connecting, GatewayFailure? failure) = Take(key);
            if (connecting is not null)
            {
                GatewayResult<TToolset> made = await connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
                if (made.TryGet(out tools, out failure))
                {
                    tools = IsFor(tools, key) && tools.Connection.TryLease() ? tools : null;
                }
            }

            if (failure is not null)
            {
                return failure;
            }

            if (tools is not null
                && await IsFreshAsync(tools.Connection, forWrite, cancellationToken).ConfigureAwait(false))
            {
                return tools;
            }
        }

        return new GatewayFailure(GatewayFailureKind.Unreachable,
            "The connection to the Stripe MCP server keeps breaking. Check that the server stays up.")
        {
            IsRetryable =
                true
        };
    }

    public async ValueTask DisposeAsync()
    {
        TToolset? current;
        Task? connecting;
        lock (_gate)
        {
            (current, _current) = (_current, null);
            connecting = _connecting;
            _stopping.Cancel();
        }

        try
        {
            if (connecting is not null)
            {
                await connecting.WaitAsync(CloseLimit, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (current is not null)
            {
                await current.Connection.DisposeAsync().AsTask().WaitAsync(CloseLimit, time).ConfigureAwait(false);
            }
        }
        catch (TimeoutException)
        {
            // A server that does not let go is not waited for.
        }
    }

    private GatewayResult<StripeMcpKey> ReadKey()
    {
        const string name = StripeMcpKey.SecretName;
        if (!StripeMcpKey.TryRead(secrets, out StripeMcpKey? key))
        {
            return new GatewayFailure(GatewayFailureKind.NotSupported, $"There is no {name}. Set it to take payments.");
        }

        if (!key.IsWellFormed)
        {
            return new GatewayFailure(GatewayFailureKind.Unauthorized,
                $"{name} holds characters no key has. Copy it again from the Stripe dashboard.");
        }

        if (options.LiveMode is { } live && live != key.IsLive)
        {
            return new GatewayFailure(GatewayFailureKind.NotSupported,
                $"Coach:Payments:Mcp:LiveMode is {live}, which contradicts the kind of {name}. Remove the "
                + "setting or change the key.");
        }

        return key;
    }

    private static bool IsFor(TToolset tools, StripeMcpKey key) =>
        tools.Connection.Key.Fingerprint == key.Fingerprint;

    private (TToolset? Tools, Task<GatewayResult<TToolset>>? Connecting, GatewayFailure? Failure) Take(StripeMcpKey key)
    {
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested)
            {
                return (null, null, new GatewayFailure(GatewayFailureKind.Unreachable, "The host is stopping."));
            }

            if (_current is { } current)
            {
                bool isFor = IsFor(current, key);
                if (isFor && current.Connection.TryLease())
                {
                    return (current, null, null);
                }

                current.Connection.Retire(isFor ? "ended" : null);
                _current = null;
            }

            if (_connecting is not { IsCompleted: false })
            {
                if (_lastFailure is { } last && time.GetElapsedTime(_failedAt) < options.ReconnectDelay)
                {
                    return (null, null, last);
                }

                _connecting = ConnectAsync(key);
            }

            return (null, _connecting, null);
        }
    }

    private static async Task<bool> IsFreshAsync(
        McpConnection connection, bool forWrite, CancellationToken cancellationToken)
    {
        bool isFresh = false;
        try
        {
            isFresh = !forWrite || !connection.IsStale(FreshFor)
                || await connection.ConfirmAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (!isFresh)
            {
                connection.Release();
            }
        }

        return isFresh;
    }

    private async Task<GatewayResult<TToolset>> ConnectAsync(StripeMcpKey key)
    {
        // Never on the caller's stack inside the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        GatewayResult<TToolset> result;
        try
        {
            result = await OpenAsync(key).ConfigureAwait(false);
        }
        catch (Exception exception) // every way in which the client fails is a value here
        {
            bool isProcess = options.Command is not null;
            result = TransportFailures.OfConnecting(exception, isProcess, options.InitializationTimeout);
        }

        lock (_gate)
        {
            _lastFailure = result.Failure;
            _failedAt = time.GetTimestamp();
            if (result.Value is { } made)
            {
                LastToolset = made;
                if (_stopping.IsCancellationRequested)
                {
                    made.Connection.Retire(cause: null);
                }
                else
                {
                    _current = made;
                }
            }
        }

        telemetry.Metrics.Connection(result.Failure is null ? "made" : "failed");
        if (result.Failure is { } failure)
        {
            telemetry.Logger.ConnectFailed(failure.Kind.ToString(), failure.Message);
        }
        else
        {
            telemetry.Logger.Connected(options.Command is null ? "http" : "stdio", result.Value!.Name);
        }

        return result;
    }

    private async Task<GatewayResult<TToolset>> OpenAsync(StripeMcpKey key)
    {
        using var deadline = new Deadline(options.InitializationTimeout, time, _stopping.Token);
        McpConnection? connection = null;
        var transport = new LenientTransport(transports(key, () => Volatile.Read(ref connection)?.CutOff()));
        McpClient client = await CreateClientAsync(transport, deadline.Token).ConfigureAwait(false);
        Volatile.Write(ref connection, new McpConnection(client, key, options, time, telemetry));
        bool isDone = false;
        try
        {
            IReadOnlyList<Tool> tools =
                await connection.ListToolsAsync(deadline.Token).WaitAsync(deadline.Token).ConfigureAwait(false);
            GatewayResult<TToolset> chosen = await choose(connection, tools, deadline.Token).ConfigureAwait(false);
            if (!chosen.TryGet(out TToolset? toolset, out GatewayFailure? failure))
            {
                return failure;
            }

            isDone = true;
            connection.WatchTools();
            return toolset;
        }
        finally
        {
            if (!isDone)
            {
                connection.Retire(cause: null);
            }
        }
    }

    private async Task<McpClient> CreateClientAsync(IClientTransport transport, CancellationToken cancellationToken)
    {
        Task<McpClient> creating = McpClient.CreateAsync(transport, new McpClientOptions
        {
            ClientInfo = new Implementation { Name = "Coach.Payments.Mcp", Version = Version },
            InitializationTimeout = options.InitializationTimeout,

            // A server of an older protocol may ignore the first question; there must be time left for the second.
            DiscoverProbeTimeout = options.InitializationTimeout / 4,
            TimeProvider = time,
        }, loggerFactory: null, cancellationToken);
        try
        {
            return await creating.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = CloseLateAsync(creating);
            throw;
        }
    }

    private static async Task CloseLateAsync(Task<McpClient> creating)
    {
        try
        {
            McpClient client = await creating.ConfigureAwait(false);
            await client.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception) // nobody waits for it any more
        {
        }
    }
}
