using Coach.Rag.Embeddings.Encoders;

namespace Coach.Rag.Embeddings.Tests.Encoders;

public sealed unsafe class MatrixKernelTests
{
    [Theory]
    [InlineData(64)]
    [InlineData(384)]
    [InlineData(1536)]
    [InlineData(2048)]
    public void Block_EveryKernelOfThisProcessor_GivesTheSumsOfItsCodes(int depth)
    {
        Check<AvxVnniMatrixKernel>(depth, extremes: false);
        Check<Avx512MatrixKernel>(depth, extremes: false);
        Check<Avx2MatrixKernel>(depth, extremes: false);
        Check<ArmMatrixKernel>(depth, extremes: false);
        Check<PortableMatrixKernel>(depth, extremes: false);
        Check<ScalarMatrixKernel>(depth, extremes: false);
    }

    [Fact]
    public void Block_TheLargestCodesEverywhere_DoNotOverflow()
    {
        const int Depth = 2048;
        Check<AvxVnniMatrixKernel>(Depth, extremes: true);
        Check<Avx512MatrixKernel>(Depth, extremes: true);
        Check<Avx2MatrixKernel>(Depth, extremes: true);
        Check<ArmMatrixKernel>(Depth, extremes: true);
        Check<PortableMatrixKernel>(Depth, extremes: true);
        Check<ScalarMatrixKernel>(Depth, extremes: true);
    }

    private static void Check<TKernel>(int depth, bool extremes)
        where TKernel : struct, IMatrixKernel
    {
        if (!TKernel.IsSupported)
        {
            return;     // another processor's
        }

        var random = new Random(depth);
        CodeForm form = TKernel.Form;
        int stride = depth * form.Bytes;
        var codes = new byte[KernelRows.Count * stride];
        var weights = new sbyte[depth * EncoderShape.Columns];
        var expected = new long[KernelRows.Count * EncoderShape.Columns];
        var sums = new int[expected.Length];
        for (int column = 0; column < EncoderShape.Columns; column++)
        {
            for (int k = 0; k < depth; k++)
            {
                weights[EncoderShape.CodeAt(depth, k, column)] = (sbyte)(extremes ? 127 : random.Next(-127, 128));
            }
        }

        for (int row = 0; row < KernelRows.Count; row++)
        {
            for (int k = 0; k < depth; k++)
            {
                int code = extremes ? form.Most : random.Next(form.Least, form.Most + 1);
                int at = (row * stride) + (k * form.Bytes);
                codes[at] = (byte)code;
                if (form.Bytes == 2)
                {
                    codes[at + 1] = (byte)(code >> 8);
                }

                for (int column = 0; column < EncoderShape.Columns; column++)
                {
                    expected[(row * EncoderShape.Columns) + column] +=
                        (long)code * weights[EncoderShape.CodeAt(depth, k, column)];
                }
            }
        }

        fixed (byte* code = codes)
        fixed (sbyte* weight = weights)
        fixed (int* sum = sums)
        {
            TKernel.Block(code, stride, weight, depth, sum);
        }

        Assert.Equal(expected, sums.Select(value => (long)value));
    }
}
