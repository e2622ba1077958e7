using Microsoft.AspNetCore.Http.Features;

namespace Processor.Protocol;

/// <summary>
/// Lets the last frame arrive. A WebSocket that finds broken UTF-8 sends its close frame and drops the connection in
/// the
/// same breath, and what was on its way is lost with it; here the connection stays until the other side has hung up, or
/// the time for that is over.
/// </summary>
internal sealed class LingeringUpgrade(IHttpUpgradeFeature inner) : IHttpUpgradeFeature
{
    private Stream? _stream;

    public bool IsUpgradableRequest => inner.IsUpgradableRequest;

    public async Task<Stream> UpgradeAsync()
    {
        _stream = await inner.UpgradeAsync();
        return new KeptStream(_stream);
    }

    /// <summary>Reads past what still comes.</summary>
    public async Task LingerAsync(TimeSpan limit, TimeProvider time)
    {
        byte[] scrap = new byte[4096];
        long begun = time.GetTimestamp();
        try
        {
            while (_stream is not null)
            {
                TimeSpan left = limit - time.GetElapsedTime(begun);
                int read = await _stream.ReadAsync(scrap)
                    .AsTask().WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);
                if (read == 0)
                {
                    return;
                }
            }
        }
        catch (Exception gone) when (gone is IOException or TimeoutException or OperationCanceledException
            or ObjectDisposedException or InvalidOperationException)
        {
            // Gone either way.
        }
    }

    /// <summary>The connection's stream, which whoever upgraded it closes.</summary>
    private sealed class KeptStream(Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => inner.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.ReadAsync(buffer, cancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.WriteAsync(buffer, cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
