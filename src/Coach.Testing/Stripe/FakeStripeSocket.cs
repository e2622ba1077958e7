using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Coach.Testing.Stripe;

/// <summary>The fake on a loopback socket.</summary>
internal sealed class FakeStripeSocket(WebApplication app, Uri url) : IAsyncDisposable
{
    public Uri Url { get; } = url;

    public static async Task<FakeStripeSocket> StartAsync(FakeStripeServer core, CancellationToken cancellationToken)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost
            .ConfigureKestrel(
                static kestrel =>
                    kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http1));
        WebApplication app = builder.Build();
        app.Run(context => ServeAsync(core, context));
        await app.StartAsync(cancellationToken).ConfigureAwait(false);
        return new FakeStripeSocket(app, new Uri(app.Urls.First()));
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private static async Task ServeAsync(FakeStripeServer core, HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        string body = await reader.ReadToEndAsync(context.RequestAborted).ConfigureAwait(false);
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in context.Request.Headers)
        {
            headers[name] = values.ToString();
        }

        FakeStripeReply reply = await core.HandleAsync(new StripeRequest
        {
            Method = context.Request.Method,
            Path = context.Request.Path.Value ?? "/",
            Query = (context.Request.QueryString.Value ?? "").TrimStart('?'),
            Body = body,
            Headers = headers,
        }).ConfigureAwait(false);
        switch (reply.Delivery)
        {
            // Kestrel has accepted the connection by now; to the client a reset is as good as a refusal.
            case StripeFaultKind.Refuse or StripeFaultKind.Reset:
                context.Abort();
                return;
            case StripeFaultKind.Hang:
                await WaitForAbortAsync(context).ConfigureAwait(false);
                return;
        }

        context.Response.StatusCode = reply.Status;
        context.Response.ContentType = reply.ContentType;
        context.Response.ContentLength = reply.Body.Length;
        foreach ((string name, string value) in reply.Headers)
        {
            context.Response.Headers[name] = value;
        }

        if (reply.Delivery == StripeFaultKind.Truncate)
        {
            await context.Response.Body.WriteAsync(reply.Body.AsMemory(0, reply.Body.Length / 2)).ConfigureAwait(false);
            await context.Response.Body.FlushAsync().ConfigureAwait(false);
            context.Abort();
            return;
        }

        await context.Response.Body.WriteAsync(reply.Body).ConfigureAwait(false);
    }

    private static async Task WaitForAbortAsync(HttpContext context)
    {
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (context.RequestAborted.Register(aborted.SetResult).ConfigureAwait(false))
        {
            await aborted.Task.ConfigureAwait(false);
        }
    }
}
