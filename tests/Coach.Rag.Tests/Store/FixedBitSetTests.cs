using Coach.Rag.Store;

namespace Coach.Rag.Tests.Store;

public sealed class FixedBitSetTests
{
    /// <summary>Whatever the lengths of the bitmaps, the sets are those of a hash set of rows.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Union_RandomRanges_EqualsThatOfHashSets(int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < 200; i++)
        {
            int rows = random.Next(1, 300);
            (FixedBitSet some, HashSet<int> expected) = RandomSet(random, rows);
            (FixedBitSet others, HashSet<int> more) = RandomSet(random, rows);
            expected.UnionWith(more);
            FixedBitSet both = FixedBitSet.Union(some, others);
            Assert.Equal(expected.Count, both.Count);
            Assert.Equal(expected.Count == 0, both.IsEmpty);
            Assert.Equal(expected.Order(), Enumerable.Range(0, rows).Where(row => both[row]));
        }
    }

    [Fact]
    public void Union_OneHasNoBytes_IsTheOther()
    {
        byte[] bitmap = FixedBitSet.Empty(20);
        FixedBitSet.AddRange(bitmap, 3, 9);
        Assert.Equal(9, FixedBitSet.Union(new FixedBitSet(bitmap), default).Count);
        Assert.Equal(9, FixedBitSet.Union(default, new FixedBitSet(bitmap)).Count);
    }

    [Fact]
    public void Item_RowPastTheEnd_IsNotInTheSet()
    {
        var set = new FixedBitSet(new byte[] { 0xFF });
        Assert.Equal((true, false, false), (set[7], set[8], set[int.MaxValue]));
    }

    private static (FixedBitSet Set, HashSet<int> Rows) RandomSet(Random random, int rows)
    {
        byte[] bitmap = FixedBitSet.Empty(rows);
        var expected = new HashSet<int>();
        for (int ranges = random.Next(0, 4); ranges > 0; ranges--)
        {
            int first = random.Next(rows);
            int count = random.Next(rows - first + 1);
            FixedBitSet.AddRange(bitmap, first, count);
            expected.UnionWith(Enumerable.Range(first, count));
        }

        return (new FixedBitSet(bitmap), expected);
    }
}
