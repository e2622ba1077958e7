using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Coach.AspNetCore.Middleware;

/// <summary>
/// Takes the caller's <c>X-Request-ID</c> over, or makes one, and gives it back; it stands in every log line of the
/// request.
/// </summary>
internal sealed class RequestIdMiddleware(RequestDelegate next, ILogger<RequestIdMiddleware> logger)
{
    public const string Header = "X-Request-ID";

    public async Task InvokeAsync(HttpContext context)
    {
        // Not a W3C trace context: that is kept by the framework beside it; this id is for people and their logs.
        string? asked = context.Request.Headers[Header];
        string id = IsAcceptable(asked)
            ? asked!
            : (Activity.Current?.TraceId ?? ActivityTraceId.CreateRandom()).ToHexString();
        context.TraceIdentifier = id;
        context.Response.Headers[Header] = id;
        context.Response.OnStarting(
            static state =>
            {
                var (response, value) = ((HttpResponse, string))state;
                response.Headers[Header] = value; // error handlers clear the headers
                return Task.CompletedTask;
            },
            (context.Response, id));
        using (logger.BeginScope(new RequestScope(id)))
        {
            await next(context).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// 1 to 64 letters, digits, <c>-</c>, <c>_</c>, <c>.</c>: nothing that could break a log line or carry a message.
    /// </summary>
    private static bool IsAcceptable(string? id)
    {
        if (id is not { Length: > 0 and <= 64 })
        {
            return false;
        }

        foreach (char c in id)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
            {
                return false;
            }
        }

        return KeyRedactor.Redact(id) == id;
    }

    private sealed class RequestScope(string id) : IReadOnlyList<KeyValuePair<string, object?>>
    {
        public int Count => 1;

        public KeyValuePair<string, object?> this[int index] => new("request_id", id);

        public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
        {
            yield return this[0];
        }

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

        public override string ToString() => "request_id:" + id;
    }
}
