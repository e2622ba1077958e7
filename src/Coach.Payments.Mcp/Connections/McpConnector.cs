using Coach.Abstractions;
using Microsoft.Extensions.Logging;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Coach.Payments.Mcp;

/// <summary>
/// Holds the one connection and makes a new one when it is lost or the key has changed: one attempt at a time however many ask, each with
/// a time limit, and none sooner than <see cref="StripeMcpOptions.ReconnectDelay"/> after one that failed.
/// </summary>
internal sealed class McpConnector(StripeMcpOptions options, ISecretSource secrets, Func<StripeMcpKey, Action, IClientTransport> transports,
    TimeProvider time, McpMetrics metrics, ILogger logger) : IAsyncDisposable
{
    private const int MaxRounds = 3;

    // Longer than the pause between two steps of one payment, so that only the first write after a while looks first.
    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(10);
    private static readonly string Version = typeof(McpConnector).Assembly.GetName().Version?.ToString(3) ?? "0";

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private McpConnection? _current;
    private Task<GatewayResult<McpConnection>>? _connecting;
    private GatewayFailure? _lastFailure;
    private long _failedAt;

    /// <summary>The way of the last connection that was made; null before the first.</summary>
    public StripeToolset? LastToolset { get; private set; }

    /// <summary>Gives a connection, which the caller must release.</summary>
    /// <param name="forWrite">Whether one that was idle for a while is asked something harmless first: hosted sessions run out, and a write
    /// that dies with its session has an unknown outcome for no reason.</param>
    /// <param name="cancellationToken">Ends the wait; a connection in the making goes on being made.</param>
    public async Task<GatewayResult<McpConnection>> LeaseAsync(bool forWrite, CancellationToken cancellationToken)
    {
        GatewayFailure? failure = null;
        for (int round = 0; round < MaxRounds; round++)
        {
            if (!StripeMcpKey.TryRead(secrets, out StripeMcpKey? key))
            {
                return new GatewayFailure(GatewayFailureKind.NotSupported, $"There is no {StripeMcpKey.SecretName}. Set it to take payments.");
            }

            if (!key.IsWellFormed)
            {
                return new GatewayFailure(GatewayFailureKind.Unauthorized,
                    $"{StripeMcpKey.SecretName} holds characters no key has. Copy it again from the Stripe dashboard.");
            }

            if (options.LiveMode is { } live && live != key.IsLive)
            {
                return new GatewayFailure(GatewayFailureKind.NotSupported,
                    $"Coach:Payments:Mcp:LiveMode is {live}, which contradicts the kind of {StripeMcpKey.SecretName}. Remove the setting or change the key.");
            }

            (McpConnection? connection, Task<GatewayResult<McpConnection>>? connecting, failure) = Take(key);
            if (connecting is not null)
            {
                GatewayResult<McpConnection> made = await connecting.WaitAsync(cancellationToken).ConfigureAwait(false);
                if (!made.TryGet(out connection, out failure))
                {
                    return failure;
                }

                connection = connection.Key.Fingerprint == key.Fingerprint && connection.TryLease() ? connection : null;
            }

            if (failure is not null)
            {
                return failure;
            }

            if (connection is null)
            {
                continue;
            }

            if (await IsFreshAsync(connection, forWrite, cancellationToken).ConfigureAwait(false))
            {
                return connection;
            }
        }

        return failure ?? new GatewayFailure(GatewayFailureKind.Unreachable,
            "The connection to the Stripe MCP server keeps breaking. Check that the server stays up.")
        { IsRetryable = true };
    }

    public async ValueTask DisposeAsync()
    {
        McpConnection? current;
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
                await current.DisposeAsync().AsTask().WaitAsync(CloseLimit, time).ConfigureAwait(false);
            }
        }
        catch (TimeoutException)
        {
            // A server that does not let go is not waited for.
        }
    }

    private (McpConnection? Connection, Task<GatewayResult<McpConnection>>? Connecting, GatewayFailure? Failure) Take(StripeMcpKey key)
    {
        lock (_gate)
        {
            if (_stopping.IsCancellationRequested)
            {
                return (null, null, new GatewayFailure(GatewayFailureKind.Unreachable, "The host is stopping."));
            }

            if (_current is { } current)
            {
                if (current.Key.Fingerprint == key.Fingerprint && current.TryLease())
                {
                    return (current, null, null);
                }

                current.Retire(current.Key.Fingerprint == key.Fingerprint ? "ended" : null);
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

    private static async Task<bool> IsFreshAsync(McpConnection connection, bool forWrite, CancellationToken cancellationToken)
    {
        bool isFresh = false;
        try
        {
            isFresh = !forWrite || !connection.IsStale(FreshFor) || await connection.ConfirmAsync(cancellationToken).ConfigureAwait(false);
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

    private async Task<GatewayResult<McpConnection>> ConnectAsync(StripeMcpKey key)
    {
        // Never on the caller's stack inside the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        GatewayResult<McpConnection> result;
        try
        {
            result = await OpenAsync(key).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // every way in which the client fails is a value here
        catch (Exception exception)
#pragma warning restore CA1031
        {
            result = TransportFailures.OfConnecting(exception, key, options.Command is not null, options.InitializationTimeout);
        }

        lock (_gate)
        {
            _lastFailure = result.Failure;
            _failedAt = time.GetTimestamp();
            if (result.Value is { } made)
            {
                LastToolset = made.Toolset;
                if (_stopping.IsCancellationRequested)
                {
                    made.Retire(cause: null);
                }
                else
                {
                    _current = made;
                }
            }
        }

        metrics.Connection(result.Failure is null ? "made" : "failed");
        if (result.Failure is { } failure)
        {
            logger.ConnectFailed(failure.Kind.ToString(), failure.Message);
        }
        else
        {
            logger.Connected(options.Command is null ? "http" : "stdio", result.Value!.Toolset.Name);
        }

        return result;
    }

    private async Task<GatewayResult<McpConnection>> OpenAsync(StripeMcpKey key)
    {
        using var limit = new CancellationTokenSource(options.InitializationTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, limit.Token);
        McpConnection? connection = null;
        Task<McpClient> creating = McpClient.CreateAsync(transports(key, () => Volatile.Read(ref connection)?.CutOff()), new McpClientOptions
        {
            ClientInfo = new Implementation { Name = "Coach.Payments.Mcp", Version = Version },
            InitializationTimeout = options.InitializationTimeout,

            // A server of an older protocol may ignore the first question; there must be time left for the second.
            DiscoverProbeTimeout = options.InitializationTimeout / 4,
            TimeProvider = time,
        }, loggerFactory: null, both.Token);
        McpClient client;
        try
        {
            client = await creating.WaitAsync(both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _ = CloseLateAsync(creating);
            throw;
        }

        Volatile.Write(ref connection, new McpConnection(client, key, options, time, logger, metrics));
        bool isDone = false;
        try
        {
            IReadOnlyList<Tool> tools = await connection.ListToolsAsync(both.Token).WaitAsync(both.Token).ConfigureAwait(false);
            GatewayResult<StripeToolset> toolset = await StripeToolsetSelector.ChooseAsync(connection, tools, options, time, both.Token).ConfigureAwait(false);
            if (!toolset.TryGet(out StripeToolset? chosen, out GatewayFailure? failure))
            {
                return failure;
            }

            connection.Toolset = chosen;
            isDone = true;
            return connection;
        }
        finally
        {
            if (!isDone)
            {
                connection.Retire(cause: null);
            }
        }
    }

    private static async Task CloseLateAsync(Task<McpClient> creating)
    {
        try
        {
            McpClient client = await creating.ConfigureAwait(false);
            await client.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // nobody waits for it any more
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}
