using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Coach.Proofs.Stores;

/// <summary>A browser that goes from replica to replica: chats, pays, looks; and remembers what it was promised.</summary>
internal sealed class ReplicaCaller(int number, int seed, IReadOnlyList<ChatReplica> replicas, string key) : IDisposable
{
    private readonly Random _random = new(HashCode.Combine(seed, number));
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseCookies = false })
    {
        Timeout = TimeSpan.FromSeconds(20),
    };

    private readonly List<string> _kept = [];
    private readonly List<string> _operations = [];
    private string? _cookie;
    private string? _session;
    private int _asked;

    public int Cases { get; private set; }

    public int Refused { get; private set; }

    public int Http500 { get; private set; }

    public int Turns => _kept.Count;

    public int Unkept { get; private set; }

    /// <summary>What the last question got that got no whole answer.</summary>
    public string? LastRefusal { get; private set; }

    public int Operations => _operations.Count;

    /// <summary>Starts the session and enters the key.</summary>
    public async Task EnterAsync()
    {
        using HttpResponseMessage? session = await SendAsync(HttpMethod.Get, "/api/session");
        _session = (await session!.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("sessionId").GetString();
        using HttpResponseMessage? entered = await SendAsync(
            HttpMethod.Post, "/api/session/keys", $$"""{"provider":"gemini","apiKey":"{{key}}"}""");
        if (entered?.StatusCode != HttpStatusCode.OK)
        {
            throw new InvalidOperationException($"The key was refused: {entered?.StatusCode}");
        }
    }

    public async Task RunAsync(CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            switch (_random.Next(4))
            {
                case 0:
                    string operation = _operations.Count > 0 && _random.Next(3) == 0
                        ? _operations[_random.Next(_operations.Count)]
                        : string.Create(CultureInfo.InvariantCulture, $"order-{number}-{_operations.Count}");
                    if (!_operations.Contains(operation))
                    {
                        _operations.Add(operation);
                    }

                    using (await SendAsync(
                        HttpMethod.Post, "/api/payments/links", """{"amount":1250,"currency":"usd","description":"Coffee"}""", operation))
                    {
                    }

                    break;
                case 1:
                    using (await SendAsync(HttpMethod.Get, "/api/chat"))
                    {
                    }

                    break;
                default:
                    await AskAsync();
                    break;
            }

            await Task.Delay(_random.Next(100, 300), CancellationToken.None);
        }
    }

    /// <summary>Asks a replica at the end, when all is well again.</summary>
    /// <returns>Whether it knows the session, and every turn that was kept.</returns>
    public async Task<(bool HasSession, bool HasConversation)> LookAsync(ChatReplica replica)
    {
        using HttpResponseMessage session = await SendToAsync(replica, HttpMethod.Get, "/api/session", null, null);
        JsonElement known = await session.Content.ReadFromJsonAsync<JsonElement>();
        bool hasSession = session.IsSuccessStatusCode && known.GetProperty("sessionId").GetString() == _session
            && known.GetProperty("keys").GetArrayLength() == 1;
        using HttpResponseMessage chat = await SendToAsync(replica, HttpMethod.Get, "/api/chat", null, null);
        if (!chat.IsSuccessStatusCode)
        {
            return (hasSession, false);
        }

        string[] questions =
        [
            .. (await chat.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("messages").EnumerateArray()
                .Where(message => message.GetProperty("role").GetString() == "user")
                .Select(message => message.GetProperty("text").GetString()!),
        ];
        return (hasSession, _kept.All(questions.Contains));
    }

    public void Dispose() => _client.Dispose();

    private async Task AskAsync()
    {
        string question = string.Create(
            CultureInfo.InvariantCulture, $"{ReplicasProof.Canary} question {++_asked} of {number}");
        using HttpResponseMessage? response = await SendAsync(
            HttpMethod.Post, "/api/chat", JsonSerializer.Serialize(new { message = question }));
        if (response is not { StatusCode: HttpStatusCode.OK })
        {
            LastRefusal = response is null
                ? "no replica answered"
                : $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
            return;
        }

        try
        {
            string body = await response.Content.ReadAsStringAsync();
            if (body.Contains("\"historyKept\":false", StringComparison.Ordinal))
            {
                Unkept++;
            }
            else if (body.Contains("event: done", StringComparison.Ordinal))
            {
                _kept.Add(question);
            }
            else
            {
                LastRefusal = body;
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            // The replica was killed while it answered: nothing was promised.
        }
    }

    // A replica that is down is no answer: a load balancer goes to the next.
    private async Task<HttpResponseMessage?> SendAsync(
        HttpMethod method, string path, string? body = null, string? operation = null)
    {
        for (int attempt = 0; attempt < 10; attempt++)
        {
            try
            {
                HttpResponseMessage response = await SendToAsync(
                    replicas[_random.Next(replicas.Count)], method, path, body, operation);
                await CountAsync(response);
                return response;
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
            {
                await Task.Delay(50);
            }
        }

        return null;
    }

    private async Task CountAsync(HttpResponseMessage response)
    {
        Cases++;
        if (response.StatusCode == HttpStatusCode.ServiceUnavailable)
        {
            string problem = await response.Content.ReadAsStringAsync();
            bool hasCode = problem.Contains("\"code\":\"ERR_", StringComparison.Ordinal);
            Refused += hasCode ? 1 : 0;
            Http500 += hasCode ? 0 : 1;
        }
        else if ((int)response.StatusCode >= 500)
        {
            Http500++;
            Console.WriteLine($"{(int)response.StatusCode} {response.RequestMessage?.RequestUri?.AbsolutePath} "
                + await response.Content.ReadAsStringAsync());
        }
    }

    private async Task<HttpResponseMessage> SendToAsync(
        ChatReplica replica, HttpMethod method, string path, string? body, string? operation)
    {
        using var request = new HttpRequestMessage(method, new Uri(replica.Address, path));
        if (_cookie is not null)
        {
            request.Headers.Add("Cookie", _cookie);
        }

        if (operation is not null)
        {
            request.Headers.Add("Idempotency-Key", operation);
        }

        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        HttpResponseMessage response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (response.Headers.TryGetValues("Set-Cookie", out IEnumerable<string>? cookies))
        {
            _cookie = cookies.Select(cookie => cookie.Split(';')[0])
                .FirstOrDefault(cookie => cookie.StartsWith("coach_session=", StringComparison.Ordinal)) ?? _cookie;
        }

        return response;
    }
}
