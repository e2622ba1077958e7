namespace Coach.Abstractions.Tests.Shared;

public sealed class ReadOnlyStreamTests
{
    [Fact]
    public async Task ReadAsync_IntoAnArray_ReadsIntoThatPartOfIt()
    {
        await using var stream = new Counting();
        byte[] buffer = new byte[5];
        Assert.Equal(3, await stream.ReadAsync(buffer, 1, 3, CancellationToken.None));
        Assert.Equal([0, 1, 2, 3, 0], buffer);
    }

    [Fact]
    public void EverythingButReading_IsRefused()
    {
        using var stream = new Counting();
        stream.Flush();
        Assert.Equal((true, false, false), (stream.CanRead, stream.CanSeek, stream.CanWrite));
        Assert.Throws<NotSupportedException>(() => stream.Length);
        Assert.Throws<NotSupportedException>(() => stream.Position);
        Assert.Throws<NotSupportedException>(() => stream.Position = 1);
        Assert.Throws<NotSupportedException>(() => stream.Seek(0, SeekOrigin.Begin));
        Assert.Throws<NotSupportedException>(() => stream.SetLength(0));
        Assert.Throws<NotSupportedException>(() => stream.Write([1], 0, 1));
    }

    private sealed class Counting : ReadOnlyStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            for (int i = 0; i < buffer.Length; i++)
            {
                buffer.Span[i] = (byte)(i + 1);
            }

            return ValueTask.FromResult(buffer.Length);
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
