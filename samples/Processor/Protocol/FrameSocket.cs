using System.Buffers;
using System.Net.WebSockets;
using Processor.Configuration;

namespace Processor.Protocol;

/// <summary>What came in.</summary>
internal enum ReceivedKind
{
    /// <summary>A text frame.</summary>
    Text,

    /// <summary>The other side closed, or is gone.</summary>
    Closed,
}

/// <summary>A frame as it came in.</summary>
internal readonly record struct Received(ReceivedKind Kind, ReadOnlyMemory<byte> Text = default);

/// <summary>
/// A WebSocket with limits. Cancelling a read would break the connection before it can be told why, so reads are left
/// pending and the rest of what comes is read past after a close.
/// </summary>
internal sealed class FrameSocket(WebSocket socket, ProcessorOptions options, TimeProvider time)
{
    private const int ChunkBytes = 4096;

    /// <summary>Reads the next text frame.</summary>
    /// <param name="firstWithin">How long its first byte may take; null is for ever.</param>
    /// <exception cref="ProtocolFault">Binary, too long, or too slow.</exception>
    public async Task<Received> ReceiveAsync(TimeSpan? firstWithin)
    {
        byte[]? message = null;
        int length = 0;
        long begun = 0;
        try
        {
            while (true)
            {
                // Waits without a buffer: thousands of idle connections hold none.
                if (message is null)
                {
                    ValueWebSocketReceiveResult idle = await WithinAsync(
                        socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None), firstWithin, "first frame");
                    if (idle.MessageType == WebSocketMessageType.Close)
                    {
                        return new Received(ReceivedKind.Closed);
                    }

                    CheckText(idle.MessageType);
                    if (idle.EndOfMessage)
                    {
                        return new Received(ReceivedKind.Text);
                    }

                    message = ArrayPool<byte>.Shared.Rent(ChunkBytes);
                    begun = time.GetTimestamp();
                }

                if (length == message.Length)
                {
                    message = Grow(message, length);
                }

                TimeSpan left = options.ReceiveTimeout - time.GetElapsedTime(begun);
                ValueWebSocketReceiveResult part = await WithinAsync(
                    socket.ReceiveAsync(message.AsMemory(length), CancellationToken.None), left, "rest of a frame");
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    return new Received(ReceivedKind.Closed);
                }

                CheckText(part.MessageType);
                length += part.Count;
                if (length > options.MaxFrameBytes)
                {
                    throw new ProtocolFault(
                        WebSocketCloseStatus.MessageTooBig,
                        RunErrors.Inputs,
                        $"A frame has at most {options.MaxFrameBytes} bytes.");
                }

                if (part.EndOfMessage)
                {
                    return new Received(ReceivedKind.Text, message.AsSpan(0, length).ToArray());
                }
            }
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException or ObjectDisposedException
            or InvalidOperationException or IOException)
        {
            return new Received(ReceivedKind.Closed);
        }
        catch (ProtocolFault slow) when (slow.Code == RunErrors.Timeout)
        {
            message = null; // a read may still write to it: it is not given back
            throw;
        }
        finally
        {
            if (message is not null)
            {
                ArrayPool<byte>.Shared.Return(message);
            }
        }
    }

    /// <summary>Sends a frame; a reader that does not take it in time loses the connection.</summary>
    /// <returns>Whether it was taken.</returns>
    public async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> frame)
    {
        try
        {
            ValueTask sending = socket.SendAsync(frame, WebSocketMessageType.Text, true, CancellationToken.None);
            if (!sending.IsCompleted)
            {
                await sending.AsTask().WaitAsync(options.SendTimeout, time);
            }
            else
            {
                await sending;
            }

            return true;
        }
        catch (TimeoutException)
        {
            socket.Abort();
            return false;
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException or ObjectDisposedException
            or InvalidOperationException or IOException)
        {
            return false;
        }
    }

    /// <summary>Says goodbye and reads past what still comes, until the other side answers or the time is up.</summary>
    public async Task CloseAsync(WebSocketCloseStatus status, string reason)
    {
        try
        {
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await socket.CloseOutputAsync(status, reason, CancellationToken.None)
                    .WaitAsync(options.CloseTimeout, time);
            }
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException or ObjectDisposedException
            or InvalidOperationException or TimeoutException or IOException)
        {
            socket.Abort();
        }
    }

    /// <summary>Reads past everything until the other side has closed.</summary>
    public async Task DrainAsync()
    {
        byte[] scrap = new byte[ChunkBytes];
        long begun = time.GetTimestamp();
        try
        {
            while (socket.State is WebSocketState.Open or WebSocketState.CloseSent)
            {
                TimeSpan left = options.CloseTimeout - time.GetElapsedTime(begun);
                await socket.ReceiveAsync(scrap.AsMemory(), CancellationToken.None)
                    .AsTask().WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
            }
        }
        catch (Exception gone) when (gone is WebSocketException or OperationCanceledException or ObjectDisposedException
            or InvalidOperationException or TimeoutException or IOException)
        {
            socket.Abort();
        }
    }

    private static void CheckText(WebSocketMessageType type)
    {
        if (type == WebSocketMessageType.Binary)
        {
            throw new ProtocolFault(
                WebSocketCloseStatus.InvalidMessageType, RunErrors.Inputs, "Frames are text, not binary.");
        }
    }

    private byte[] Grow(byte[] message, int length)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Min(message.Length * 2, options.MaxFrameBytes + ChunkBytes));
        message.AsSpan(0, length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(message);
        return larger;
    }

    private async Task<ValueWebSocketReceiveResult> WithinAsync(
        ValueTask<ValueWebSocketReceiveResult> receiving, TimeSpan? limit, string what)
    {
        if (receiving.IsCompleted || limit is null)
        {
            return await receiving;
        }

        try
        {
            return await receiving.AsTask().WaitAsync(limit.Value > TimeSpan.Zero ? limit.Value : TimeSpan.Zero, time);
        }
        catch (TimeoutException)
        {
            throw new ProtocolFault(
                WebSocketCloseStatus.PolicyViolation,
                RunErrors.Timeout,
                $"The {what} did not come within {options.ReceiveTimeout.TotalSeconds:0.###} s.");
        }
    }
}
