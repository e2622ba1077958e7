using Coach.Rag.Embeddings.Encoders;

namespace Coach.Rag.Embeddings.Tests.Encoders;

public sealed class EncoderWorkersTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void LoadsOf_AnyTexts_HoldsEachOnceWithinTheLimit(int seed)
    {
        var random = new Random(seed);
        int[][] texts = [.. Enumerable.Range(0, 200).Select(_ => new int[random.Next(2, 257)])];
        List<int[]> loads = EncoderWorkers.LoadsOf(texts, 256);
        Assert.Equal(Enumerable.Range(0, 200), loads.SelectMany(load => load).Order());
        Assert.All(loads, load => Assert.InRange(load.Sum(number => texts[number].Length), 1, 256));
        int least = (texts.Sum(text => text.Length) + 255) / 256;
        Assert.InRange(loads.Count, least, least * 3 / 2);
    }

    [Fact]
    public void LoadsOf_NoTexts_IsEmpty() => Assert.Empty(EncoderWorkers.LoadsOf([], 256));
}
