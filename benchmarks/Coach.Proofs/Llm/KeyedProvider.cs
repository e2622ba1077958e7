using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Coach.Proofs.Llm;

/// <summary>How a key fares at the provider.</summary>
internal enum KeyFate
{
    Answers,
    Refused,
    RateLimited,
    NoCredit,
    ServerError,
    Resets,
    Hangs,
    CutsOff,
    Garbage,
}

/// <summary>OpenAI's chat on loopback, where each key has a fate of its own.</summary>
internal sealed class KeyedProvider : IAsyncDisposable
{
    private const string First = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"to\"}}]}\n\n";
    private const string Rest = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ken\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, KeyFate> _fates = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _answered = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _refused;

    private KeyedProvider(WebApplication app) => _app = app;

    public const string Answer = "token";

    /// <summary>The base URL to configure.</summary>
    public Uri BaseUrl => new(_app.Urls.First() + "/v1");

    /// <summary>How many chats were refused because the key was not known.</summary>
    public int Refused => Volatile.Read(ref _refused);

    /// <summary>Starts it. A question that says "hold" waits for <see cref="Release"/> after its first token.</summary>
    public static async Task<KeyedProvider> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Limits.MinResponseDataRate = null;
        });
        WebApplication app = builder.Build();
        var provider = new KeyedProvider(app);
        app.Run(provider.HandleAsync);
        await app.StartAsync();
        return provider;
    }

    public void Set(string key, KeyFate fate) => _fates[key] = fate;

    /// <summary>How many chats were answered with a key.</summary>
    public int AnsweredWith(string key) => _answered.GetValueOrDefault(key);

    public void Release() => _held.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        Release();
        await _app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        string key = context.Request.Headers.Authorization.ToString()["Bearer ".Length..];
        KeyFate fate = _fates.TryGetValue(key, out KeyFate known) ? known : KeyFate.Refused;
        if (HttpMethods.IsGet(context.Request.Method))
        {
            // The list says of most keys that they are fine: what fails is the chat.
            await (_fates.ContainsKey(key)
                ? WriteAsync(context, 200, """{"object":"list","data":[{"id":"gpt-6-luna","object":"model"}]}""")
                : RefuseAsync(context));
            return;
        }

        using var reader = new StreamReader(context.Request.Body);
        string body = await reader.ReadToEndAsync(context.RequestAborted);
        if (!body.Contains("\"messages\"", StringComparison.Ordinal))
        {
            await (_fates.ContainsKey(key)
                ? WriteAsync(context, 400, """{"error":{"message":"Missing required parameter: 'messages'.","type":"invalid_request_error","param":"messages","code":"missing_required_parameter"}}""")
                : RefuseAsync(context));
            return;
        }

        switch (fate)
        {
            case KeyFate.Refused:
                Interlocked.Increment(ref _refused);
                await RefuseAsync(context);
                break;
            case KeyFate.RateLimited:
                context.Response.Headers.RetryAfter = "20";
                await WriteAsync(context, 429, """{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}""");
                break;
            case KeyFate.NoCredit:
                await WriteAsync(context, 429, """{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}""");
                break;
            case KeyFate.ServerError:
                await WriteAsync(context, 500, """{"error":{"message":"The server had an error","type":"server_error","code":null}}""");
                break;
            case KeyFate.Resets:
                context.Features.Get<IHttpRequestLifetimeFeature>()!.Abort();
                break;
            case KeyFate.Hangs:
                await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                break;
            case KeyFate.Garbage:
                await WriteAsync(context, 200, "<html>captive portal</html>");
                break;
            default:
                await AnswerAsync(context, key, body, isCut: fate == KeyFate.CutsOff);
                break;
        }
    }

    private async Task AnswerAsync(HttpContext context, string key, string body, bool isCut)
    {
        _answered.AddOrUpdate(key, 1, static (_, count) => count + 1);
        context.Response.ContentType = "text/event-stream";
        await context.Response.WriteAsync(First, context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        if (isCut)
        {
            context.Features.Get<IHttpRequestLifetimeFeature>()!.Abort();
            return;
        }

        if (body.Contains("hold", StringComparison.Ordinal))
        {
            await _held.Task.WaitAsync(context.RequestAborted);
        }

        await context.Response.WriteAsync(Rest, context.RequestAborted);
    }

    private static Task RefuseAsync(HttpContext context) => WriteAsync(context, 401,
        """{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}""");

    private static Task WriteAsync(HttpContext context, int status, string body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body, context.RequestAborted);
    }
}
