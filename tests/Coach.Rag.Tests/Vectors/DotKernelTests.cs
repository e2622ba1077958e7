using Coach.Rag.Vectors;

namespace Coach.Rag.Tests.Vectors;

public sealed unsafe class DotKernelTests
{
    [Fact]
    public void Four_EveryKernelOfThisMachine_EqualsTheScalarOne()
    {
        int compared = Compare<Avx512Kernel>() + Compare<AvxVnniKernel>() + Compare<Avx2Kernel>() + Compare<ArmDotKernel>() + Compare<PortableKernel>();
        Assert.True(compared > 0, "this machine has no vector instructions");
    }

    [Fact]
    public void Four_LargestValues_DoNotOverflow()
    {
        var rows = new byte[4 * 128];
        var query = new sbyte[128];
        rows.AsSpan().Fill(255);
        query.AsSpan().Fill(VectorQuantizer.QueryLimit);
        foreach (int[] sums in new[] { Sums<Avx512Kernel>(rows, query), Sums<Avx2Kernel>(rows, query), Sums<PortableKernel>(rows, query), Sums<ScalarKernel>(rows, query) })
        {
            Assert.All(sums, sum => Assert.Equal(255 * 64 * 128, sum));
        }

        query.AsSpan().Fill(-VectorQuantizer.QueryLimit);
        Assert.All(Sums<Avx2Kernel>(rows, query), sum => Assert.Equal(-255 * 64 * 128, sum));
    }

    private static int[] Sums<TKernel>(byte[] rows, sbyte[] query)
        where TKernel : struct, IDotKernel
    {
        var sums = new int[4];
        if (!TKernel.IsSupported)
        {
            return Sums<ScalarKernel>(rows, query);
        }

        int stride = query.Length;
        fixed (byte* r = rows)
        fixed (sbyte* q = query)
        fixed (int* s = sums)
        {
            TKernel.Four(r, r + stride, r + (2 * stride), r + (3 * stride), q, stride, s);
        }

        return sums;
    }

    private static int Compare<TKernel>()
        where TKernel : struct, IDotKernel
    {
        if (!TKernel.IsSupported)
        {
            return 0;
        }

        var random = new Random(5);
        foreach (int stride in (int[])[64, 128, 384, 768, 1536])
        {
            var rows = new byte[4 * stride];
            var query = new sbyte[stride];
            for (int round = 0; round < 50; round++)
            {
                random.NextBytes(rows);
                for (int i = 0; i < stride; i++)
                {
                    query[i] = (sbyte)random.Next(-VectorQuantizer.QueryLimit, VectorQuantizer.QueryLimit + 1);
                }

                Assert.Equal(Sums<ScalarKernel>(rows, query), Sums<TKernel>(rows, query));
            }
        }

        return 1;
    }
}
