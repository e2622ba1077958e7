using System.Globalization;
using System.Text;
using OpenTelemetry.Metrics;

namespace Coach.AspNetCore;

/// <summary>Writes one family's block. Known series cost a copy of their text and the formatting of a number.</summary>
internal sealed class ExpositionWriter(MetricsDiagnostics diagnostics, bool exemplars, bool created)
{
    private Exemplar?[] _bucketExemplars = new Exemplar?[32];

    public void Write(MetricFamily family, ScrapeBody body, bool openMetrics)
    {
        body.Write(openMetrics ? family.OpenMetricsHead : family.TextHead);
        long start = body.Length;
        for (int attempt = 0; ; attempt++)
        {
            if (family.HasDuplicates)
            {
                WriteMerged(family, body, openMetrics);
                return;
            }

            bool complete = true;
            foreach (MetricEntry entry in family.Entries)
            {
                complete = complete && (family.Kind == MetricKind.Histogram
                    ? WriteHistograms(family, entry, body, openMetrics)
                    : WriteScalars(family, entry, body, openMetrics));
            }

            if (complete)
            {
                return;
            }

            // A point appeared before known ones, or a duplicate was found: start this family over.
            body.Truncate(start);
            if (!family.HasDuplicates)
            {
                family.Forget();
            }

            if (attempt == 2)
            {
                throw new InvalidOperationException("The metric points changed their order three times within one collection.");
            }
        }
    }

    private bool WriteScalars(MetricFamily family, MetricEntry entry, ScrapeBody body, bool openMetrics)
    {
        bool isCounter = entry.Kind == MetricKind.Counter;
        if (isCounter && openMetrics && (exemplars || created))
        {
            return WriteRichCounters(family, entry, body);
        }

        return entry.Metric.MetricType switch
        {
            MetricType.LongSum or MetricType.LongSumNonMonotonic => WriteScalars<LongSum>(family, entry, body, isCounter),
            MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => WriteScalars<DoubleSum>(family, entry, body, isCounter),
            MetricType.LongGauge => WriteScalars<LongGauge>(family, entry, body, isCounter),
            _ => WriteScalars<DoubleGauge>(family, entry, body, isCounter),
        };
    }

    private bool WriteScalars<TValue>(MetricFamily family, MetricEntry entry, ScrapeBody body, bool isCounter)
        where TValue : struct, IPointValue
    {
        SeriesText series = entry.Series;
        ReadOnlySpan<byte> text = series.Text;
        ReadOnlySpan<int> ends = series.LineEnds;
        Span<byte> free = body.Free;
        int known = series.Points, point = 0, start = 0, used = 0;
        foreach (ref readonly MetricPoint current in entry.Metric.GetMetricPoints())
        {
            if (point < known ? !series.IsSame(point, in current) : !Learn(family, series, in current))
            {
                body.Advance(used);
                return false;
            }

            if (point >= known)
            {
                text = series.Text;
                ends = series.LineEnds;
            }

            int end = ends[point++];
            ReadOnlySpan<byte> line = text[start..end];
            start = end;
            if (isCounter && !TValue.IsCount(in current))
            {
                diagnostics.Problem(ScrapeProblem.NonFinite);
                continue;
            }

            if (line.Length + NumberText.MaxLength + 1 > free.Length - used)
            {
                body.Advance(used);
                used = 0;
                line = MakeRoom(body, line);
                free = body.Free;
            }

            line.CopyTo(free[used..]);
            used += line.Length;
            used += TValue.Write(in current, free[used..]);
            free[used++] = (byte)'\n';
        }

        body.Advance(used);
        return true;
    }

    // Text, number and line feed stay in one piece; a text that fills pieces of its own is written ahead.
    private static ReadOnlySpan<byte> MakeRoom(ScrapeBody body, ReadOnlySpan<byte> line)
    {
        while (line.Length + NumberText.MaxLength + 1 > body.Free.Length)
        {
            if (line.Length > ChunkPool.ChunkBytes / 2)
            {
                int part = line.Length - (ChunkPool.ChunkBytes / 2);
                body.Write(line[..part]);
                line = line[part..];
            }
            else
            {
                body.NextChunk();
            }
        }

        return line;
    }

    private bool WriteRichCounters(MetricFamily family, MetricEntry entry, ScrapeBody body)
    {
        Span<byte> number = stackalloc byte[NumberText.MaxLength];
        SeriesText series = entry.Series;
        bool isLong = entry.Metric.MetricType == MetricType.LongSum;
        int point = 0;
        foreach (ref readonly MetricPoint current in entry.Metric.GetMetricPoints())
        {
            if (point < series.Points ? !series.IsSame(point, in current) : !Learn(family, series, in current))
            {
                return false;
            }

            ReadOnlySpan<byte> line = series.Line(point++);
            if (isLong ? !LongSum.IsCount(in current) : !DoubleSum.IsCount(in current))
            {
                diagnostics.Problem(ScrapeProblem.NonFinite);
                continue;
            }

            line = MakeRoom(body, line);
            Span<byte> free = body.Free;
            line.CopyTo(free);
            int used = line.Length + (isLong ? LongSum.Write(in current, free[line.Length..]) : DoubleSum.Write(in current, free[line.Length..]));
            if (exemplars && current.TryGetExemplars(out ReadOnlyExemplarCollection found))
            {
                body.Advance(used);
                WriteLastExemplar(body, found, isLong);
                body.Write("\n"u8);
            }
            else
            {
                free[used++] = (byte)'\n';
                body.Advance(used);
            }

            if (created)
            {
                WriteCreated(body, series.Line(point - 1), "_total".Length, current.StartTime);
            }
        }

        return true;
    }

    private bool WriteHistograms(MetricFamily family, MetricEntry entry, ScrapeBody body, bool openMetrics)
    {
        Span<byte> number = stackalloc byte[NumberText.MaxLength];
        bool isExplicit = entry.Metric.MetricType == MetricType.Histogram;
        bool withExemplars = openMetrics && exemplars && isExplicit;
        int i = 0;
        foreach (ref readonly MetricPoint point in entry.Metric.GetMetricPoints())
        {
            if (entry.Series.Bounds is null)
            {
                entry.UseBounds(isExplicit ? ReadBounds(in point) : []);
            }

            SeriesText series = entry.Series;
            if (i >= series.Points ? !Learn(family, series, in point) : !series.IsSame(i, in point))
            {
                return false;
            }

            int line = i * series.LinesPerPoint;
            i++;
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

    private bool Learn(MetricFamily family, SeriesText series, in MetricPoint point)
    {
        string labels = series.Add(in point);
        if (family.Seen.Add(labels))
        {
            return true;
        }

        diagnostics.Problem(ScrapeProblem.DuplicateSeries);
        family.HasDuplicates = true;
        return false;
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

    // name_total{labels}  becomes  name_created{labels} seconds
    private static void WriteCreated(ScrapeBody body, ReadOnlySpan<byte> text, int suffixLength, DateTimeOffset start)
    {
        int nameEnd = text.IndexOfAny((byte)'{', (byte)' ');
        body.Write(text[..(nameEnd - suffixLength)]);
        body.Write("_created"u8);
        body.Write(text[nameEnd..]);
        Span<byte> number = stackalloc byte[NumberText.MaxLength];
        body.Write(number[..NumberText.Write(start.ToUnixTimeMilliseconds() / 1000.0, number)]);
        body.Write("\n"u8);
    }

    private bool SortExemplars(in MetricPoint point, double[] bounds)
    {
        if (!point.TryGetExemplars(out ReadOnlyExemplarCollection found))
        {
            return false;
        }

        if (_bucketExemplars.Length <= bounds.Length)
        {
            _bucketExemplars = new Exemplar?[bounds.Length + 1];
        }

        Array.Clear(_bucketExemplars);
        bool any = false;
        foreach (ref readonly Exemplar exemplar in found)
        {
            double value = exemplar.DoubleValue;
            if (exemplar.TraceId != default && !double.IsNaN(value))
            {
                int at = Array.BinarySearch(bounds, value);
                _bucketExemplars[at < 0 ? ~at : at] = exemplar;
                any = true;
            }
        }

        return any;
    }

    private static void WriteLastExemplar(ScrapeBody body, ReadOnlyExemplarCollection found, bool isLong)
    {
        Exemplar? last = null;
        foreach (ref readonly Exemplar exemplar in found)
        {
            if (exemplar.TraceId != default && (last is null || exemplar.Timestamp >= last.Value.Timestamp))
            {
                last = exemplar;
            }
        }

        if (last is { } chosen && (isLong || double.IsFinite(chosen.DoubleValue)))
        {
            WriteExemplar(body, chosen, isLong ? chosen.LongValue : chosen.DoubleValue);
        }
    }

    // Only the trace and span id: 63 of the 128 characters the format allows, and nothing of the measurement's tags leaks.
    private static void WriteExemplar(ScrapeBody body, in Exemplar exemplar, double value)
    {
        Span<byte> number = stackalloc byte[NumberText.MaxLength];
        string labels = string.Create(CultureInfo.InvariantCulture, $" # {{trace_id=\"{exemplar.TraceId}\",span_id=\"{exemplar.SpanId}\"}} ");
        body.Write(Encoding.UTF8.GetBytes(labels));
        body.Write(number[..NumberText.Write(value, number)]);
        body.Write(" "u8);
        body.Write(number[..NumberText.Write(exemplar.Timestamp.ToUnixTimeMilliseconds() / 1000.0, number)]);
    }

    private static void WriteMerged(MetricFamily family, ScrapeBody body, bool openMetrics) =>
        MergedFamily.Write(family, body, openMetrics);

    private interface IPointValue
    {
        static abstract bool IsCount(in MetricPoint point);

        static abstract int Write(in MetricPoint point, Span<byte> destination);
    }

    private readonly struct LongSum : IPointValue
    {
        public static bool IsCount(in MetricPoint point) => point.GetSumLong() >= 0;

        public static int Write(in MetricPoint point, Span<byte> destination) => NumberText.Write(point.GetSumLong(), destination);
    }

    private readonly struct DoubleSum : IPointValue
    {
        public static bool IsCount(in MetricPoint point) => point.GetSumDouble() is >= 0 and < double.PositiveInfinity;

        public static int Write(in MetricPoint point, Span<byte> destination) => NumberText.Write(point.GetSumDouble(), destination);
    }

    private readonly struct LongGauge : IPointValue
    {
        public static bool IsCount(in MetricPoint point) => true;

        public static int Write(in MetricPoint point, Span<byte> destination) => NumberText.Write(point.GetGaugeLastValueLong(), destination);
    }

    private readonly struct DoubleGauge : IPointValue
    {
        public static bool IsCount(in MetricPoint point) => true;

        public static int Write(in MetricPoint point, Span<byte> destination) => NumberText.Write(point.GetGaugeLastValueDouble(), destination);
    }
}
