using System.Net.WebSockets;
using Processor.Configuration;
using Processor.Execution;
using Processor.Runs;

namespace Processor.Protocol;

/// <summary>
/// One WebSocket from its first frame to its close: joins a run, shows it, and passes on what a controller wants.
/// </summary>
internal sealed class RunConnection(
    WebSocket webSocket,
    RunRegistry registry,
    RunExecutor executor,
    ProcessorOptions options,
    TimeProvider time,
    ILogger logger)
{
    private readonly FrameSocket _socket = new(webSocket, options, time);
    private readonly string _id = "conn-" + Guid.NewGuid().ToString("N")[..12];
    private FrameWriter _writer = new(Generation.Unknown, "");

    public async Task ServeAsync()
    {
        Run? run = null;
        try
        {
            (run, ConnectionRole role, long after) = await OpenAsync();
            if (run is not null)
            {
                await FollowAsync(run, role, after);
            }
        }
        catch (ProtocolFault fault)
        {
            logger.ConnectionRefused((int)fault.Status, fault.Message);
            await _socket.SendAsync(_writer.Fault(fault));
            await _socket.CloseAsync(fault.Status, Reason(fault.Message));
            await _socket.DrainAsync();
        }
        finally
        {
            if (run is not null)
            {
                registry.Detach(run);
            }
        }
    }

    private async Task<(Run? Run, ConnectionRole Role, long After)> OpenAsync()
    {
        Received first = await _socket.ReceiveAsync(options.ReceiveTimeout);
        if (first.Kind == ReceivedKind.Closed)
        {
            await _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "");
            return (null, default, 0);
        }

        OpenFrame open = FrameReader.ReadOpen(first.Text, options.MaxFrameDepth);
        _writer = new FrameWriter(open.Generation, open.RunId);
        if (!registry.TryAttach(open.RunId, out Run? run, out string? refusal))
        {
            throw new ProtocolFault(
                (WebSocketCloseStatus)1013, RunErrors.Runtime, refusal, open.Generation, open.RunId);
        }

        try
        {
            bool isFirst = Join(run, open);
            await _socket.SendAsync(_writer.Ack(run.State));
            if (isFirst)
            {
                _ = RunAsync(run, open.Request);
            }
        }
        catch
        {
            registry.Detach(run);
            throw;
        }

        return (run, open.Role, open.After);
    }

    // Whether this connection brings the inputs of a run that has none.
    private bool Join(Run run, OpenFrame open)
    {
        // A controller may bring a run's inputs, and need not; an observer only watches.
        if (open.Role == ConnectionRole.Observer || (open.Role == ConnectionRole.Controller && !open.HasRequest))
        {
            return false;
        }

        bool isKnown = run.HasStarted || run.Outcome is not null;
        if (!open.HasRequest && !isKnown)
        {
            throw ProtocolFault.Violation(
                open.Generation == Generation.Newer ? "'Request' has 'inputs'." : "A client's 'RunOpen' has a 'payload'.",
                open.Generation,
                open.RunId);
        }

        if (open.HasRequest && run.TryStart(open.RequestHash, Deadline(open.AskedSeconds)))
        {
            return true;
        }

        if (open.HasRequest && run.RequestHash.Length > 0 && run.RequestHash != open.RequestHash)
        {
            throw new ProtocolFault(
                WebSocketCloseStatus.PolicyViolation,
                RunErrors.Validation,
                "Another request has this run id; take a new one.",
                open.Generation,
                open.RunId);
        }

        return false;
    }

    private TimeSpan Deadline(double? asked)
    {
        TimeSpan wanted = asked is { } seconds ? TimeSpan.FromSeconds(seconds) : options.DefaultDeadline;
        TimeSpan atLeast = wanted > options.MinDeadline ? wanted : options.MinDeadline;
        return atLeast < options.MaxDeadline ? atLeast : options.MaxDeadline;
    }

    // The run goes on when this connection ends.
    private async Task RunAsync(Run run, ParsedRequest request)
    {
        RunOutcome outcome = await executor.ExecuteAsync(run, request);
        registry.Finish(run, outcome);
        logger.RunEnded(run.Id, outcome.ErrorCode ?? "success", (long)outcome.Duration.TotalMilliseconds);
    }

    private async Task FollowAsync(Run run, ConnectionRole role, long after)
    {
        using var stop = new CancellationTokenSource();
        Task<bool> showing = ShowAsync(run, after, stop.Token);
        Task listening = ListenAsync(run, role);
        await Task.WhenAny(showing, listening);
        if (listening.IsCompleted && !showing.IsCompleted)
        {
            // Closed by the other side, or a frame that ends the connection: the frame in flight is the last.
            await stop.CancelAsync();
        }

        bool isShown = await showing;
        if (listening.IsFaulted)
        {
            await listening;
        }

        await _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, isShown ? "The run has ended." : "");
        if (!listening.IsCompleted)
        {
            await _socket.DrainAsync();
        }

        _ = listening.ContinueWith(
            static ended => _ = ended.Exception,
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted,
            TaskScheduler.Default);
    }

    /// <summary>Sends every frame of the run after a position, up to and with its outcome.</summary>
    /// <returns>Whether the outcome was sent.</returns>
    private async Task<bool> ShowAsync(Run run, long position, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            (RunFrame? frame, long dropped, Task more) = run.Frames.Next(position);
            if (frame is null)
            {
                if (!await WaitAsync(run, more, cancellationToken))
                {
                    return false;
                }

                continue;
            }

            if (dropped > 0 && !await _socket.SendAsync(_writer.Aside("Log", json =>
            {
                json.WriteString("level"u8, "warning");
                json.WriteString("msg"u8, $"{dropped} log frames were dropped");
                json.WriteNumber("dropped"u8, dropped);
            })))
            {
                return false;
            }

            position = frame.Sequence;
            ReadOnlyMemory<byte> bytes = frame.Kind == FrameKind.Final
                ? _writer.Final(run.Outcome!)
                : _writer.Stream(frame);
            if (!await _socket.SendAsync(bytes))
            {
                return false;
            }

            if (frame.Kind == FrameKind.Final)
            {
                return true;
            }
        }

        return false;
    }

    // Waits for the next frame; says now and then that the run is alive, and ends one to which nobody brings inputs.
    private async Task<bool> WaitAsync(Run run, Task more, CancellationToken cancellationToken)
    {
        TimeSpan wait = options.Heartbeat;
        if (!run.HasStarted && run.Outcome is null)
        {
            TimeSpan left = options.PendingTimeout - time.GetElapsedTime(run.Created);
            wait = TimeSpan.FromTicks(Math.Clamp(left.Ticks, 1, wait.Ticks));
        }

        try
        {
            await more.WaitAsync(wait, time, cancellationToken);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        catch (TimeoutException)
        {
            if (!run.HasStarted && run.Outcome is null && time.GetElapsedTime(run.Created) >= options.PendingTimeout)
            {
                registry.Abandon(run);
                return true;
            }

            return await _socket.SendAsync(_writer.Aside("Event", json =>
            {
                json.WriteString("phase"u8, "heartbeat");
                json.WriteString("state"u8, run.State.ToString().ToUpperInvariant());
            }));
        }
    }

    private async Task ListenAsync(Run run, ConnectionRole role)
    {
        while (true)
        {
            Received received = await _socket.ReceiveAsync(firstWithin: null);
            if (received.Kind == ReceivedKind.Closed)
            {
                return;
            }

            ControlFrame control = FrameReader.ReadControl(received.Text, options.MaxFrameDepth);
            if (role == ConnectionRole.Observer)
            {
                throw new ProtocolFault(
                    WebSocketCloseStatus.PolicyViolation, RunErrors.Validation, "An observer only reads.", runId: run.Id);
            }

            Apply(run, control);
        }
    }

    private void Apply(Run run, ControlFrame control)
    {
        (string phase, bool isDone) = control.Operation switch
        {
            "pause" => ("paused", run.Pause()),
            "resume" => ("resumed", run.Resume()),
            "preempt" => ("preempted", run.Stop(StopReason.Preempted)),
            "set_budget" => ("budget_updated", control.Budget is { } budget && run.SetBudget(budget)),
            _ => ("", false),
        };
        run.Emit(FrameKind.Event, json =>
        {
            json.WriteString("phase"u8, isDone ? phase : "control_noop");
            json.WriteString("op"u8, control.Operation);
            json.WriteString("by"u8, _id);
            json.WriteString("state"u8, run.State.ToString().ToUpperInvariant());
            if (!isDone)
            {
                json.WriteBoolean("noop"u8, true);
            }

            if (control.Problem is not null)
            {
                json.WriteString("code"u8, RunErrors.Validation);
                json.WriteString("message"u8, control.Problem);
            }

            if (isDone && control.Budget is { } set)
            {
                WriteBudget(json, set);
            }
        });

        // A run that has not begun has nobody who would end it.
        if (isDone && control.Operation == "preempt" && !run.HasStarted)
        {
            registry.Finish(run, new RunOutcome
            {
                RunId = run.Id,
                ErrorCode = RunErrors.Preempted,
                ErrorMessage = "The run was preempted.",
            });
        }
    }

    private static void WriteBudget(System.Text.Json.Utf8JsonWriter json, RunBudget budget)
    {
        json.WriteStartObject("budgets"u8);
        if (budget.Tokens is { } tokens)
        {
            json.WriteNumber("tokens"u8, tokens);
        }

        if (budget.Time is { } limit)
        {
            json.WriteNumber("time_s"u8, limit.TotalSeconds);
        }

        if (budget.CostMicro is { } cost)
        {
            json.WriteNumber("cost_micro"u8, cost);
        }

        json.WriteEndObject();
    }

    // A close frame has room for 123 bytes; the messages are ASCII.
    private static string Reason(string message) => message.Length <= 123 ? message : message[..123];
}
