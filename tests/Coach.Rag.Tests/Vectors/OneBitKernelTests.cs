using Coach.Rag.Vectors;

namespace Coach.Rag.Tests.Vectors;

public sealed unsafe class OneBitKernelTests
{
    [Fact]
    public void Block_EveryKernelOfThisMachine_EqualsTheScalarOne()
    {
        int compared = Compare<Avx512OneBitKernel>() + Compare<Avx2OneBitKernel>() + Compare<PortableOneBitKernel>();
        Assert.True(compared > 0, "this machine has no vector instructions");
    }

    [Theory]
    [InlineData(8)]
    [InlineData(48)]
    [InlineData(256)]
    [InlineData(2048)]
    public void Block_LargestValues_FitSixteenBits(int count)
    {
        int most = Math.Min(127, ushort.MaxValue / (2 * count));
        var lines = new byte[count * 64];
        var tables = new byte[count * 32];
        lines.AsSpan().Fill(255);
        tables.AsSpan().Fill((byte)most);
        foreach (ushort[] sums in (ushort[][])[Sums<Avx512OneBitKernel>(lines, tables), Sums<Avx2OneBitKernel>(lines, tables), Sums<PortableOneBitKernel>(lines, tables), Sums<ScalarOneBitKernel>(lines, tables)])
        {
            Assert.All(sums, sum => Assert.Equal(2 * count * most, sum));
        }
    }

    private static ushort[] Sums<TKernel>(byte[] lines, byte[] tables)
        where TKernel : struct, IOneBitKernel
    {
        var sums = new ushort[64];
        if (!TKernel.IsSupported)
        {
            return Sums<ScalarOneBitKernel>(lines, tables);
        }

        fixed (byte* l = lines)
        fixed (byte* t = tables)
        fixed (ushort* s = sums)
        {
            TKernel.Block(l, t, tables.Length / 32, s);
        }

        return sums;
    }

    private static int Compare<TKernel>()
        where TKernel : struct, IOneBitKernel
    {
        if (!TKernel.IsSupported)
        {
            return 0;
        }

        // Every number of lines up to that of 1,024 components, and some beyond: no tail may be left out.
        var random = new Random(6);
        foreach (int count in (int[])[.. Enumerable.Range(1, 128), 192, 384, 1024, 2048])
        {
            var lines = new byte[count * 64];
            var tables = new byte[count * 32];
            for (int round = 0; round < 4; round++)
            {
                random.NextBytes(lines);
                for (int i = 0; i < tables.Length; i++)
                {
                    tables[i] = (byte)random.Next(0, Math.Min(127, ushort.MaxValue / (2 * count)) + 1);
                }

                Assert.Equal(Sums<ScalarOneBitKernel>(lines, tables), Sums<TKernel>(lines, tables));
            }
        }

        return 1;
    }
}
