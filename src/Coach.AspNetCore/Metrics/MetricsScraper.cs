using Microsoft.Extensions.Options;

namespace Coach.AspNetCore;

/// <summary>Hands out pages: scrapes that arrive while metrics are collected and written share that collection.</summary>
internal sealed class MetricsScraper(CoachMetricsExporter exporter, IOptions<CoachMetricsOptions> options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private ScrapeFlight? _flight;
    private long _collections;

    /// <summary>How many collections were started.</summary>
    public long Collections => Volatile.Read(ref _collections);

    /// <summary>Waits for a page. The caller releases it.</summary>
    /// <exception cref="TimeoutException">The page was not ready in time; it is still being made for others.</exception>
    /// <exception cref="PageTooLargeException">The page outgrew its limit.</exception>
    /// <exception cref="InvalidOperationException">There is no reader, or the collection gave no page.</exception>
    public async Task<PageBody> AcquireAsync(bool openMetrics, bool gzip, TimeSpan? limit, CancellationToken cancellationToken)
    {
        ScrapeFlight flight;
        ScrapeFlight.Variant? variant;
        lock (_gate)
        {
            variant = _flight?.Join(openMetrics, gzip);
            if (variant is null)
            {
                ScrapeFlight started = new(exporter.NewPackedPage);
                _flight = started;
                variant = started.Join(openMetrics, gzip)!;
                Interlocked.Increment(ref _collections);
                _ = Task.Run(() => Run(started), CancellationToken.None);
            }

            flight = _flight!;
        }

        TimeSpan patience = limit is { } asked && asked < options.Value.ScrapeTimeout ? asked : options.Value.ScrapeTimeout;
        try
        {
            return await variant.Page.WaitAsync(patience, time, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            flight.Leave(variant);
            throw;
        }
    }

    private void Run(ScrapeFlight flight)
    {
        Exception? failure = null;
        try
        {
            exporter.Render(flight);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            failure = exception;
        }
        finally
        {
            flight.End(failure as InvalidOperationException ?? new InvalidOperationException("The metrics could not be collected.", failure));
        }
    }
}
