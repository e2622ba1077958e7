using Coach.Prometheus.Exposition;

namespace Coach.Prometheus.Tests.Exposition;

public sealed class GzipExpositionTests
{
    [Fact]
    public void Write_AcrossPieces_KeepsEveryByteInOrder()
    {
        var random = new Random(7);
        byte[] bytes = new byte[(3 * ChunkPool.ChunkBytes) + 17];
        random.NextBytes(bytes);
        var page = new GzipExposition(new ChunkPool(), long.MaxValue);
        for (int at = 0; at < bytes.Length;)
        {
            int part = Math.Min(random.Next(1, 100_000), bytes.Length - at);
            page.Write(bytes.AsSpan(at, part));
            at += part;
        }

        Assert.Equal(bytes.Length, page.Length);
        Assert.Equal(bytes, Enumerable.Range(0, page.Pieces).SelectMany(i => page.Piece(i).ToArray()));
    }

    [Fact]
    public void Write_PastTheLimit_Throws() =>
        Assert.Throws<ExpositionTooLargeException>(
            () => new GzipExposition(new ChunkPool(), 100_000).Write(new byte[300_000]));

    [Fact]
    public void Pool_AfterALargePage_ShrinksToWhatLaterPagesNeed()
    {
        var pool = new ChunkPool();
        var large = new GzipExposition(pool, long.MaxValue);
        large.Write(new byte[10 * ChunkPool.ChunkBytes]);
        large.Recycle();
        Assert.True(pool.Free >= 10);
        var small = new GzipExposition(pool, long.MaxValue);
        small.Write("x"u8);
        small.Recycle();
        Assert.Equal(2, pool.Free);
    }
}
