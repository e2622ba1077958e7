using Coach.Prometheus.Exposition;
using Microsoft.Extensions.Options;

namespace Coach.Prometheus.Scraping;

/// <summary>
/// Hands out pages: scrapes that arrive while metrics are collected and written share that collection.
/// </summary>
internal sealed class MetricsScraper(
    CoachMetricsExporter exporter, IOptions<CoachMetricsOptions> options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private CoalescedScrape? _scrape;
    private long _collections;

    /// <summary>How many collections were started.</summary>
    public long Collections => Volatile.Read(ref _collections);

    /// <summary>Waits for a page. The caller releases it.</summary>
    /// <exception cref="TimeoutException">
    /// The page was not ready in time; it is still being made for others.
    /// </exception>
    /// <exception cref="ExpositionTooLargeException">The page outgrew its limit.</exception>
    /// <exception cref="InvalidOperationException">There is no reader, or the collection gave no page.</exception>
    public async Task<ExpositionBuffer> AcquireAsync(
        bool openMetrics, bool gzip, TimeSpan? limit, CancellationToken cancellationToken)
    {
        CoalescedScrape scrape;
        ScrapeResult? result;
        lock (_gate)
        {
            result = _scrape?.Join(openMetrics, gzip);
            if (result is null)
            {
                CoalescedScrape started = new(exporter.NewGzipExposition);
                _scrape = started;
                result = started.Join(openMetrics, gzip)!;
                Interlocked.Increment(ref _collections);
                // Observable callbacks are foreign code: they run on a thread of the pool, not on that of a request,
                // and no scraper that hangs up cancels what others wait for.
                _ = Task.Run(() => Run(started), CancellationToken.None);
            }

            scrape = _scrape!;
        }

        TimeSpan patience = limit is { } asked && asked < options.Value.ScrapeTimeout
            ? asked
            : options.Value.ScrapeTimeout;
        try
        {
            return await result.Page.WaitAsync(patience, time, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            scrape.Leave(result);
            throw;
        }
    }

    private void Run(CoalescedScrape scrape)
    {
        Exception? failure = null;
        try
        {
            exporter.Render(scrape);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            failure = exception;
        }
        finally
        {
            scrape.End(failure as InvalidOperationException
                ?? new InvalidOperationException("The metrics could not be collected.", failure));
        }
    }
}
