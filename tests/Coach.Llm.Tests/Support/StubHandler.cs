using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace Coach.Llm.Tests;

/// <summary>Answers requests in memory and remembers them.</summary>
internal sealed class StubHandler(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> answer) : HttpMessageHandler
{
    public ConcurrentQueue<(Uri Address, string Method, IReadOnlyDictionary<string, string> Headers)> Requests { get; } = new();

    public static StubHandler Always(Func<HttpResponseMessage> answer) => new((_, _) => Task.FromResult(answer()));

    /// <summary>Answers whoever brings this key; others are refused, as by every server that checks keys.</summary>
    public static StubHandler Knowing(string key, Func<HttpResponseMessage> answer) => new((request, _) => Task.FromResult(
        request.Headers.Any(header => header.Value.Any(value => value.EndsWith(key, StringComparison.Ordinal)))
            ? answer()
            : Response(401, """{"error":{"message":"No such key","type":"auth_error","code":"401"}}""")));

    public static HttpResponseMessage Response(int status, string body, string contentType = "application/json", IEnumerable<(string, string)>? headers = null)
    {
        var response = new HttpResponseMessage((HttpStatusCode)status) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        response.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        foreach ((string name, string value) in headers ?? [])
        {
            if (!response.Headers.TryAddWithoutValidation(name, value))
            {
                response.Content.Headers.Remove(name);
                response.Content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return response;
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Requests.Enqueue((request.RequestUri!, request.Method.Method,
            request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => string.Join(",", header.Value))));
        return answer(request, cancellationToken);
    }
}
