using System.Text.Json;
using System.Text.Json.Nodes;
using Coach.Payments.Gateways;
using Coach.Payments.Mcp.Telemetry;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Coach.Payments.Mcp.Connections;

/// <summary>
/// One client and the tools it found. Once anything casts doubt on it, it is retired for good: the MCP client never
/// recovers from a lost session. It is closed when the last call in flight has ended, and every call has a time limit.
/// </summary>
internal sealed class McpConnection(
    McpClient client, StripeMcpKey key, StripeMcpOptions options, TimeProvider time, McpTelemetry telemetry)
    : IAsyncDisposable
{
    private const int MaxToolPages = 20;
    private const int MaxTools = 1000;

    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _tooLong = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    // Reference counting: a retired connection is closed when the last call in flight has ended, not under it.
    private int _leases;
    private bool _isRetired;
    private bool _isClosing;
    private long _confirmedAt = time.GetTimestamp();
    private volatile bool _isInDoubt;
    private volatile string? _tools;
    private int _isComparing;

    public StripeMcpKey Key => key;

    public bool IsUsable
    {
        get
        {
            lock (_gate)
            {
                return !_isRetired && !client.Completion.IsCompleted;
            }
        }
    }

    /// <summary>Whether it should be asked something harmless before a write is entrusted to it.</summary>
    public bool IsStale(TimeSpan age) => _isInDoubt || time.GetElapsedTime(Volatile.Read(ref _confirmedAt)) >= age;

    public bool TryLease()
    {
        lock (_gate)
        {
            if (_isRetired || client.Completion.IsCompleted)
            {
                return false;
            }

            _leases++;
            return true;
        }
    }

    public void Release()
    {
        bool close;
        lock (_gate)
        {
            close = --_leases == 0 && _isRetired && !_isClosing;
            _isClosing |= close;
        }

        if (close)
        {
            _ = CloseAsync();
        }
    }

    /// <summary>Takes it out of use. Harmless when it already is.</summary>
    /// <param name="cause">Why, for the log; null when it is no loss.</param>
    public void Retire(string? cause)
    {
        bool close;
        lock (_gate)
        {
            if (_isRetired)
            {
                return;
            }

            _isRetired = true;
            close = _leases == 0;
            _isClosing = close;
        }

        if (cause is not null)
        {
            telemetry.Metrics.Connection("lost");
            telemetry.Logger.ConnectionLost(cause);
        }

        if (close)
        {
            _ = CloseAsync();
        }
    }

    /// <summary>An answer was too long: whoever waits on this connection need not wait on.</summary>
    public void CutOff() => _tooLong.Cancel();

    /// <summary>All tools, with a limit on pages and number.</summary>
    public async Task<IReadOnlyList<Tool>> ListToolsAsync(CancellationToken cancellationToken)
    {
        List<Tool> tools = await ReadToolsAsync(cancellationToken).ConfigureAwait(false);
        client.AddKnownTools(tools);
        _tools = Describe(tools);
        return tools;
    }

    /// <summary>
    /// Listens for the server's word that its tools have changed. If they have, the connection is retired, and the next
    /// call chooses among the new ones; servers also say so when nothing has changed.
    /// </summary>
    public void WatchTools() => client.RegisterNotificationHandler(
        NotificationMethods.ToolListChangedNotification,
        (_, _) =>
        {
            _ = CompareToolsAsync();
            return default;
        });

    private async Task CompareToolsAsync()
    {
        // Not under the hand of the session that reads the answers.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        if (Interlocked.Exchange(ref _isComparing, 1) != 0)
        {
            return;
        }

        try
        {
            using var deadline = new Deadline(options.InitializationTimeout, time, CancellationToken.None);
            List<Tool> tools = await ReadToolsAsync(deadline.Token).WaitAsync(deadline.Token).ConfigureAwait(false);
            if (Describe(tools) != _tools)
            {
                Retire("the tools changed");
            }
        }
        catch (Exception) // the next call finds out what is wrong
        {
            _isInDoubt = true;
        }
        finally
        {
            Volatile.Write(ref _isComparing, 0);
        }
    }

    private async Task<List<Tool>> ReadToolsAsync(CancellationToken cancellationToken)
    {
        var tools = new List<Tool>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? cursor = null;
        for (int page = 0; page < MaxToolPages && tools.Count < MaxTools; page++)
        {
            ListToolsResult result = await client.ListToolsAsync(
                new ListToolsRequestParams { Cursor = cursor }, cancellationToken).ConfigureAwait(false);
            tools.AddRange(result.Tools);
            cursor = result.NextCursor;

            // A cursor that comes again leads nowhere new.
            if (string.IsNullOrEmpty(cursor) || !seen.Add(cursor))
            {
                break;
            }
        }

        return tools;
    }

    private static string Describe(IEnumerable<Tool> tools) => string.Join(
        '\n',
        tools.Select(static tool => tool.Name + " " + tool.InputSchema.GetRawText())
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));

    /// <summary>Asks something harmless; a connection that does not answer is retired.</summary>
    public async Task<bool> ConfirmAsync(CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(options.InitializationTimeout, time, cancellationToken);
        try
        {
            ValueTask<ListToolsResult> listing = client.ListToolsAsync(new ListToolsRequestParams(), deadline.Token);
            await AnswerAsync(listing, deadline.Token).ConfigureAwait(false);
            Confirm();
            return true;
        }
        catch (Exception exception) // whatever it is, this connection is of no more use
        {
            cancellationToken.ThrowIfCancellationRequested();
            Retire(exception.GetType().Name);
            return false;
        }
    }

    /// <summary>Calls a tool once.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="operation">What for, for the log; from a closed set.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="cancellationToken">Ends the wait; what was asked may be done all the same.</param>
    /// <returns>The JSON of a success, or the failure.</returns>
    public async Task<GatewayResult<JsonElement>> CallAsync(
        string tool, string operation, JsonObject arguments, CancellationToken cancellationToken)
    {
        GatewayResult<JsonElement> result = await SendAsync(tool, arguments, cancellationToken).ConfigureAwait(false);
        telemetry.Logger.ToolCalled(tool, operation, result.Failure?.Kind.ToString() ?? "success");
        if (result.Failure is { Kind: GatewayFailureKind.ApprovalNeeded })
        {
            telemetry.Logger.ApprovalNeeded(operation);
        }

        if (result.Failure is { } failure && ToolFailures.IsNoSuchTool(failure))
        {
            Retire("a tool is missing"); // the next call chooses among those that there are
        }

        return result;
    }

    public async ValueTask DisposeAsync()
    {
        Retire(cause: null);
        await _closed.Task.ConfigureAwait(false);
    }

    private async Task<GatewayResult<JsonElement>> SendAsync(
        string tool, JsonObject arguments, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var deadline = new Deadline(options.CallTimeout, time, cancellationToken, _tooLong.Token);
        try
        {
            var request = new CallToolRequestParams { Name = tool, Arguments = Elements(arguments) };
            ValueTask<CallToolResult> call = client.CallToolAsync(request, deadline.Token);
            CallToolResult result = await AnswerAsync(call, deadline.Token).ConfigureAwait(false);
            Confirm();
            GatewayResult<JsonElement> read = ToolResultReader.Read(result, options.MaxResultLength);
            if (read.Failure is not null)
            {
                LogSaid(tool, ToolResultReader.Said(result));
            }

            return read;
        }
        catch (Exception exception) // every way in which the client fails is a value here
        {
            if (cancellationToken.IsCancellationRequested)
            {
                // It may be the server that hangs: the next write looks first.
                _isInDoubt = true;
                throw new OperationCanceledException(cancellationToken);
            }

            if (TransportFailures.IsSaid(exception))
            {
                LogSaid(tool, exception.Message);
            }

            return Conclude(exception, deadline.HasPassed);
        }
    }

    private void LogSaid(string tool, string text)
    {
        if (key.Redact(text) is { } said)
        {
            telemetry.Logger.ServerSaid(tool, said);
        }
    }

    private GatewayFailure Conclude(Exception exception, bool isLate)
    {
        if (_tooLong.IsCancellationRequested)
        {
            Retire("answer too long");
            return ToolFailures.Bad($"an answer of more than {options.MaxResultLength} characters; "
                + "raise Coach:Payments:Mcp:MaxResultLength if that is right");
        }

        if (isLate)
        {
            Retire("call timed out");
            string limit = $"{options.CallTimeout.TotalSeconds:0.###} s";
            return new GatewayFailure(GatewayFailureKind.TimedOut, "The Stripe MCP server did not answer "
                + $"within {limit}.")
            {
                IsRetryable = true,
            };
        }

        if (!TransportFailures.IsConnectionIntact(exception))
        {
            Retire(exception.GetType().Name);
        }

        return TransportFailures.OfCall(exception);
    }

    private void Confirm()
    {
        Volatile.Write(ref _confirmedAt, time.GetTimestamp());
        _isInDoubt = false;
    }

    private async Task CloseAsync()
    {
        // Closing a dead process or session may take a while; nobody waits for it but the host's own end.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await client.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception) // it is gone either way
        {
        }

        _tooLong.Dispose();
        _closed.TrySetResult();
    }

    private static Dictionary<string, JsonElement> Elements(JsonObject arguments)
    {
        using JsonDocument document = JsonDocument.Parse(arguments.ToJsonString());
        return document.RootElement.EnumerateObject().ToDictionary(
            static entry => entry.Name, static entry => entry.Value.Clone(), StringComparer.Ordinal);
    }

    // Waits no longer than the session lives: a request that is sent while the session ends is never answered, and the
    // client does not notice.
    private async Task<T> AnswerAsync<T>(ValueTask<T> pending, CancellationToken cancellationToken)
    {
        Task<T> call = pending.AsTask();

        // A call that is no longer waited for ends some time; its exception must not surface as an unobserved one.
        const TaskContinuationOptions onFault =
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously;
        _ = call.ContinueWith(
            static ended => _ = ended.Exception, CancellationToken.None, onFault, TaskScheduler.Default);
        await Task.WhenAny(call, client.Completion).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (!call.IsCompleted)
        {
            // The answer may have come just before the end.
            await Task.WhenAny(call, Task.Delay(LastWords, time, cancellationToken)).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }

        return call.IsCompleted ? await call.ConfigureAwait(false) : throw new IOException("The session ended.");
    }
}
