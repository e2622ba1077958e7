using OpenTelemetry.Metrics;

namespace Coach.AspNetCore;

/// <content>Histograms: cumulative buckets, sum and count.</content>
internal sealed partial class ExpositionWriter
{
    private bool WriteHistograms(MetricFamily family, MetricEntry entry, FamilyBlock block, bool openMetrics)
    {
        Span<byte> number = stackalloc byte[NumberText.MaxLength];
        bool isExplicit = !entry.IsExponential;
        long[] joined = isExplicit ? [] : new long[family.Exponential.Bounds.Length];
        int i = 0;
        foreach (ref readonly MetricPoint point in entry.Metric.GetMetricPoints())
        {
            if (entry.Series.Bounds is null)
            {
                entry.UseBounds(ReadBounds(in point));
            }

            SeriesText series = entry.Series;
            if (i >= series.Points ? !Learn(family, series, block, in point) : !series.IsSame(i, in point))
            {
                return false;
            }

            int line = i++ * series.LinesPerPoint;
            bool hasExemplars = openMetrics && exemplars && isExplicit && HasExemplars(in point) && SortExemplars(in point, series.Bounds!);
            long count = point.GetHistogramCount();
            line = isExplicit
                ? WriteBuckets(block, series, line, in point, hasExemplars, number)
                : WriteJoined(block, series, line, family.Exponential, in point, joined, number);
            WriteLine(block, series.Line(line++), count, number, hasExemplars ? series.Bounds!.Length : -1);
            double sum = point.GetHistogramSum();

            // OpenMetrics: no _sum with negative bounds, no sum that is no counter, and no _count without _sum.
            if (openMetrics && (series.Bounds is [< 0, ..] || !(sum >= 0 && sum < double.PositiveInfinity)))
            {
                block.Skip();
            }
            else
            {
                long bits = BitConverter.DoubleToInt64Bits(sum);
                if (!block.TryKeep(bits))
                {
                    block.Line(series.Line(line), number[..NumberText.Write(sum, number)], bits);
                }

                WriteLine(block, series.Line(line + 1), count, number, -1);
            }

            if (openMetrics && created)
            {
                WriteCreated(block, series.Line(line), "_sum".Length, point.StartTime);
            }
        }

        return true;
    }

    private int WriteBuckets(FamilyBlock block, SeriesText series, int line, in MetricPoint point, bool hasExemplars, Span<byte> number)
    {
        long cumulative = 0;
        int bucket = 0, bounds = series.Bounds!.Length;
        foreach (HistogramBucket current in point.GetHistogramBuckets())
        {
            if (bucket == bounds)
            {
                break; // the last is +Inf, which equals the count by definition
            }

            cumulative += current.BucketCount;
            WriteLine(block, series.Line(line++), cumulative, number, hasExemplars ? bucket : -1);
            bucket++;
        }

        return line;
    }

    private int WriteJoined(
        FamilyBlock block, SeriesText series, int line, ExponentialBuckets buckets, in MetricPoint point, long[] counts, Span<byte> number)
    {
        buckets.Count(in point, counts);
        long cumulative = 0;
        foreach (long current in counts)
        {
            cumulative += current;
            WriteLine(block, series.Line(line++), cumulative, number, -1);
        }

        return line;
    }

    private void WriteLine(FamilyBlock block, ReadOnlySpan<byte> text, long value, Span<byte> number, int exemplarBucket)
    {
        if (exemplarBucket >= 0 && _bucketExemplars[exemplarBucket] is { } exemplar)
        {
            block.Raw(text);
            block.Raw(number[..NumberText.Write(value, number)]);
            WriteExemplar(block, exemplar, exemplar.DoubleValue);
            block.Raw("\n"u8);
        }
        else if (!block.TryKeep(value))
        {
            block.Line(text, number[..NumberText.Write(value, number)], value);
        }
    }

    private static double[] ReadBounds(in MetricPoint point)
    {
        List<double> bounds = [];
        foreach (HistogramBucket bucket in point.GetHistogramBuckets())
        {
            if (double.IsFinite(bucket.ExplicitBound))
            {
                bounds.Add(bucket.ExplicitBound);
            }
        }

        return [.. bounds];
    }
}
