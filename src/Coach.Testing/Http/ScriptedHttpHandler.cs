using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;

namespace Coach.Testing;

/// <summary>An <see cref="HttpMessageHandler"/> that answers from a script, with every kind of bad delivery and no
/// network.</summary>
/// <remarks>Safe for concurrent use. Steps are used up in order; when none is left, the last one repeats.</remarks>
public sealed class ScriptedHttpHandler : HttpMessageHandler
{
    private readonly TimeProvider _time;
    private readonly ConcurrentQueue<Func<CancellationToken, Task<HttpResponseMessage>>> _steps = new();
    private Func<CancellationToken, Task<HttpResponseMessage>>? _last;
    private int _requests;
    private int _disposedBodies;

    /// <summary>Makes a handler without a script.</summary>
    /// <param name="time">The clock that delays wait on; the system's unless given.</param>
    public ScriptedHttpHandler(TimeProvider? time = null) => _time = time ?? TimeProvider.System;

    /// <summary>How many requests it was sent.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>How many of its bodies were closed by their readers.</summary>
    public int ClosedBodies => Volatile.Read(ref _disposedBodies);

    /// <summary>Answers the next request.</summary>
    /// <param name="status">The status.</param>
    /// <param name="body">The bytes of the body.</param>
    /// <param name="contentType">The body's content type.</param>
    /// <param name="delivery">How the body arrives; whole unless given.</param>
    /// <param name="delay">How long to wait before the status.</param>
    /// <returns>This handler.</returns>
    public ScriptedHttpHandler Answer(
        HttpStatusCode status, ReadOnlyMemory<byte> body, string contentType =
            "application/json", ResponseDelivery? delivery = null, TimeSpan delay = default) =>
        Add(async cancellationToken =>
        {
            if (delay > TimeSpan.Zero)
            {
                await Task.Delay(delay, _time, cancellationToken).ConfigureAwait(false);
            }

            var stream = new DeliveredStream(
                body, delivery ?? ResponseDelivery.Whole, _time, () => Interlocked.Increment(ref _disposedBodies));
            var response = new HttpResponseMessage(status) { Content = new StreamContent(stream, 256) };
            response.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
            return response;
        });

    /// <summary>Fails the next request, as a refused connection does.</summary>
    /// <param name="exception">With what; an <see cref="HttpRequestException"/> unless given.</param>
    /// <returns>This handler.</returns>
    public ScriptedHttpHandler Fail(Exception? exception = null) =>
        Add(_ => Task.FromException<HttpResponseMessage>(exception
            ?? new HttpRequestException(HttpRequestError.ConnectionError, "Connection refused (scripted)")));

    /// <summary>Never answers the next request, until it is cancelled.</summary>
    /// <returns>This handler.</returns>
    public ScriptedHttpHandler Hang() => Add(async cancellationToken =>
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellationToken).ConfigureAwait(false);
        throw new System.Diagnostics.UnreachableException();
    });

    /// <inheritdoc />
    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _requests);
        if (_steps.TryDequeue(out Func<CancellationToken, Task<HttpResponseMessage>>? step))
        {
            _last = step;
        }

        step ??= _last ?? throw new InvalidOperationException("Script an answer before sending a request.");
        HttpResponseMessage response = await step(cancellationToken).ConfigureAwait(false);
        response.RequestMessage = request;
        return response;
    }

    private ScriptedHttpHandler Add(Func<CancellationToken, Task<HttpResponseMessage>> step)
    {
        _steps.Enqueue(step);
        return this;
    }

    // What the socket would do, without one: a read gives as much as the delivery says, breaks off, or never ends.
    private sealed class DeliveredStream(
        ReadOnlyMemory<byte> body, ResponseDelivery delivery, TimeProvider time, Action closed) : ReadOnlyStream
    {
        private readonly Random _random = new(delivery.Seed);
        private int _position;
        private bool _isClosed;

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (delivery.CutAt is { } cut && _position >= cut)
            {
                throw new HttpIOException(HttpRequestError.ResponseEnded, "The response ended prematurely (scripted).");
            }

            if (delivery.HangAt is { } hang && _position >= hang)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
            }

            int left = Math.Min(
                body.Length, Math.Min(delivery.CutAt ?? int.MaxValue, delivery.HangAt ?? int.MaxValue)) - _position;
            int count = Math.Min(Math.Min(left, buffer.Length), left == 0 ? 0 : delivery.Next(_random, left));
            body.Slice(_position, count).CopyTo(buffer);
            _position += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) =>
            throw new NotSupportedException("Read asynchronously.");

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_isClosed)
            {
                _isClosed = true;
                closed();
            }

            base.Dispose(disposing);
        }
    }
}
