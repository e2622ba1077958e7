using System.Diagnostics;
using System.Net;

namespace Coach.Proofs.Stores;

/// <summary>One session that asks as fast as it can, on every replica: how much is granted.</summary>
internal sealed class LimitProbe(IReadOnlyList<ChatReplica> replicas, int burst, int perMinute)
{
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

    public async Task RunAsync(CancellationToken end)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { Timeout = TimeSpan.FromSeconds(20) };
        string? cookie = null;
        while (cookie is null)
        {
            using HttpResponseMessage first = await client.GetAsync(new Uri(replicas[0].Address, "/api/session"), CancellationToken.None);
            cookie = first.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? set)
                ? set.First().Split(';')[0]
                : null;
        }

        _started = Stopwatch.GetTimestamp();
        await Task.WhenAll(replicas.Select(replica => AskAsync(client, replica, cookie, end)));
    }

    private async Task AskAsync(HttpClient client, ChatReplica replica, string cookie, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(replica.Address, "/api/config"));
                request.Headers.Add("Cookie", cookie);
                using HttpResponseMessage response = await client.SendAsync(request, CancellationToken.None);
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
