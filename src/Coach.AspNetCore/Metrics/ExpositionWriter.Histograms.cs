using OpenTelemetry.Metrics;

namespace Coach.AspNetCore;

/// <content>Histograms: cumulative buckets, sum and count.</content>
internal sealed partial class ExpositionWriter
{
    private bool WriteHistograms(MetricFamily family, MetricEntry entry, ScrapeBody body, bool openMetrics)
    {
        Span<byte> number = stackalloc byte[NumberText.MaxLength];
        bool isExplicit = entry.Metric.MetricType == MetricType.Histogram;
        bool mayHaveExemplars = openMetrics && exemplars && isExplicit;
        int i = 0;
        foreach (ref readonly MetricPoint point in entry.Metric.GetMetricPoints())
        {
            if (entry.Series.Bounds is null)
            {
                entry.UseBounds(isExplicit ? ReadBounds(in point) : []);
            }

            bool hasOddBounds = entry.Series.Bounds is [] or [< 0, ..];

            SeriesText series = entry.Series;
            if (i >= series.Points ? !Learn(family, series, in point) : !series.IsSame(i, in point))
            {
                return false;
            }

            int line = i * series.LinesPerPoint;
            i++;
            bool withExemplars = mayHaveExemplars && HasExemplars(in point);
            if (isExplicit && !hasOddBounds && !withExemplars && !(openMetrics && created) && WriteWhole(body, series, line, in point, openMetrics))
            {
                continue;
            }

            bool hasExemplars = withExemplars && SortExemplars(in point, series.Bounds!);
            long count = point.GetHistogramCount();
            long cumulative = 0;
            int bucket = 0;
            if (isExplicit)
            {
                foreach (HistogramBucket current in point.GetHistogramBuckets())
                {
                    if (bucket >= series.Bounds!.Length)
                    {
                        break; // the last is +Inf, which equals the count by definition
                    }

                    cumulative += current.BucketCount;
                    WriteLine(body, series.Line(line++), cumulative, number, hasExemplars ? bucket : -1);
                    bucket++;
                }
            }

            WriteLine(body, series.Line(line++), count, number, hasExemplars ? bucket : -1);
            double sum = point.GetHistogramSum();
            bool hasNegativeBounds = series.Bounds is [< 0, ..];

            // OpenMetrics: no _sum with negative bounds, no sum that is no counter, and no _count without _sum.
            if (!openMetrics || (!hasNegativeBounds && sum >= 0 && sum < double.PositiveInfinity))
            {
                body.Write(series.Line(line));
                body.Write(number[..NumberText.Write(sum, number)]);
                body.Write("\n"u8);
                WriteLine(body, series.Line(line + 1), count, number, -1);
            }

            if (openMetrics && created)
            {
                WriteCreated(body, series.Line(line), "_sum".Length, point.StartTime);
            }
        }

        return true;
    }

    // The usual point: all its lines fit into the current piece, so they are written in one go.
    private static bool WriteWhole(ScrapeBody body, SeriesText series, int line, in MetricPoint point, bool openMetrics)
    {
        double sum = point.GetHistogramSum();
        if (openMetrics && !(sum >= 0 && sum < double.PositiveInfinity))
        {
            return false;
        }

        ReadOnlySpan<int> ends = series.LineEnds;
        int start = line == 0 ? 0 : ends[line - 1];
        int last = line + series.LinesPerPoint - 1;
        Span<byte> free = body.Free;
        if (ends[last] - start + (series.LinesPerPoint * (NumberText.MaxLength + 1)) > free.Length)
        {
            return false;
        }

        ReadOnlySpan<byte> text = series.Text;
        long count = point.GetHistogramCount();
        long cumulative = 0;
        int used = 0;
        foreach (HistogramBucket bucket in point.GetHistogramBuckets())
        {
            if (line == last - 2)
            {
                break; // the last is +Inf, which equals the count by definition
            }

            cumulative += bucket.BucketCount;
            used += Line(text[start..ends[line]], cumulative, free[used..]);
            start = ends[line++];
        }

        used += Line(text[start..ends[last - 2]], count, free[used..]);
        ReadOnlySpan<byte> sumText = text[ends[last - 2]..ends[last - 1]];
        sumText.CopyTo(free[used..]);
        used += sumText.Length;
        used += NumberText.Write(sum, free[used..]);
        free[used++] = (byte)'\n';
        used += Line(text[ends[last - 1]..ends[last]], count, free[used..]);
        body.Advance(used);
        return true;

        static int Line(ReadOnlySpan<byte> text, long value, Span<byte> target)
        {
            text.CopyTo(target);
            int length = text.Length + NumberText.Write(value, target[text.Length..]);
            target[length] = (byte)'\n';
            return length + 1;
        }
    }

    private static bool HasExemplars(in MetricPoint point)
    {
        if (point.TryGetExemplars(out ReadOnlyExemplarCollection found))
        {
            foreach (ref readonly Exemplar exemplar in found)
            {
                if (exemplar.TraceId != default)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private void WriteLine(ScrapeBody body, ReadOnlySpan<byte> text, long value, Span<byte> number, int exemplarBucket)
    {
        Span<byte> free = body.Free;
        if (exemplarBucket < 0 && text.Length + NumberText.MaxLength + 1 <= free.Length)
        {
            text.CopyTo(free);
            int used = text.Length + NumberText.Write(value, free[text.Length..]);
            free[used++] = (byte)'\n';
            body.Advance(used);
            return;
        }

        body.Write(text);
        body.Write(number[..NumberText.Write(value, number)]);
        if (exemplarBucket >= 0 && _bucketExemplars[exemplarBucket] is { } exemplar)
        {
            WriteExemplar(body, exemplar, exemplar.DoubleValue);
        }

        body.Write("\n"u8);
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
