using System.Text;

namespace Coach.AspNetCore.Tests;

public sealed class ScrapeBodyTests
{
    [Fact]
    public void Truncate_AcrossPieces_ForgetsExactlyWhatFollowed()
    {
        var pool = new ChunkPool();
        var body = new ScrapeBody(pool, long.MaxValue);
        body.Write("head"u8);
        long mark = body.Length;
        body.Write(new byte[200_000]);
        Assert.Equal(200_004, body.Length);
        body.Truncate(mark);
        body.Write("tail"u8);
        Assert.Equal("headtail", Encoding.UTF8.GetString(body.Chunk(0).Span));
        Assert.Equal(1, body.Chunks);
    }

    [Fact]
    public void NextChunk_LeavesTheRestOfThePieceOutOfThePage()
    {
        var body = new ScrapeBody(new ChunkPool(), long.MaxValue);
        body.Write("one"u8);
        body.NextChunk();
        body.Write("two"u8);
        Assert.Equal(6, body.Length);
        Assert.Equal("onetwo", string.Concat(Enumerable.Range(0, body.Chunks).Select(i => Encoding.UTF8.GetString(body.Chunk(i).Span))));
    }

    [Fact]
    public void Pool_AfterALargePage_ShrinksToWhatLaterPagesNeed()
    {
        var pool = new ChunkPool();
        var large = new ScrapeBody(pool, long.MaxValue);
        large.Write(new byte[10 * ChunkPool.ChunkBytes]);
        large.Recycle();
        Assert.True(pool.Free >= 10);
        var small = new ScrapeBody(pool, long.MaxValue);
        small.Write("x"u8);
        small.Recycle();
        Assert.Equal(2, pool.Free);
    }

    [Fact]
    public void Write_PastTheLimit_Throws() =>
        Assert.Throws<BodyTooLargeException>(() => new ScrapeBody(new ChunkPool(), 100_000).Write(new byte[300_000]));

    [Fact]
    public void Commit_HandsEveryByteOnOnceAndInOrder()
    {
        var seen = new List<byte>();
        var body = new ScrapeBody(new ChunkPool(), long.MaxValue, piece => seen.AddRange(piece.ToArray()));
        var random = new Random(7);
        var expected = new List<byte>();
        for (int i = 0; i < 200; i++)
        {
            byte[] part = new byte[random.Next(5000)];
            random.NextBytes(part);
            body.Write(part);
            if (i % 3 == 0)
            {
                long mark = body.Length;
                body.Write(part);
                body.Truncate(mark);
            }

            expected.AddRange(part);
            body.Commit();
        }

        body.Commit(isLast: true);
        Assert.Equal(expected, seen);
    }
}
