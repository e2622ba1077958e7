using System.IO.Compression;
using System.Threading.Channels;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore;

/// <summary>Renders pages: scrapes that arrive while a page of their format and coding is being made share it.</summary>
internal sealed class MetricsScraper(CoachMetricsExporter exporter, IOptions<CoachMetricsOptions> options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Flight?[] _flights = new Flight?[4];
    private long _collections;

    /// <summary>How many pages were rendered.</summary>
    public long Collections => Volatile.Read(ref _collections);

    /// <summary>Waits for a page. The caller gives it back with <see cref="Release"/>.</summary>
    /// <exception cref="TimeoutException">The page was not ready in time; it is still being made for others.</exception>
    public async Task<ScrapeBody> AcquireAsync(bool openMetrics, bool gzip, TimeSpan? limit, CancellationToken cancellationToken)
    {
        Flight flight;
        lock (_gate)
        {
            ref Flight? current = ref _flights[(openMetrics ? 1 : 0) + (gzip ? 2 : 0)];
            if (current is null)
            {
                current = new Flight();
                Flight started = current;
                started.Page = Task.Run(() => RenderAsync(started, openMetrics, gzip), CancellationToken.None);
            }

            flight = current;
            flight.Waiting++;
        }

        TimeSpan patience = limit is { } asked && asked < options.Value.ScrapeTimeout ? asked : options.Value.ScrapeTimeout;
        try
        {
            return await flight.Page!.WaitAsync(patience, time, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            Leave(flight);
            throw;
        }
    }

    public void Release(ScrapeBody body)
    {
        lock (_gate)
        {
            if (--body.Readers > 0)
            {
                return;
            }
        }

        body.Recycle();
    }

    private async Task<ScrapeBody> RenderAsync(Flight flight, bool openMetrics, bool gzip)
    {
        ScrapeBody? body = null;
        try
        {
            Interlocked.Increment(ref _collections);
            body = gzip ? await CompressedAsync(openMetrics).ConfigureAwait(false) : exporter.Render(openMetrics);
            return body;
        }
        finally
        {
            bool isUnwanted = false;
            lock (_gate)
            {
                _flights[(openMetrics ? 1 : 0) + (gzip ? 2 : 0)] = null;
                flight.Body = body;
                if (body is not null)
                {
                    body.Readers = flight.Waiting;
                    isUnwanted = flight.Waiting == 0;
                }
            }

            if (isUnwanted)
            {
                body!.Recycle();
            }
        }
    }

    // Compression costs about as much as rendering, so a second thread compresses each piece while the next is being written.
    private async Task<ScrapeBody> CompressedAsync(bool openMetrics)
    {
        var pieces = Channel.CreateUnbounded<ReadOnlyMemory<byte>>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        ScrapeBody target = exporter.NewBody();
        Task compression = Task.Run(() => CompressAsync(pieces.Reader, target), CancellationToken.None);
        ScrapeBody? page = null;
        try
        {
            page = exporter.Render(openMetrics, piece => pieces.Writer.TryWrite(piece));
            pieces.Writer.Complete();
            await compression.ConfigureAwait(false);
            return target;
        }
        catch (Exception exception)
        {
            pieces.Writer.TryComplete(exception);
            await compression.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            target.Recycle();
            throw;
        }
        finally
        {
            page?.Recycle();
        }
    }

    private static async Task CompressAsync(ChannelReader<ReadOnlyMemory<byte>> pieces, ScrapeBody target)
    {
        var gzip = new GZipStream(new BodyStream(target), CompressionLevel.Fastest);
        await using (gzip.ConfigureAwait(false))
        {
            await foreach (ReadOnlyMemory<byte> piece in pieces.ReadAllAsync().ConfigureAwait(false))
            {
                gzip.Write(piece.Span);
            }
        }
    }

    // Gave up: either the page is still being made and expects one reader less, or it is ready and holds our share.
    private void Leave(Flight flight)
    {
        ScrapeBody? body;
        lock (_gate)
        {
            body = flight.Body;
            if (body is null)
            {
                flight.Waiting--;
                return;
            }
        }

        Release(body);
    }

    private sealed class Flight
    {
        public Task<ScrapeBody>? Page { get; set; }

        public int Waiting { get; set; }

        public ScrapeBody? Body { get; set; }
    }
}
