using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;

namespace Coach.Proofs.Usage;

/// <summary>A provider that counts each call by its id before it answers.</summary>
internal sealed class CountingProvider : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _costs = new(StringComparer.Ordinal);
    private TaskCompletionSource _reached = new();
    private readonly long _mostACall;
    private int _left;
    private int _round;

    public CountingProvider(long mostACall)
    {
        _mostACall = mostACall;
        for (int port = 20_000 + (Environment.ProcessId % 20_000); ; port++)
        {
            Url = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
            _listener.Prefixes.Clear();
            _listener.Prefixes.Add(Url.ToString());
            try
            {
                _listener.Start();
                break;
            }
            catch (HttpListenerException)
            {
                // Somebody else's; the next one.
            }
        }

        _ = ServeAsync();
    }

    public Uri Url { get; }

    public long Total => _costs.Values.Sum();

    public long Calls => _costs.Count;

    public long? Find(string id) => _costs.TryGetValue(id, out long cost) ? cost : null;

    /// <summary>The round that callers are in.</summary>
    public int Round
    {
        get => Volatile.Read(ref _round);
        set => Volatile.Write(ref _round, value);
    }

    /// <summary>Ends when so many more calls came in.</summary>
    public Task AfterAsync(int calls)
    {
        _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _left, calls);
        return _reached.Task;
    }

    public void Dispose() => _listener.Close();

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            string id = context.Request.Url!.Segments[^1];
            string answer = "0";
            if (id == "round")
            {
                answer = Volatile.Read(ref _round).ToString(CultureInfo.InvariantCulture);
            }
            else if (id != "refused")
            {
                long cost = 1 + (Convert.ToInt64(id[..8], 16) % _mostACall);
                _costs[id] = cost;
                answer = cost.ToString(CultureInfo.InvariantCulture);
            }

            if (Interlocked.Decrement(ref _left) == 0)
            {
                _reached.TrySetResult();
            }

            try
            {
                await context.Response.OutputStream.WriteAsync(Encoding.ASCII.GetBytes(answer));
                context.Response.Close();
            }
            catch (Exception exception) when (exception is HttpListenerException or IOException or ObjectDisposedException)
            {
                // Who asked is dead.
            }
        }
    }
}
