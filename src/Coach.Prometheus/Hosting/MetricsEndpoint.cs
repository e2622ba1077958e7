using System.Globalization;
using Coach.Prometheus.Collection;
using Coach.Prometheus.Exposition;
using Coach.Prometheus.Scraping;
using Microsoft.AspNetCore.Http;

namespace Coach.Prometheus.Hosting;

/// <summary>Answers <c>GET</c> and <c>HEAD</c> of the metrics page.</summary>
internal sealed class MetricsEndpoint(MetricsScraper scraper, MetricsDiagnostics diagnostics, TimeProvider time)
{
    public async Task InvokeAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        HttpResponse response = context.Response;
        (ExpositionFormat format, string contentType) = ExpositionFormats.Choose(request.Headers.Accept);
        bool openMetrics = format == ExpositionFormat.OpenMetrics100;
        ContentCoding coding = CodingNegotiation.Choose(request.Headers.AcceptEncoding);
        response.Headers.Vary = "Accept, Accept-Encoding";
        response.Headers.CacheControl = "no-store";
        if (coding == ContentCoding.None)
        {
            await AnswerAsync(
                context,
                StatusCodes.Status406NotAcceptable,
                "The page can be had with gzip or without coding; Accept-Encoding refuses both.").ConfigureAwait(false);
            return;
        }

        response.ContentType = contentType;
        if (coding == ContentCoding.Gzip)
        {
            response.Headers.ContentEncoding = "gzip";
        }

        // RFC 9110 §9.3.2: a HEAD needs no content length, so it costs no collection.
        if (HttpMethods.IsHead(request.Method))
        {
            return;
        }

        long started = time.GetTimestamp();
        ExpositionBuffer body;
        try
        {
            body = await scraper.AcquireAsync(
                openMetrics, coding == ContentCoding.Gzip, AskedLimit(request), context.RequestAborted)
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        catch (TimeoutException)
        {
            await FailAsync(
                context,
                "The metrics were not ready in time. A slow observable callback holds them up.").ConfigureAwait(false);
            return;
        }
        catch (Exception exception) when (exception is ExpositionTooLargeException or InvalidOperationException)
        {
            await FailAsync(context, exception.Message).ConfigureAwait(false);
            return;
        }

        try
        {
            response.ContentLength = body.Length;
            for (int i = 0; i < body.Pieces; i++)
            {
                await response.Body.WriteAsync(body.Piece(i), context.RequestAborted).ConfigureAwait(false);
            }

            diagnostics.Served(openMetrics, time.GetElapsedTime(started));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The scraper hung up.
        }
        finally
        {
            body.Release();
        }
    }

    private Task FailAsync(HttpContext context, string reason)
    {
        diagnostics.Failed(reason);
        context.Response.Headers.ContentEncoding = default;
        return AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, reason);
    }

    private static Task AnswerAsync(HttpContext context, int status, string reason)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : context.Response.WriteAsync(reason + "\n", context.RequestAborted);
    }

    private static TimeSpan? AskedLimit(HttpRequest request) =>
        double.TryParse(
            request.Headers["X-Prometheus-Scrape-Timeout-Seconds"],
            NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture,
            out double seconds)
        && seconds is > 0 and < 86_400
            ? TimeSpan.FromSeconds(seconds)
            : null;
}
