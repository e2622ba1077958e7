using Coach.Prometheus.Collection;
using OpenTelemetry.Metrics;

namespace Coach.Prometheus.Exposition;

/// <summary>
/// Writes one family's block. A known series costs a comparison, and the formatting of its number when that changed.
/// </summary>
internal sealed class ExpositionWriter(MetricsDiagnostics diagnostics, bool exemplars, bool created)
{
    // A point can appear before known ones, and then a duplicate be found: two reasons to start over.
    private const int MaxAttempts = 3;

    private const int LookAheadPoints = 32;

    private readonly ExemplarLink[] _ahead = new ExemplarLink[LookAheadPoints];
    private ExemplarLink[] _bucketExemplars = new ExemplarLink[32];

    public void Write(MetricFamily family, FamilyBuffer block, bool openMetrics)
    {
        family.Widen();
        byte[] head = openMetrics ? family.OpenMetricsHead : family.TextHead;
        block.Begin(family.Layout, head);
        for (int attempt = 1; ; attempt++)
        {
            if (family.HasDuplicates)
            {
                DuplicateSeriesMerger.Write(family, block, openMetrics);
                break;
            }

            if (WriteEntries(family, block, openMetrics))
            {
                break;
            }

            // A point appeared before known ones, or a duplicate was found: start this family over.
            block.Restart(head);
            if (!family.HasDuplicates)
            {
                family.Forget();
            }

            if (attempt == MaxAttempts)
            {
                throw new InvalidOperationException(
                    "The metric points changed their order three times within one collection.");
            }
        }

        block.End(family.Layout);
    }

    private bool WriteEntries(MetricFamily family, FamilyBuffer block, bool openMetrics)
    {
        foreach (MetricEntry entry in family.Entries)
        {
            bool complete = entry.Metric.MetricType switch
            {
                MetricType.Histogram or MetricType.ExponentialHistogram =>
                    WriteHistograms(family, entry, block, openMetrics),
                MetricType.LongSum or MetricType.LongSumNonMonotonic =>
                    WriteScalars<LongSum>(family, entry, block, openMetrics),
                MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic =>
                    WriteScalars<DoubleSum>(family, entry, block, openMetrics),
                MetricType.LongGauge => WriteScalars<LongGauge>(family, entry, block, openMetrics),
                _ => WriteScalars<DoubleGauge>(family, entry, block, openMetrics),
            };
            if (!complete)
            {
                return false;
            }
        }

        return true;
    }

    private bool WriteScalars<TValue>(MetricFamily family, MetricEntry entry, FamilyBuffer block, bool openMetrics)
        where TValue : struct, IPointValue
    {
        Span<byte> number = stackalloc byte[NumberFormatter.MaxLength];
        bool isCounter = entry.Kind == MetricKind.Counter;
        bool mayHaveExemplars = isCounter && openMetrics && exemplars;
        bool hasCreated = isCounter && openMetrics && created;
        SeriesPrefix series = entry.Series;
        int known = series.Points;
        MetricPointsAccessor.Enumerator next = entry.Metric.GetMetricPoints().GetEnumerator();
        int i = 0;
        foreach (ref readonly MetricPoint point in entry.Metric.GetMetricPoints())
        {
            if (i < known ? !series.IsSame(i, in point) : !Learn(family, entry, block, in point))
            {
                return false;
            }

            long bits = TValue.Bits(in point);
            int line = i++;
            if (mayHaveExemplars && line % LookAheadPoints == 0)
            {
                LookAhead(ref next, typeof(TValue) == typeof(LongSum));
            }

            if (isCounter && !TValue.FitsCounter(bits))
            {
                diagnostics.Problem(ScrapeProblem.NonFinite);
                block.Skip();
                continue;
            }

            if (mayHaveExemplars && _ahead[line % LookAheadPoints].Exists)
            {
                ref readonly ExemplarLink last = ref _ahead[line % LookAheadPoints];
                if (!block.TryKeep(bits, last.Mark))
                {
                    block.Line(series.Line(line), number[..TValue.Write(bits, number)], bits, in last);
                }
            }
            else if (!block.TryKeep(bits))
            {
                block.Line(series.Line(line), number[..TValue.Write(bits, number)], bits);
            }

            if (hasCreated)
            {
                WriteCreated(block, series.Line(line), "_total".Length, point.StartTime);
            }
        }

        return true;
    }

    private bool Learn(MetricFamily family, MetricEntry entry, FamilyBuffer block, in MetricPoint point)
    {
        string labels = entry.Series.Add(in point);
        entry.HasOverflow |= IsOverflow(in point);
        family.Layout = new object();
        block.Break();
        if (family.Seen.Add(labels))
        {
            return true;
        }

        diagnostics.Problem(ScrapeProblem.DuplicateSeries);
        family.HasDuplicates = true;
        return false;
    }

    /// <summary>
    /// Whether the point stands for all label sets beyond the limit
    /// (specification/metrics/sdk.md, "Overflow attribute").
    /// </summary>
    public static bool IsOverflow(in MetricPoint point)
    {
        if (point.Tags.Count == 1)
        {
            foreach ((string key, object? value) in point.Tags)
            {
                return key == "otel.metric.overflow" && value is true;
            }
        }

        return false;
    }

    private bool WriteHistograms(MetricFamily family, MetricEntry entry, FamilyBuffer block, bool openMetrics)
    {
        Span<byte> number = stackalloc byte[NumberFormatter.MaxLength];
        bool isExplicit = !entry.IsExponential;
        Span<long> joined = isExplicit ? [] : family.Exponential.Scratch;
        int i = 0;
        foreach (ref readonly MetricPoint point in entry.Metric.GetMetricPoints())
        {
            if (entry.Series.Bounds is null)
            {
                entry.UseBounds(ReadBounds(in point));
            }

            SeriesPrefix series = entry.Series;
            if (i >= series.Points ? !Learn(family, entry, block, in point) : !series.IsSame(i, in point))
            {
                return false;
            }

            int line = i++ * series.LinesPerPoint;
            bool hasExemplars = openMetrics
                && exemplars
                && isExplicit
                && SortExemplars(in point, series.Bounds!);
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
                    block.Line(series.Line(line), number[..NumberFormatter.Write(sum, number)], bits);
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

    private int WriteBuckets(
        FamilyBuffer block, SeriesPrefix series, int line, in MetricPoint point, bool hasExemplars, Span<byte> number)
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
        FamilyBuffer block,
        SeriesPrefix series,
        int line,
        ExponentialBuckets buckets,
        in MetricPoint point,
        Span<long> counts,
        Span<byte> number)
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

    private void WriteLine(
        FamilyBuffer block, ReadOnlySpan<byte> text, long value, Span<byte> number, int exemplarBucket)
    {
        if (exemplarBucket >= 0 && _bucketExemplars[exemplarBucket].Exists)
        {
            ref readonly ExemplarLink exemplar = ref _bucketExemplars[exemplarBucket];
            if (!block.TryKeep(value, exemplar.Mark))
            {
                block.Line(text, number[..NumberFormatter.Write(value, number)], value, in exemplar);
            }
        }
        else if (!block.TryKeep(value))
        {
            block.Line(text, number[..NumberFormatter.Write(value, number)], value);
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

    // name_total{labels}  becomes  name_created{labels} seconds
    private static void WriteCreated(
        FamilyBuffer block, ReadOnlySpan<byte> text, int suffixLength, DateTimeOffset start)
    {
        int nameEnd = text.IndexOfAny((byte)'{', (byte)' ');
        block.Raw(text[..(nameEnd - suffixLength)]);
        block.Raw("_created"u8);
        block.Raw(text[nameEnd..]);
        Span<byte> number = stackalloc byte[NumberFormatter.MaxLength];
        block.Raw(number[..NumberFormatter.Write(start.ToUnixTimeMilliseconds() / 1000.0, number)]);
        block.Raw("\n"u8);
    }

    private bool SortExemplars(in MetricPoint point, double[] bounds)
    {
        if (!point.TryGetExemplars(out ReadOnlyExemplarCollection found))
        {
            return false;
        }

        if (_bucketExemplars.Length <= bounds.Length)
        {
            _bucketExemplars = new ExemplarLink[bounds.Length + 1];
        }

        Array.Clear(_bucketExemplars);
        bool any = false;
        int at = 0;
        foreach (ref readonly Exemplar exemplar in found)
        {
            double value = exemplar.DoubleValue;
            if (exemplar.TraceId != default && !double.IsNaN(value))
            {
                // The SDK keeps one a bucket, in their order; whatever a host's own reservoir keeps is right, too.
                at = at > 0 && value <= bounds[at - 1] ? 0 : at;
                while (at < bounds.Length && value > bounds[at])
                {
                    at++;
                }

                _bucketExemplars[at] = new ExemplarLink(in exemplar, value);
                any = true;
            }
        }

        return any;
    }

    // The exemplars of the next points. Each is three cache misses away; in a loop that does nothing else the processor
    // waits for many of them at once.
    private void LookAhead(ref MetricPointsAccessor.Enumerator points, bool isLong)
    {
        ExemplarLink[] ahead = _ahead;
        for (int i = 0; i < ahead.Length && points.MoveNext(); i++)
        {
            ahead[i] = ExemplarLink.Last(in points.Current, isLong);
        }
    }
}
