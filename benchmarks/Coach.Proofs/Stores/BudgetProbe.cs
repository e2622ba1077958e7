using System.Net;
using System.Text;
using Coach.Testing;

namespace Coach.Proofs.Stores;

/// <summary>One session that chats on every replica at once, far past its budget.</summary>
internal sealed class BudgetProbe(IReadOnlyList<ChatReplica> replicas, string key) : IDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseCookies = false })
    {
        Timeout = TimeSpan.FromSeconds(20),
    };

    private string? _cookie;
    private int _refused;

    /// <summary>Calls that the budget refused.</summary>
    public int Refused => _refused;

    /// <summary>Model calls with one of the keys past the most that a session may make, by the provider's own
    /// count.</summary>
    public static int Overshoot(ProviderFake providers, int most) => providers.Requests
        .Where(request => request.Method == "POST")
        .GroupBy(request => request.Key ?? "", StringComparer.Ordinal)
        .Sum(calls => Math.Max(0, calls.Count() - most));

    /// <summary>Model calls with a key.</summary>
    public static int Calls(ProviderFake providers, string key) =>
        providers.Requests.Count(request => request.Method == "POST" && request.Key == key);

    /// <summary>Starts the session, while every replica is there.</summary>
    public async Task EnterAsync()
    {
        using HttpResponseMessage first = await SendAsync(replicas[0], HttpMethod.Get, "/api/session", null);
        _cookie = CookieOf(first);
        using HttpResponseMessage entered = await SendAsync(
            replicas[0], HttpMethod.Post, "/api/session/keys", $$"""{"provider":"gemini","apiKey":"{{key}}"}""");
        entered.EnsureSuccessStatusCode();
        _cookie = CookieOf(entered) ?? _cookie;
    }

    public Task RunAsync(CancellationToken end) => Task.WhenAll(replicas.Select(replica => AskAsync(replica, end)));

    public void Dispose() => _client.Dispose();

    private async Task AskAsync(ChatReplica replica, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            try
            {
                using HttpResponseMessage response =
                    await SendAsync(replica, HttpMethod.Post, "/api/chat", """{"message":"again"}""");
                string body = await response.Content.ReadAsStringAsync(CancellationToken.None);
                if (body.Contains("ERR_BUDGET_EXCEEDED", StringComparison.Ordinal))
                {
                    Interlocked.Increment(ref _refused);
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
            {
            }

            await Task.Delay(100, CancellationToken.None);
        }
    }

    private static string? CookieOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? cookies)
            ? cookies.First().Split(';')[0]
            : null;

    private async Task<HttpResponseMessage> SendAsync(ChatReplica replica, HttpMethod method, string path, string? body)
    {
        using var request = new HttpRequestMessage(method, new Uri(replica.Address, path));
        if (_cookie is not null)
        {
            request.Headers.Add("Cookie", _cookie);
        }

        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        return await _client.SendAsync(request, CancellationToken.None);
    }
}
