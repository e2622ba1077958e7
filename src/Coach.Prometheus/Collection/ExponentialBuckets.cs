using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Collection;

/// <summary>
/// Shows exponential histograms as classic ones, since neither format has native histograms: the buckets of a base of
/// 2^(2^-scale) are joined at powers of two, where their bounds meet, so every count is exact.
/// </summary>
/// <remarks>
/// The bounds of a family only ever widen, so that no bucket vanishes. Beyond <see cref="MaxBounds"/> they are powers
/// of 4, 16, 256 … (specification/metrics/data-model.md, "ExponentialHistogram": upper bound 2^((index + 1) ×
/// 2^-scale), inclusive).
/// </remarks>
internal sealed class ExponentialBuckets
{
    // A classic histogram costs a line a bound, and 40 powers of two span twelve decimal orders.
    private const int MaxBounds = 40;
    private const int MinExponent = -1074, MaxExponent = 1023;

    private int _lowest = int.MaxValue;
    private int _highest = int.MinValue;
    private int _step = 1;

    /// <summary>The upper bounds, ascending.</summary>
    public double[] Bounds { get; private set; } = [];

    /// <summary>Room for one point's counts, so that a page allocates none.</summary>
    public long[] Scratch { get; private set; } = [];

    /// <summary>Makes room for what the metric's points hold.</summary>
    /// <returns>Whether the bounds changed.</returns>
    public bool Widen(Metric metric)
    {
        (int lowest, int highest, int step) = (_lowest, _highest, _step);
        foreach (ref readonly MetricPoint point in metric.GetMetricPoints())
        {
            ExponentialHistogramData data = point.GetExponentialHistogramData();
            int index = data.PositiveBuckets.Offset;
            foreach (long count in data.PositiveBuckets)
            {
                if (count > 0)
                {
                    int exponent = Exponent(index, data.Scale);
                    lowest = Math.Min(lowest, exponent);
                    highest = Math.Max(highest, exponent);
                }

                index++;
            }

            step = Math.Max(step, data.Scale < 0 ? 1 << -data.Scale : 1);
        }

        if (lowest > highest)
        {
            return false;
        }

        while ((Up(highest, step) - Up(lowest, step)) / step >= MaxBounds)
        {
            step *= 2;
        }

        if ((lowest, highest, step) == (_lowest, _highest, _step))
        {
            return false;
        }

        (_lowest, _highest, _step) = (lowest, highest, step);
        List<double> bounds = [];
        for (int exponent = Up(lowest, step); exponent <= Math.Min(Up(highest, step), MaxExponent); exponent += step)
        {
            bounds.Add(Math.ScaleB(1, Math.Max(exponent, MinExponent)));
        }

        Bounds = [.. bounds];
        Scratch = new long[Bounds.Length];
        return true;
    }

    /// <summary>
    /// The measurements in each bucket, not yet cumulative; those above the last bound are left out. Zeros are in the
    /// first.
    /// </summary>
    public void Count(in MetricPoint point, Span<long> counts)
    {
        counts.Clear();
        if (counts.IsEmpty)
        {
            return;
        }

        ExponentialHistogramData data = point.GetExponentialHistogramData();
        counts[0] = data.ZeroCount;
        int index = data.PositiveBuckets.Offset;
        foreach (long count in data.PositiveBuckets)
        {
            int bucket = (Up(Exponent(index++, data.Scale), _step) - Up(_lowest, _step)) / _step;
            if (count > 0 && bucket < counts.Length)
            {
                counts[bucket] += count;
            }
        }
    }

    // The smallest power of two that is not below the bucket's upper bound.
    private static int Exponent(int index, int scale) => scale >= 0 ? (index >> scale) + 1 : (index + 1) << -scale;

    private static int Up(int exponent, int step) => (exponent + step - 1) & -step;
}
