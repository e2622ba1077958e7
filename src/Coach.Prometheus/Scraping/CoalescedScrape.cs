using System.IO.Compression;
using System.Threading.Channels;
using Coach.Prometheus.Exposition;

namespace Coach.Prometheus.Scraping;

/// <summary>
/// One collection and the pages that are made of it. Scrapes join while it is open, in whatever format and coding; it
/// closes when every format that was asked for is written. No page is handed out before: who has one and asks again
/// gets a fresh collection.
/// </summary>
/// <param name="newPage">Makes an empty compressed page.</param>
internal sealed class CoalescedScrape(Func<GzipExposition> newPage) : IScrapeOutput
{
    private readonly Lock _gate = new();
    // By format and coding (see Index): text, OpenMetrics, text with gzip, OpenMetrics with gzip.
    private readonly ScrapeResult?[] _results = new ScrapeResult?[4];
    private readonly ExpositionBuffer?[] _pages = new ExpositionBuffer?[4];
    private readonly Exception?[] _errors = new Exception?[2];
    private readonly Channel<ReadOnlyMemory<byte>>?[] _pieces = new Channel<ReadOnlyMemory<byte>>?[2];
    private int _compressing;
    private bool _isClosed;

    /// <summary>Takes part; null when the scrape is closed.</summary>
    public ScrapeResult? Join(bool openMetrics, bool gzip)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return null;
            }

            ScrapeResult result = _results[Index(openMetrics, gzip)] ??= new ScrapeResult();
            result.Waiting++;
            if (_errors[Index(openMetrics)] is { } error)
            {
                result.Fail(error);
            }
            else if (gzip && _pages[Index(openMetrics)] is { } page)
            {
                Compress(Index(openMetrics), page);
            }

            return result;
        }
    }

    /// <summary>
    /// Gives up: either the page is still being made and expects one reader less, or it is ready and holds our share.
    /// </summary>
    public void Leave(ScrapeResult result)
    {
        lock (_gate)
        {
            if (result.Body is null)
            {
                result.Waiting--;
                return;
            }
        }

        result.Body.Release();
    }

    public bool TryNext(out bool openMetrics, out Action<ReadOnlyMemory<byte>>? committed)
    {
        lock (_gate)
        {
            for (int format = 0; format < _errors.Length; format++)
            {
                openMetrics = format == 1;
                if (_pages[format] is null
                    && _errors[format] is null
                    && (_results[format] ?? _results[format + 2]) is not null)
                {
                    // Compression costs more than writing, so a second thread compresses each piece while the next is
                    // written.
                    committed = null;
                    if (_results[format + 2] is not null)
                    {
                        ChannelWriter<ReadOnlyMemory<byte>> pieces = StartCompression(format).Writer;
                        committed = piece => pieces.TryWrite(piece);
                    }

                    return true;
                }
            }

            openMetrics = false;
            committed = null;
            Close();
            return false;
        }
    }

    public void Done(bool openMetrics, ExpositionBuffer page)
    {
        lock (_gate)
        {
            int format = Index(openMetrics);
            _pages[format] = page;
            if (_pieces[format] is { } pieces)
            {
                pieces.Writer.Complete();
            }
            else if (_results[format + 2] is not null)
            {
                Compress(format, page);
            }
        }
    }

    public void Failed(bool openMetrics, Exception exception)
    {
        lock (_gate)
        {
            Fail(Index(openMetrics), exception);
        }
    }

    /// <summary>Ends the scrape: who still waits for a page that was not written is told why.</summary>
    public void End(Exception exception)
    {
        lock (_gate)
        {
            for (int format = 0; format < _errors.Length; format++)
            {
                if (_pages[format] is null && _errors[format] is null)
                {
                    Fail(format, exception);
                }
            }

            Close();
        }
    }

    private static int Index(bool openMetrics, bool gzip = false) => (openMetrics ? 1 : 0) + (gzip ? 2 : 0);

    private void Fail(int format, Exception exception)
    {
        _errors[format] = exception;
        _pieces[format]?.Writer.TryComplete(exception);
        _results[format]?.Fail(exception);
        _results[format + 2]?.Fail(exception);
    }

    private void Close()
    {
        if (!_isClosed)
        {
            _isClosed = true;
            for (int i = 0; i < _pages.Length; i++)
            {
                Deliver(i);
            }

            Settle();
        }
    }

    // The scrape holds every page until the compressions that read them have ended.
    private void Deliver(int index)
    {
        if (_pages[index] is { } page)
        {
            page.Start(1 + (_results[index]?.Waiting ?? 0));
            _results[index]?.Complete(page);
        }
    }

    private void Settle()
    {
        if (_isClosed && _compressing == 0)
        {
            for (int i = 0; i < _pages.Length; i++)
            {
                _pages[i]?.Release();
                _pages[i] = null;
            }
        }
    }

    private void Compress(int format, ExpositionBuffer page)
    {
        if (_pieces[format] is null)
        {
            ChannelWriter<ReadOnlyMemory<byte>> pieces = StartCompression(format).Writer;
            for (int i = 0; i < page.Pieces; i++)
            {
                pieces.TryWrite(page.Piece(i));
            }

            pieces.Complete();
        }
    }

    private Channel<ReadOnlyMemory<byte>> StartCompression(int format)
    {
        // Unbounded, because it holds slices of a page that is in memory anyway.
        var pieces = Channel.CreateUnbounded<ReadOnlyMemory<byte>>(
            new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        _pieces[format] = pieces;
        _compressing++;
        _ = Task.Run(() => CompressAsync(pieces.Reader, format + 2), CancellationToken.None);
        return pieces;
    }

    private async Task CompressAsync(ChannelReader<ReadOnlyMemory<byte>> pieces, int index)
    {
        GzipExposition target = newPage();
        Exception? failure = null;
        try
        {
            var gzip = new GZipStream(new GzipExpositionStream(target), CompressionLevel.Fastest);
            await using (gzip.ConfigureAwait(false))
            {
                await foreach (ReadOnlyMemory<byte> piece in pieces.ReadAllAsync().ConfigureAwait(false))
                {
                    gzip.Write(piece.Span);
                }
            }
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            failure = exception; // the page could not be written, or is too large
        }

        lock (_gate)
        {
            _compressing--;
            if (failure is null)
            {
                _pages[index] = target;
                if (_isClosed)
                {
                    Deliver(index);
                }
            }
            else
            {
                target.Recycle();
                _results[index]?.Fail(failure);
            }

            Settle();
        }
    }
}

/// <summary>A page in one format and coding, and those who wait for it.</summary>
internal sealed class ScrapeResult
{
    private readonly TaskCompletionSource<ExpositionBuffer> _source = new(
        TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The page; each reader releases it once.</summary>
    public Task<ExpositionBuffer> Page => _source.Task;

    /// <summary>Guarded by the scrape's lock.</summary>
    public int Waiting { get; set; }

    /// <summary>Guarded by the scrape's lock.</summary>
    public ExpositionBuffer? Body { get; private set; }

    public void Complete(ExpositionBuffer body)
    {
        Body = body;
        _source.TrySetResult(body);
    }

    public void Fail(Exception exception)
    {
        _source.TrySetException(exception);
        _ = _source.Task.Exception; // everybody may have given up
    }
}
