using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Coach.Proofs.Llm;

/// <summary>OpenAI's chat on loopback: tokens at an even pace, each of which says when it was written; two tildes end an answer.</summary>
internal sealed class TimedProvider : IAsyncDisposable
{
    private static readonly byte[] Last = Encoding.ASCII.GetBytes(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"~~\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");

    private readonly WebApplication _app;
    private readonly int _rate;

    private TimedProvider(WebApplication app, int rate) => (_app, _rate) = (app, rate);

    /// <summary>The base URL to configure.</summary>
    public Uri BaseUrl => new(_app.Urls.First() + "/v1");

    /// <summary>How long an answer takes.</summary>
    public TimeSpan Length { get; set; } = TimeSpan.FromSeconds(1);

    public static async Task<TimedProvider> StartAsync(int rate)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Limits.MinResponseDataRate = null;
        });
        WebApplication app = builder.Build();
        var provider = new TimedProvider(app, rate);
        app.Run(provider.HandleAsync);
        await app.StartAsync();
        return provider;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method))
        {
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync("""{"object":"list","data":[{"id":"gpt-6-luna","object":"model"}]}""");
            return;
        }

        using var reader = new StreamReader(context.Request.Body);
        string body = await reader.ReadToEndAsync();
        if (!body.Contains("\"stream\":true", StringComparison.Ordinal))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest; // a question about the key, without messages
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync("""{"error":{"message":"Missing messages","type":"invalid_request_error","param":"messages"}}""");
            return;
        }

        context.Response.ContentType = "text/event-stream";
        context.Features.Get<IHttpResponseBodyFeature>()!.DisableBuffering();
        int count = (int)(Length.TotalSeconds * _rate);
        using var pace = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / _rate));
        for (int i = 0; i < count && await pace.WaitForNextTickAsync(context.RequestAborted); i++)
        {
            string written = Stopwatch.GetTimestamp().ToString(CultureInfo.InvariantCulture);
            await context.Response.Body.WriteAsync(
                Encoding.ASCII.GetBytes("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"t" + written + ";\"}}]}\n\n"),
                context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }

        await context.Response.Body.WriteAsync(Last, context.RequestAborted);
    }
}
