using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Coach.AspNetCore;

/// <summary>Answers <c>GET</c> and <c>HEAD</c> of the metrics page.</summary>
internal sealed class MetricsEndpoint(MetricsScraper scraper, MetricsDiagnostics diagnostics, TimeProvider time)
{
    private static readonly string[] ContentTypes =
    [
        "text/plain; version=0.0.4; charset=utf-8",
        "text/plain; version=1.0.0; charset=utf-8",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    ];

    // Every name on the page is legal without quoting, so "underscores" holds whatever scheme was asked for.
    private static readonly string[] ContentTypesWithEscaping = [.. ContentTypes.Select(type => type + "; escaping=underscores")];

    public async Task InvokeAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        HttpResponse response = context.Response;
        (PageFormat format, bool namesEscaping) = AcceptHeader.Format(request.Headers.Accept);
        bool openMetrics = format == PageFormat.OpenMetrics100;
        bool gzip = AcceptHeader.AcceptsGzip(request.Headers.AcceptEncoding);
        response.Headers.Vary = "Accept, Accept-Encoding";
        response.Headers.CacheControl = "no-store";
        string type = (namesEscaping || format == PageFormat.Text100 ? ContentTypesWithEscaping : ContentTypes)[(int)format];
        if (HttpMethods.IsHead(request.Method))
        {
            response.ContentType = type;
            return;
        }

        long started = time.GetTimestamp();
        ScrapeBody body;
        try
        {
            body = await scraper.AcquireAsync(openMetrics, gzip, AskedLimit(request), context.RequestAborted).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        catch (TimeoutException)
        {
            await FailAsync(context, "The metrics were not ready in time. A slow observable callback holds them up.").ConfigureAwait(false);
            return;
        }
        catch (Exception exception) when (exception is BodyTooLargeException or InvalidOperationException)
        {
            await FailAsync(context, exception.Message).ConfigureAwait(false);
            return;
        }

        try
        {
            response.ContentType = type;
            if (gzip)
            {
                response.Headers.ContentEncoding = "gzip";
            }

            response.ContentLength = body.Length;
            for (int i = 0; i < body.Chunks; i++)
            {
                await response.Body.WriteAsync(body.Chunk(i), context.RequestAborted).ConfigureAwait(false);
            }

            diagnostics.Served(openMetrics, time.GetElapsedTime(started));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The scraper hung up.
        }
        finally
        {
            scraper.Release(body);
        }
    }

    private async Task FailAsync(HttpContext context, string reason)
    {
        diagnostics.Failed(reason);
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(reason + "\n", context.RequestAborted).ConfigureAwait(false);
    }

    private static TimeSpan? AskedLimit(HttpRequest request) =>
        double.TryParse(request.Headers["X-Prometheus-Scrape-Timeout-Seconds"], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds)
        && seconds is > 0 and < 86_400
            ? TimeSpan.FromSeconds(seconds)
            : null;
}
