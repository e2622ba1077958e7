using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Coach.Proofs.Llm;

/// <summary>
/// OpenAI's chat on loopback: tokens at an even pace, each of which says when it was written; two tildes end an answer. On
/// bare sockets with one thread that writes all answers, so that the processor is the host's.
/// </summary>
internal sealed class TimedProvider : IAsyncDisposable
{
    private static readonly byte[] Head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray();

    private static readonly byte[] Last = Chunk(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"~~\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", "0\r\n\r\n");

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<Answer> _begun = new();
    private readonly double _rate;
    private readonly Thread _writer;
    private readonly Task _accepts;

    private TimedProvider(int rate)
    {
        _rate = rate;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(4096);
        _writer = new Thread(WriteAnswers) { IsBackground = true, Name = "provider" };
        _writer.Start();
        _accepts = AcceptAsync();
    }

    /// <summary>The base URL to configure.</summary>
    public Uri BaseUrl => new(string.Create(CultureInfo.InvariantCulture, $"http://{_listener.LocalEndPoint}/v1"));

    /// <summary>How long an answer takes.</summary>
    public TimeSpan Length { get; set; } = TimeSpan.FromSeconds(1);

    public static TimedProvider Start(int rate) => new(rate);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepts;
        _writer.Join();
        _stop.Dispose();
    }

    private static byte[] Chunk(string text, string end = "") =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{text.Length:x}\r\n{text}\r\n{end}"));

    private async Task AcceptAsync()
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                Socket peer = await _listener.AcceptAsync(_stop.Token);
                peer.NoDelay = true;
                _ = ServeAsync(peer);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // stopped
        }
    }

    private async Task ServeAsync(Socket peer)
    {
        using (peer)
        {
            var request = new StringBuilder();
            byte[] buffer = new byte[64 * 1024];
            try
            {
                int read;
                while ((read = await peer.ReceiveAsync(buffer, _stop.Token)) > 0)
                {
                    request.Append(Encoding.Latin1.GetString(buffer, 0, read));
                    if (IsWhole(request.ToString()))
                    {
                        await AnswerAsync(peer, request.ToString());
                        request.Clear();
                    }
                }
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException)
            {
                // the reader left
            }
        }
    }

    // The client under test states its length or sends chunks; no request has a second one behind it.
    private static bool IsWhole(string request)
    {
        int head = request.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (head < 0 || request.StartsWith("GET", StringComparison.Ordinal))
        {
            return head >= 0;
        }

        const string Name = "Content-Length:";
        int at = request.IndexOf(Name, 0, head, StringComparison.OrdinalIgnoreCase);
        return at < 0
            ? request.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal)
            : request.Length - head - 4 >= int.Parse(request[(at + Name.Length)..request.IndexOf('\r', at)], CultureInfo.InvariantCulture);
    }

    private async Task AnswerAsync(Socket peer, string request)
    {
        if (request.StartsWith("GET", StringComparison.Ordinal))
        {
            await SendAsync(peer, "200 OK", """{"object":"list","data":[{"id":"gpt-6-luna","object":"model"}]}""");
        }
        else if (!request.Contains("\"stream\":true", StringComparison.Ordinal))
        {
            // A question about the key, without messages.
            await SendAsync(
                peer, "400 Bad Request",
                """{"error":{"message":"Missing messages","type":"invalid_request_error","param":"messages"}}""");
        }
        else
        {
            var answer = new Answer(peer, (int)(Length.TotalSeconds * _rate));
            _begun.Enqueue(answer);
            await answer.End.Task;
        }
    }

    private static async Task SendAsync(Socket peer, string status, string body) => await peer.SendAsync(Encoding.ASCII.GetBytes(
        string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}")));

    // Each answer has its own beat: those that began together are spread over the time between two tokens.
    private void WriteAnswers()
    {
        var due = new PriorityQueue<Answer, long>();
        long between = (long)(Stopwatch.Frequency / _rate);
        int begun = 0;
        while (!_stop.IsCancellationRequested)
        {
            while (_begun.TryDequeue(out Answer? answer))
            {
                // The golden ratio spreads any number of them evenly.
                due.Enqueue(answer, Stopwatch.GetTimestamp() + (long)(begun++ * 0.6180339887 % 1 * between));
            }

            while (due.TryPeek(out Answer? next, out long time) && time <= Stopwatch.GetTimestamp())
            {
                due.Dequeue();
                if (next.Write())
                {
                    due.Enqueue(next, time + between);
                }
            }

            Thread.Sleep(1);
        }
    }

    private sealed class Answer(Socket peer, int tokens)
    {
        private int _written;

        public TaskCompletionSource End { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        // False after the last one.
        public bool Write()
        {
            try
            {
                if (_written == 0)
                {
                    peer.Send(Head);
                }

                if (_written++ < tokens)
                {
                    peer.Send(Chunk(string.Create(
                        CultureInfo.InvariantCulture,
                        $"data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"t{Stopwatch.GetTimestamp()};\"}}}}]}}\n\n")));
                    return true;
                }

                peer.Send(Last);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // the reader left
            }

            End.TrySetResult();
            return false;
        }
    }
}
