using System.Runtime.Intrinsics;

namespace Coach.Rag.Embeddings.Encoders;

/// <summary>A matrix of 8-bit weights in place, with a scale, a sum and a shift a column.</summary>
internal readonly unsafe struct PackedMatrix(byte* start, int rows, int columns)
{
    public int Rows => rows;

    public int Columns => columns;

    private sbyte* Codes => (sbyte*)start;

    private float* Scales => (float*)(start + EncoderShape.Padded((long)rows * columns));

    private int* Sums => (int*)((byte*)Scales + EncoderShape.ColumnBytes(columns));

    private float* Shifts => (float*)((byte*)Sums + EncoderShape.ColumnBytes(columns));

    /// <summary>Writes the product of coded rows and the matrix, plus the shifts.</summary>
    /// <param name="input">The rows; their number is rounded up to full blocks, whose codes must be readable.</param>
    /// <param name="output">Takes as many rows, full blocks of them.</param>
    public void Multiply<TKernel>(in CodedRows input, float* output)
        where TKernel : struct, IMatrixKernel
    {
        int stride = rows * TKernel.Form.Bytes;
        int* sums = stackalloc int[KernelRows.Count * EncoderShape.Columns];
        for (int column = 0; column < columns; column += EncoderShape.Columns)
        {
            sbyte* weights = Codes + ((long)column * rows);
            Vector256<float> scale = Vector256.Load(Scales + column);
            Vector256<float> shift = Vector256.Load(Shifts + column);
            Vector256<float> total = Vector256.ConvertToSingle(Vector256.Load(Sums + column));
            for (int row = 0; row < input.Count; row += KernelRows.Count)
            {
                TKernel.Block(input.Codes + ((long)row * stride), stride, weights, rows, sums);
                float* target = output + ((long)row * columns) + column;
                for (int r = 0; r < KernelRows.Count; r++, target += columns)
                {
                    Vector256<float> sum = Vector256.ConvertToSingle(Vector256.Load(sums + (r * EncoderShape.Columns)));
                    CodeScale code = input.Scales[row + r];
                    (((sum - (total * code.Zero)) * (scale * code.Step)) + shift).Store(target);
                }
            }
        }
    }
}

/// <summary>How a row's codes become its numbers: step × (code − zero).</summary>
internal readonly record struct CodeScale(float Step, float Zero);

/// <summary>Rows of numbers as whole numbers with a scale a row, in the form that a kernel reads.</summary>
internal readonly unsafe struct CodedRows(byte* codes, CodeScale* scales, int count)
{
    // Added and taken away again, it rounds to the nearest whole number (ties to even) by floating-point arithmetic.
    private const float Rounding = 1.5f * (1 << 23);

    public byte* Codes => codes;

    public CodeScale* Scales => scales;

    public int Count => count;

    /// <summary>Codes one row.</summary>
    public void Set<TKernel>(int row, float* values, int length)
        where TKernel : struct, IMatrixKernel
    {
        CodeForm form = TKernel.Form;
        CodeScale scale = ScaleOf(values, length, form);
        scales[row] = scale;
        Vector256<float> factor = Vector256.Create(1 / scale.Step), zero = Vector256.Create(scale.Zero);
        if (form.Bytes == sizeof(short))
        {
            short* target = (short*)codes + ((long)row * length);
            for (int i = 0; i < length; i += Vector256<short>.Count)
            {
                Vector256<int> low = Round(values + i, factor, zero), high = Round(values + i + 8, factor, zero);
                Vector256.Narrow(low, high).Store(target + i);
            }

            return;
        }

        byte* bytes = codes + ((long)row * length);
        for (int i = 0; i < length; i += Vector256<byte>.Count)
        {
            Vector256<short> low = Vector256.Narrow(
                Round(values + i, factor, zero), Round(values + i + 8, factor, zero));
            Vector256<short> high = Vector256.Narrow(
                Round(values + i + 16, factor, zero), Round(values + i + 24, factor, zero));
            Vector256.Narrow(low, high).AsByte().Store(bytes + i);
        }
    }

    // Words are fine enough to be symmetric; bytes go from the smallest number to the largest.
    private static CodeScale ScaleOf(float* values, int length, CodeForm form)
    {
        Vector256<float> smallest = Vector256.Load(values), largest = smallest;
        for (int i = Vector256<float>.Count; i < length; i += Vector256<float>.Count)
        {
            Vector256<float> value = Vector256.Load(values + i);
            smallest = Vector256.MinNative(smallest, value);
            largest = Vector256.MaxNative(largest, value);
        }

        float least = smallest[0], most = largest[0];
        for (int lane = 1; lane < Vector256<float>.Count; lane++)
        {
            least = MathF.Min(least, smallest[lane]);
            most = MathF.Max(most, largest[lane]);
        }

        if (form.Bytes == sizeof(short))
        {
            float reach = MathF.Max(-least, most);
            return new CodeScale(reach > 0 ? reach / form.Most : 1, 0);
        }

        float step = most > least ? (most - least) / (form.Most - form.Least) : 1;
        return new CodeScale(step, form.Least - (least / step));
    }

    private static Vector256<int> Round(float* values, Vector256<float> factor, Vector256<float> zero)
    {
        Vector256<float> rounding = Vector256.Create(Rounding);
        return ((Vector256.Load(values) * factor) + zero + rounding).AsInt32() - rounding.AsInt32();
    }
}
