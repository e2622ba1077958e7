using System.Diagnostics;
using System.Net;

namespace Coach.Proofs.Stores;

/// <summary>One session that asks as fast as it can, on every replica: how much is granted.</summary>
internal sealed class LimitProbe(IReadOnlyList<ChatReplica> replicas, int burst, int perMinute) : IDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseCookies = false })
    {
        Timeout = TimeSpan.FromSeconds(20),
    };

    private string? _cookie;
    private readonly Lock _gate = new();
    private long _started;
    private int _granted;
    private int _overshoot;

    /// <summary>Requests past the limit while Redis was up, or past replicas × limit in all.</summary>
    public int Overshoot => Math.Max(_overshoot, Past(replicas.Count));

    /// <summary>Until now the limit had to be exact.</summary>
    public void RedisGoesAway()
    {
        lock (_gate)
        {
            _overshoot = Math.Max(0, Past(1));
        }
    }

    /// <summary>Starts the session, while every replica is there.</summary>
    public async Task EnterAsync()
    {
        using HttpResponseMessage first = await _client.GetAsync(new Uri(replicas[0].Address, "/api/session"));
        _cookie = first.Headers.GetValues("Set-Cookie").First().Split(';')[0];
        _started = Stopwatch.GetTimestamp();
    }

    public Task RunAsync(CancellationToken end) => Task.WhenAll(replicas.Select(replica => AskAsync(replica, end)));

    public void Dispose() => _client.Dispose();

    private async Task AskAsync(ChatReplica replica, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(replica.Address, "/api/config"));
                request.Headers.Add("Cookie", _cookie);
                using HttpResponseMessage response = await _client.SendAsync(request, CancellationToken.None);
                if (response.StatusCode == HttpStatusCode.OK)
                {
                    lock (_gate)
                    {
                        _granted++;
                    }
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
            {
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }

    // One request may be on its way on each replica when the clock is read.
    private int Past(int times)
    {
        double allowed = times * (burst + (Stopwatch.GetElapsedTime(_started).TotalMinutes * perMinute));
        return Math.Max(0, _granted - (int)Math.Ceiling(allowed) - replicas.Count);
    }
}
